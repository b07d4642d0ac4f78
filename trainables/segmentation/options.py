"""What can be set for one segmentation trial. Torch-free, so that a study can be checked in a moment."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from trainables import laws
from trainables.architectures import ACTIVATIONS, RESNETS
from trainables.classification.options import HEAD_ONLY, OWN_WIDTH, WHOLE_NET
from trainables.laws import option

ARCHITECTURE: Final = (
    "encoder",
    "encoder_width",
    "stem",
    "decoder_width",
    "activation",
    "deep_supervision",
    "classification_guided",
)
ENCODER: Final = ("encoder", "encoder_width", "stem", "activation")
"""Those of them that shape the encoder."""
PLAIN: Final = "unet"
NOISE_LAYERS: Final = ("conv", "batch_norm")
NOISE_MAXIMA: Final = ("per_kernel", "per_layer")
LOSSES: Final = ("cross_entropy", "cross_entropy_dice", "cross_entropy_lovasz")
MATCHED: Final = "matched"


@dataclasses.dataclass(frozen=True, kw_only=True)
class SegmentationOptions:
    """Everything about one trial that is not data, seed, epochs or hardware; a breach of any law raises ValueError.

    An option whose law says `fixed` stands in a study's `[options]` and never in its `[space]`: scores are compared
    only where they were measured alike.
    """

    encoder: str = option(
        "string",
        "resnet34",
        "encoder of UNet3+: a torchvision ResNet, or 'unet' for the one of its paper",
        enum=[*RESNETS, PLAIN],
    )
    encoder_width: int = option(
        "integer", OWN_WIDTH, "channels of the encoder's first stage; 16 is the thin variant", minimum=4, maximum=256
    )
    stem: str = option(
        "string",
        "imagenet",
        "a ResNet encoder's entry: 'imagenet' (7x7, stride 2, pooled), or for small images 'strided' (3x3, stride 2) "
        "or 'small' (3x3, stride 1)",
        enum=["imagenet", "small", "strided"],
    )
    decoder_width: int = option(
        "integer",
        OWN_WIDTH,
        "channels that a decoder node takes from each of the five scales; 64 in the paper",
        minimum=1,
        maximum=256,
    )
    activation: str = option(
        "string", "own", "activation function of every layer; 'own' is ReLU", enum=list(ACTIVATIONS)
    )
    deep_supervision: bool = option("boolean", False, "train class scores of every scale of the decoder too")
    classification_guided: bool = option(
        "boolean", False, "lower the scores of classes that an image lacks, as the coarsest map says"
    )
    start: str = option(
        "string",
        "scratch",
        "initial weights: random, an encoder of torchvision's, one of the data set's own pretext task (no labels, no "
        "images of any split), or those of checkpoint_path",
        enum=["scratch", "pretrained", "pretext", "checkpoint"],
    )
    pretrained_path: str = option(
        "string", "", "torchvision weight file for start = 'pretrained'; empty means torch's hub cache", fixed=True
    )
    checkpoint_path: str = option("string", "", "safetensors file for start = 'checkpoint'", fixed=True)
    unfrozen_layers: int = option(
        "integer",
        WHOLE_NET,
        "stages of the encoder that train, from the top; the decoder always does; 5 adds the stem",
        minimum=HEAD_ONLY,
        maximum=WHOLE_NET,
    )
    batch_size: int = option("integer", 16, "images per step", minimum=2, maximum=8192)
    learning_rate: float = option("number", 1e-3, "step size of the optimizer", exclusiveMinimum=0, maximum=10)
    optimizer: str = option("string", "adamw", "optimizer", enum=["sgd", "adam", "adamw"])
    momentum: float = option("number", 0.9, "momentum of sgd", minimum=0, exclusiveMaximum=1)
    weight_decay: float = option("number", 5e-4, "weight decay of the optimizer", minimum=0, maximum=1)
    schedule: str = option(
        "string",
        "poly",
        "learning rate over the budget's epochs: constant, cosine to zero, or (1 - progress) ** 0.9",
        enum=["constant", "cosine", "poly"],
    )
    steps_per_epoch: int = option(
        "integer", 0, "optimizer steps of an epoch, whatever the batch size; 0 is one pass", minimum=0
    )
    replicate: int = option(
        "integer",
        0,
        "number of a repetition: it changes nothing but lets a grid have several trials of one configuration, each "
        "with its own seed",
        minimum=0,
    )
    loss: str = option(
        "string",
        "cross_entropy",
        "cross-entropy of every pixel whose class is told, alone or with the Dice or Lovasz loss added",
        enum=list(LOSSES),
    )
    random_scale: float = option(
        "number",
        1.0,
        "training images and masks are resized by a factor between 1 / this and this; 1 leaves their size",
        minimum=1,
        maximum=4,
    )
    crop_size: int = option(
        "integer",
        0,
        "side in pixels of the random square cut from image and mask; 0 is the images' own size",
        minimum=0,
        maximum=2048,
    )
    flip_probability: float = option(
        "number",
        0.5,
        "probability that image and mask are mirrored, where that keeps the classes",
        minimum=0,
        maximum=1,
    )
    noise_scale: float = option(
        "number", 0.0, "weight noise in training: sigma as a share of the largest weight", minimum=0, maximum=1
    )
    noise_clip: float = option(
        "number", 2.0, "weight noise in training is clamped at this many sigma (alpha)", exclusiveMinimum=0
    )
    noise_targets: tuple[str, ...] = option(
        "array",
        NOISE_LAYERS,
        "layers whose weights get noise in training; with none there is no noise (UNet3+ has no linear layers)",
        items={"type": "string", "enum": list(NOISE_LAYERS)},
    )
    noise_maximum: str = option(
        "string",
        "per_kernel",
        "largest weight that sigma is a share of: of each kernel of a convolution, or of the whole layer",
        enum=list(NOISE_MAXIMA),
    )
    noise_draw: str = option(
        "string",
        "per_step",
        "how often noise is drawn in training: anew in every step, or once for all steps of an epoch",
        enum=["per_step", "per_epoch"],
    )
    noise_gradient: str = option(
        "string",
        "recovered",
        "where noisy steps take gradients: clean weights are back before backward (in float32), or only after it",
        enum=["recovered", "perturbed"],
    )
    precision: str = option(
        "string",
        "auto",
        "arithmetic of training (scores are always float32); auto takes what is fast on the device",
        enum=["auto", "float32", "bfloat16"],
    )
    evaluation_noise: str = option(
        "string",
        "fixed",
        "noise of noisy_miou: 'fixed' as the evaluation_noise_* options say, the same in all trials, or 'matched': as "
        "each trial's own noise_* options of training say",
        enum=["fixed", MATCHED],
        fixed=True,
    )
    evaluation_noise_scale: float = option(
        "number", 0.1, "weight noise under which noisy_miou is measured", minimum=0, maximum=1, fixed=True
    )
    evaluation_noise_clip: float = option(
        "number", 2.0, "that noise is clamped at this many sigma", exclusiveMinimum=0, fixed=True
    )
    evaluation_noise_targets: tuple[str, ...] = option(
        "array",
        NOISE_LAYERS,
        "layers whose weights get that noise",
        items={"type": "string", "enum": list(NOISE_LAYERS)},
        fixed=True,
    )
    evaluation_noise_maximum: str = option(
        "string", "per_kernel", "largest weight that its sigma is a share of", enum=list(NOISE_MAXIMA), fixed=True
    )
    evaluation_noise_draws: int = option("integer", 4, "draws that noisy_miou is the mean of", minimum=1, fixed=True)
    evaluation_noise_images: int = option(
        "integer", 0, "validation images in each draw of noisy_miou, the first ones; 0 takes all", minimum=0, fixed=True
    )

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            if isinstance(getattr(self, field.name), list):
                object.__setattr__(self, field.name, tuple(getattr(self, field.name)))
        found = laws.complaints(self) or _conflicts(self)
        if found:
            raise ValueError("segmentation options: " + "; ".join(found))


def read(plain: Mapping[str, Any]) -> SegmentationOptions:
    """Options of a plain mapping.

    Raises:
        TrainableError: OPTION_INVALID, for an unknown name or a broken law.
    """
    return laws.read(SegmentationOptions, plain, "segmentation")


def _conflicts(options: SegmentationOptions) -> list[str]:
    """Laws over several options at once."""
    found = [
        f"{name}: {list(getattr(options, name))} names a layer twice"
        for name in ("noise_targets", "evaluation_noise_targets")
        if len(set(getattr(options, name))) != len(getattr(options, name))
    ]
    plain = options.encoder == PLAIN
    if plain and options.stem != "imagenet":
        found.append(f"stem: it shapes ResNets, the encoder {PLAIN!r} has none; leave it out")
    if options.start == "pretrained" and plain:
        found.append(f"start: no weights are published for the encoder {PLAIN!r}; use a ResNet, or another start")
    elif options.start == "pretrained" and (options.encoder_width != OWN_WIDTH or options.stem != "imagenet"):
        found.append(f"start: pretrained weights fit encoder_width {OWN_WIDTH} and stem 'imagenet' alone")
    if options.start == "pretext" and plain:
        found.append(
            f"start: the pretext task trains ResNets, the encoder is {PLAIN!r}; use a ResNet, or another start"
        )
    if options.start == "checkpoint" and not options.checkpoint_path:
        found.append("checkpoint_path: start = 'checkpoint' needs a safetensors file here")
    if options.evaluation_noise == MATCHED:
        found += [
            f"{name}: evaluation_noise = 'matched' takes the noise of training; leave it out"
            for name in _EVALUATION_NOISE
            if getattr(options, name) != _DEFAULTS[name]
        ]
    return found


_EVALUATION_NOISE: Final = tuple(f"evaluation_noise_{part}" for part in ("scale", "clip", "targets", "maximum"))
_DEFAULTS: Final = {field.name: field.default for field in dataclasses.fields(SegmentationOptions)}
