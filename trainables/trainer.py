"""What every trainer can do, whatever its task."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from trainables.data.store import Store


class Trainer(Protocol):
    """One trial: trains epoch by epoch, scores itself, and travels as one file.

    Everything random is a function of the seed and the epoch: four epochs equal two, `save`, a fresh process, `load`
    and two, bit for bit. The state of torch's global generators is the same before and after every call.
    """

    epoch: int

    def __init__(
        self,
        options: Mapping[str, Any],
        sets: Mapping[str, str],
        store: Store,
        metrics: Sequence[str],
        seed: int,
        epochs: int,
        threads: int,
        device: str = "auto",
    ) -> None:
        """Takes the trial's options and its prepared sets (step name -> digest in the store).

        Raises:
            TrainableError: OPTION_INVALID, METRIC_UNKNOWN, SET_MISSING, WEIGHTS_MISSING, CKPT_CORRUPT.
        """

    def train_epoch(self) -> None:
        """Trains one epoch more.

        Raises:
            TrainableError: NONFINITE, naming epoch and step.
        """

    def score(self, metrics: Sequence[str] | None = None) -> dict[str, float]:
        """Exactly these of the metrics that were asked for, by default all; changes nothing.

        A score does not depend on which others are measured beside it.
        """

    def save(self, path: Path) -> None:
        """Writes the whole state as one safetensors file."""

    def load(self, path: Path) -> None:
        """Takes up a state that `save` wrote for the same options, sets, seed and epochs.

        Raises:
            TrainableError: CKPT_CORRUPT, CKPT_MISSING; nothing is changed then.
        """
