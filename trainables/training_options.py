"""What can be set of training in every trainer of networks: optimizer, schedule, steps, arithmetic. Torch-free."""

import dataclasses

from trainables.laws import option


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """The part of a trial's options that says how its optimizer goes."""

    batch_size: int = option("integer", 64, "images per step", minimum=2, maximum=8192)
    learning_rate: float = option("number", 1e-3, "step size of the optimizer", exclusiveMinimum=0, maximum=10)
    optimizer: str = option("string", "adamw", "optimizer", enum=["sgd", "adam", "adamw"])
    momentum: float = option("number", 0.9, "momentum of sgd", minimum=0, exclusiveMaximum=1)
    weight_decay: float = option("number", 5e-4, "weight decay of the optimizer", minimum=0, maximum=1)
    schedule: str = option(
        "string",
        "cosine",
        "learning rate over the budget's epochs: constant, cosine to zero, a tenth after half and three quarters, or "
        "poly: (1 - progress) ** 0.9",
        enum=["constant", "cosine", "step", "poly"],
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
    precision: str = option(
        "string",
        "auto",
        "arithmetic of training (scores are always float32); auto takes what is fast on the device",
        enum=["auto", "float32", "bfloat16"],
    )
