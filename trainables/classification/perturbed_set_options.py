"""What can be set of the perturbed images that a trial trains with and is scored on. Torch-free."""

import dataclasses
from typing import Final

from trainables.laws import option

ATTACKS: Final = ("fooling", "gaussian", "pixel")
EXTRA_SETS: Final = ("gaussian", "pixel", "stylised")


@dataclasses.dataclass(frozen=True, kw_only=True)
class PerturbedSetOptions:
    """The part of a trial's options that says which perturbed images there are, and how many of them train."""

    fooling_rates: tuple[float, ...] = option(
        "array",
        (),
        "rates of the sets of fooling images to train with; may be empty",
        items={"type": "number", "exclusiveMinimum": 0},
    )
    extra_sets: tuple[str, ...] = option(
        "array",
        (),
        "further sets of perturbed images to train with; may be empty",
        items={"type": "string", "enum": list(EXTRA_SETS)},
    )
    extra_share: float = option(
        "number",
        0.5,
        "share of perturbed images in a batch, where fooling_rates or extra_sets has any; 1 trains on them alone",
        minimum=0,
        maximum=1,
    )
    training_images: int = option(
        "integer",
        0,
        "training images used by baseline, sets and trials, of every class alike, whole lineages; 0 uses all",
        minimum=0,
        fixed=True,
    )
    augmentation_images: int = option(
        "integer",
        600,
        "training images perturbed for each set to train with; fewer where there are fewer, but under a quarter of "
        "them is refused",
        minimum=1,
        fixed=True,
    )
    evaluation_attack: str = option(
        "string",
        "fooling",
        "attack of the perturbed training, perturbed validation and hold-out sets, made for the baseline",
        enum=list(ATTACKS),
        fixed=True,
    )
    evaluation_images: int = option(
        "integer",
        200,
        "images perturbed for each of the perturbed training, perturbed validation and hold-out sets; fewer where "
        "there are fewer, but under a quarter of them is refused",
        minimum=1,
        fixed=True,
    )
    evaluation_rate: float = option(
        "number",
        20.0,
        "rate of the fooling images in the sets whose attack is 'fooling'",
        exclusiveMinimum=0,
        fixed=True,
    )
    out_of_distribution_attack: str = option(
        "string",
        "pixel",
        "attack of the out-of-distribution hold-out set; another than evaluation_attack",
        enum=list(ATTACKS),
        fixed=True,
    )
    out_of_distribution_images: int = option(
        "integer",
        100,
        "images perturbed for the out-of-distribution hold-out set; fewer where there are fewer, but under a quarter "
        "of them is refused",
        minimum=1,
        fixed=True,
    )
    rate_reference_size: int = option(
        "integer", 224, "image side in pixels at which one rate moves pixels alike", minimum=1, fixed=True
    )
    generation_size: int = option(
        "integer",
        0,
        "side in pixels at which fooling images are generated and then enlarged; 0 is the images' own",
        minimum=0,
        fixed=True,
    )
    gaussian_start: float = option(
        "number",
        0.01,
        "standard deviation of the noise that a Gaussian perturbation starts from, as a share of the pixel range",
        minimum=0,
        maximum=1,
        fixed=True,
    )
    gaussian_step: float = option(
        "number",
        0.25,
        "length of a Gaussian perturbation's step in normalised input space",
        exclusiveMinimum=0,
        fixed=True,
    )
    gaussian_penalty: float = option(
        "number",
        0.05,
        "share of a Gaussian perturbation that each step takes away; it stays shorter than step / penalty",
        minimum=0,
        maximum=1,
        fixed=True,
    )
    pixel_share: float = option(
        "number",
        0.005,
        "share of an image's pixels that a pixel perturbation moves",
        exclusiveMinimum=0,
        maximum=1,
        fixed=True,
    )
    pixel_restarts: int = option(
        "integer",
        24,
        "times that a pixel perturbation draws other pixels, where the first do not fool",
        minimum=0,
        fixed=True,
    )
    attack_precision: str = option(
        "string",
        "float32",
        "arithmetic of the steps that make perturbed images (whether they fool is always checked in float32); auto "
        "takes what is fast on the device",
        enum=["auto", "float32", "bfloat16"],
        fixed=True,
    )
    set_keep: str = option(
        "string",
        "fooled",
        "in the sets to train with, keep the images that fool the baseline after rounding, or all; other sets keep "
        "only those",
        enum=["fooled", "all"],
        fixed=True,
    )
    set_shards: int = option("integer", 2, "tasks that share the making of one set", minimum=1, maximum=256, fixed=True)
