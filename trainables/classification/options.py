"""What can be set for one classification trial. Torch-free, so that a study can be checked in a moment."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from trainables import laws
from trainables.architectures import ACTIVATIONS, MODELS, RESNETS, WITH_BUILT_IN_ACTIVATIONS
from trainables.classification.augmentation_options import AugmentationOptions
from trainables.classification.augmentation_options import conflicts as augmentation_conflicts
from trainables.classification.corruption_options import ErrorOptions
from trainables.corruption_options import conflicts as corruption_conflicts
from trainables.laws import option

HEAD_ONLY: Final = 0
WHOLE_NET: Final = 5
ARCHITECTURE: Final = ("model", "width", "stem", "activation", "input_size", "head")
ATTACKS: Final = ("fooling", "gaussian", "pixel")
EXTRA_SETS: Final = ("gaussian", "pixel", "stylised")
OWN_WIDTH: Final = 64  # channels of a ResNet's first stage as published


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassificationOptions(AugmentationOptions, ErrorOptions):
    """Everything about one trial that is not data, seed, epochs or hardware; a breach of any law raises ValueError.

    An option whose law says `fixed` stands in a study's `[options]` and never in its `[space]`: it shapes how
    trials are scored or what preparation makes, and scores are compared only where they were measured alike.
    """

    model: str = option("string", "resnet18", "torchvision classification network", enum=list(MODELS))
    width: int = option(
        "integer", OWN_WIDTH, "channels of a ResNet's first stage; 16 is the thin variant", minimum=4, maximum=256
    )
    stem: str = option(
        "string",
        "imagenet",
        "a ResNet's entry: 'imagenet' (7x7, stride 2, pooled), or for images of 32 pixels 'small' (3x3, stride 1) or "
        "'strided' (3x3, stride 2: a third of the arithmetic)",
        enum=["imagenet", "small", "strided"],
    )
    input_size: int = option(
        "integer",
        0,
        "side in pixels that images are resized to before the network; 0 keeps theirs",
        minimum=0,
        maximum=1024,
    )
    activation: str = option(
        "string", "own", "activation function in place of the network's; 'own' leaves it", enum=list(ACTIVATIONS)
    )
    head: str = option(
        "string",
        "fresh",
        "last layer: 'fresh' has one output for each class of the data, 'kept' is the network's own of 1000 outputs, "
        "of which the first are the data's classes",
        enum=["fresh", "kept"],
    )
    start: str = option(
        "string",
        "scratch",
        "initial weights: random, preparation's baseline, torchvision's, those of the data set's self-supervised "
        "pretext task, or those of checkpoint_path",
        enum=["scratch", "baseline", "pretrained", "pretext", "checkpoint"],
    )
    pretrained_path: str = option(
        "string", "", "torchvision weight file for start = 'pretrained'; empty means torch's hub cache", fixed=True
    )
    checkpoint_path: str = option("string", "", "safetensors file for start = 'checkpoint'", fixed=True)
    unfrozen_layers: int = option(
        "integer",
        WHOLE_NET,
        "residual stages that train, from the top; the head always does; 5 adds the stem",
        minimum=HEAD_ONLY,
        maximum=WHOLE_NET,
    )
    batch_size: int = option("integer", 64, "images per step, perturbed images included", minimum=2, maximum=8192)
    learning_rate: float = option("number", 1e-3, "step size of the optimizer", exclusiveMinimum=0, maximum=10)
    optimizer: str = option("string", "adamw", "optimizer", enum=["sgd", "adam", "adamw"])
    momentum: float = option("number", 0.9, "momentum of sgd", minimum=0, exclusiveMaximum=1)
    weight_decay: float = option("number", 5e-4, "weight decay of the optimizer", minimum=0, maximum=1)
    schedule: str = option(
        "string",
        "cosine",
        "learning rate over the budget's epochs: constant, cosine to zero, or a tenth after half and three quarters",
        enum=["constant", "cosine", "step"],
    )
    noise_scale: float = option(
        "number", 0.0, "weight noise in training: sigma as a share of the kernel's maximum", minimum=0, maximum=1
    )
    noise_clip: float = option(
        "number",
        2.0,
        "weight noise is clamped at this many sigma, in training and scoring",
        exclusiveMinimum=0,
        fixed=True,
    )
    noise_gradient: str = option(
        "string",
        "recovered",
        "where noisy steps take gradients: clean weights are back before backward (in float32), or only after it",
        enum=["recovered", "perturbed"],
    )
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
    steps_per_epoch: int = option(
        "integer", 0, "optimizer steps of an epoch, whatever the batch size; 0 is one pass", minimum=0
    )
    precision: str = option(
        "string",
        "auto",
        "arithmetic of training (scores are always float32); auto takes what is fast on the device",
        enum=["auto", "float32", "bfloat16"],
    )
    evaluation_rate: float = option(
        "number",
        20.0,
        "rate of the fooling images in the sets whose attack is 'fooling'",
        exclusiveMinimum=0,
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
    baseline_weights: str = option(
        "string",
        "",
        "safetensors checkpoint of a trial on the same data and architecture that is the baseline; empty trains one, "
        "and the other baseline_* options shape that one alone",
        fixed=True,
    )
    baseline_sha256: str = option(
        "string", "", "SHA-256 of baseline_weights, in hexadecimal; empty takes the file as it is", fixed=True
    )
    baseline_epochs: int = option("integer", 9, "epochs of a baseline that is trained", minimum=1, fixed=True)
    baseline_batch_size: int = option("integer", 32, "batch size of a baseline that is trained", minimum=2, fixed=True)
    baseline_learning_rate: float = option(
        "number", 2e-3, "learning rate of a baseline that is trained", exclusiveMinimum=0, maximum=10, fixed=True
    )
    baseline_start: str = option(
        "string",
        "scratch",
        "initial weights of a baseline that is trained",
        enum=["scratch", "pretrained", "pretext", "checkpoint"],
        fixed=True,
    )
    baseline_transform: str = option(
        "string",
        "crop_flip",
        "augmentation of a baseline that is trained",
        enum=["none", "crop_flip"],
        fixed=True,
    )
    baseline_unfrozen_layers: int = option(
        "integer",
        WHOLE_NET,
        "residual stages that train in a baseline that is trained; 0 trains its head alone",
        minimum=HEAD_ONLY,
        maximum=WHOLE_NET,
        fixed=True,
    )
    evaluation_noise_scale: float = option(
        "number", 0.1, "weight noise under which weight_noise_accuracy is measured", minimum=0, maximum=1, fixed=True
    )
    evaluation_noise_draws: int = option(
        "integer", 4, "draws that weight_noise_accuracy is the mean of", minimum=1, fixed=True
    )
    evaluation_noise_images: int = option(
        "integer", 128, "validation images in each draw of weight_noise_accuracy", minimum=1, fixed=True
    )
    pgd_epsilon: float = option(
        "number", 0.01, "largest change of a pixel (of 0 to 1) in pgd_accuracy", minimum=0, maximum=1, fixed=True
    )
    pgd_steps: int = option("integer", 5, "gradient steps of pgd_accuracy", minimum=1, fixed=True)
    pgd_images: int = option("integer", 64, "validation images attacked for pgd_accuracy", minimum=1, fixed=True)

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            if isinstance(getattr(self, field.name), list):
                object.__setattr__(self, field.name, tuple(getattr(self, field.name)))
        found = laws.complaints(self) or list(_conflicts(self))
        if found:
            raise ValueError("classification options: " + "; ".join(found))


def read(plain: Mapping[str, Any]) -> ClassificationOptions:
    """Options of a plain mapping.

    Raises:
        TrainableError: OPTION_INVALID, for an unknown name or a broken law.
    """
    return laws.read(ClassificationOptions, plain, "classification")


def training_sets(options: ClassificationOptions) -> tuple[str, ...]:
    """Names of the sets of perturbed images that a trial trains with, in the order of its options."""
    return tuple(f"augmentation/{name}" for name in (*map(fooling_name, options.fooling_rates), *options.extra_sets))


def fooling_name(rate: float) -> str:
    """Names the fooling images of a rate, as in `fooling-20`; rates that differ at all have different names."""
    return f"fooling-{repr(float(rate)).removesuffix('.0')}"


def _conflicts(options: ClassificationOptions) -> list[str]:
    """Laws over several options at once."""
    found = [*augmentation_conflicts(options), *corruption_conflicts(options)]
    resnet = options.model in RESNETS
    if not resnet and (options.width != OWN_WIDTH or options.stem != "imagenet"):
        found.append(f"width and stem: they shape ResNets, {options.model} has neither; leave both out")
    found += [
        f"{name}: it counts residual stages, {options.model} has none; 0 trains the head, 5 everything"
        for name in ("unfrozen_layers", "baseline_unfrozen_layers")
        if not resnet and getattr(options, name) not in (HEAD_ONLY, WHOLE_NET)
    ]
    if _baseline_stays_random(options):
        found.append(
            f"baseline_unfrozen_layers: with {options.baseline_unfrozen_layers} the random layers of baseline_start = "
            "'scratch' never train; use 5, or another baseline_start"
        )
    if len(set(options.fooling_rates)) != len(options.fooling_rates):
        found.append(f"fooling_rates: {list(options.fooling_rates)} names a rate twice")
    if len(set(options.extra_sets)) != len(options.extra_sets):
        found.append(f"extra_sets: {list(options.extra_sets)} names a set twice")
    if options.evaluation_attack == options.out_of_distribution_attack:
        found.append(
            f"out_of_distribution_attack: {options.evaluation_attack!r} is the evaluation_attack too; "
            f"use another of {', '.join(name for name in ATTACKS if name != options.evaluation_attack)}"
        )
    if options.activation != "own" and options.model in WITH_BUILT_IN_ACTIVATIONS:
        found.append(f"activation: {options.model} has its function built in; use 'own'")
    starts = {options.start, options.baseline_start}
    if "pretrained" in starts and (options.width != OWN_WIDTH or options.stem != "imagenet"):
        found.append(f"start: pretrained weights fit width {OWN_WIDTH} and stem 'imagenet' alone")
    if "checkpoint" in starts and not options.checkpoint_path:
        found.append("checkpoint_path: start = 'checkpoint' needs a safetensors file here")
    return found


def _baseline_stays_random(options: ClassificationOptions) -> bool:
    some_frozen = options.baseline_unfrozen_layers < WHOLE_NET
    return some_frozen and options.baseline_start == "scratch" and not options.baseline_weights
