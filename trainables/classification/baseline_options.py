"""What can be set of the baseline network, which perturbed images are made for. Torch-free."""

import dataclasses

from trainables.architectures import HEAD_ONLY, WHOLE_NET
from trainables.laws import option


@dataclasses.dataclass(frozen=True, kw_only=True)
class BaselineOptions:
    """The part of a trial's options that says which network is the baseline; all of it is fixed."""

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
