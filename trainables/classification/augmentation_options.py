"""What can be set of how training images are augmented and stylised. Torch-free."""

import dataclasses

from trainables.laws import option


@dataclasses.dataclass(frozen=True, kw_only=True)
class AugmentationOptions:
    """The part of a trial's options that changes training images without a network's gradient."""

    transform: str = option(
        "string",
        "none",
        "augmentation of every training image; 'augmix' crops and flips first",
        enum=["none", "crop_flip", "augmix"],
    )
    flip_probability: float = option(
        "number",
        0.5,
        "chance of a mirrored image in crop_flip and augmix, where the data set says that mirroring keeps the label",
        minimum=0,
        maximum=1,
    )
    consistency_weight: float = option(
        "number",
        12.0,
        "weight of AugMix's consistency loss, which takes three views of each image; 0 trains on one view without it",
        minimum=0,
        maximum=1000,
    )
    augmix_severity: float = option(
        "number", 3.0, "upper end of the level of AugMix's operations", exclusiveMinimum=0.1, maximum=10
    )
    augmix_width: int = option("integer", 3, "chains that AugMix mixes into an image", minimum=1, maximum=10)
    augmix_depth: int = option(
        "integer", 3, "operations of AugMix's longest chain; each chain has 1 to that many", minimum=1, maximum=10
    )
    augmix_overlapping: bool = option(
        "boolean", False, "whether AugMix also draws brightness, contrast, colour and sharpness, which corruptions do"
    )
    stylisation: str = option(
        "string",
        "pyramid",
        "what makes stylised images: 'pyramid' matches the statistics of a style's pyramid and needs no weights, "
        "'adain' is a network",
        enum=["pyramid", "adain"],
        fixed=True,
    )
    styles: str = option(
        "string", "", "folder of style images for extra_sets with 'stylised'; empty takes made textures", fixed=True
    )
    stylisation_encoder: str = option(
        "string", "", "torchvision's VGG-19 weight file for 'adain'; empty means torch's hub cache", fixed=True
    )
    stylisation_decoder: str = option(
        "string", "", "decoder for 'adain', as `robustune styles train-decoder` writes it", fixed=True
    )


def conflicts(options: AugmentationOptions) -> list[str]:
    """What is wrong with several of the options at once, a line each."""
    if options.stylisation == "adain" and not options.stylisation_decoder:
        return [
            "stylisation_decoder: stylisation = 'adain' needs a decoder here; `robustune styles train-decoder` "
            "trains one, or use 'pyramid'"
        ]
    return []
