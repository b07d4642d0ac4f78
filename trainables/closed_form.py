"""A trainer without a network: noisy learning curves whose front is known in closed form.

It shows what a sampler, an early stopping or a cluster does within seconds, and lets a test know the right answer.
"""

import dataclasses
import json
import math
import random
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from trainables import laws
from trainables.errors import TrainableError
from trainables.laws import option
from trainables.seeds import derive

if TYPE_CHECKING:
    from trainables.data.store import Store
    from trainables.preparation import Step

_METADATA: Final = "robustune"

METRICS: Final[dict[str, dict[str, Any]]] = {
    "accuracy": {
        "goal": "max",
        "minimum": 0.0,
        "maximum": 2.0,
        "description": "cos(angle) without loss, approached exponentially over the epochs",
    },
    "robustness": {
        "goal": "max",
        "minimum": 0.0,
        "maximum": 2.0,
        "description": "sin(angle) without loss, approached exponentially over the epochs",
    },
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClosedFormOptions:
    """Where a trial lies: on the front where `loss` is 0, at the angle's place between the two metrics."""

    angle: float = option("number", 0.5, "place on the front: 0 all accuracy, 1 all robustness", minimum=0, maximum=1)
    loss: float = option("number", 0.0, "distance from the front, as a share of both metrics", minimum=0, maximum=1)
    speed: float = option("number", 5.0, "how fast the curves rise, in e-folds over the budget", exclusiveMinimum=0)
    noise: float = option(
        "number", 0.0, "standard deviation of what each epoch's scores are off", minimum=0, fixed=True
    )
    diverges_above: float = option(
        "number", 1.0, "trials with a larger loss end without a number", minimum=0, fixed=True
    )
    epoch_seconds: float = option("number", 0.0, "time that an epoch takes", minimum=0, maximum=60, fixed=True)

    def __post_init__(self) -> None:
        found = laws.complaints(self)
        if found:
            raise ValueError("closed-form options: " + "; ".join(found))


class ClosedFormTrainer:
    """Scores accuracy and robustness on a quarter of the unit circle, scaled by `1 - loss` and by what is learned.

    The hypervolume of the whole front over (0, 0) is pi / 4 * (1 - exp(-speed))**2 after the last epoch.
    """

    def __init__(
        self,
        options: Mapping[str, Any],
        sets: Mapping[str, str],
        store: "Store",
        metrics: Sequence[str],
        seed: int,
        epochs: int,
        threads: int,
        device: str = "auto",
    ) -> None:
        self._options = laws.read(ClosedFormOptions, options, "closed-form")
        self._metrics = laws.known(metrics, METRICS, "closed-form")
        self._seed = seed
        self._epochs = epochs
        self.epoch = 0

    def train_epoch(self) -> None:
        """Lets the curves rise by one epoch.

        Raises:
            TrainableError: NONFINITE, where the options lie in the region that diverges.
        """
        time.sleep(self._options.epoch_seconds)
        if self._options.loss > self._options.diverges_above:
            raise TrainableError("NONFINITE", f"epoch {self.epoch + 1}: the loss is nan")
        self.epoch += 1

    def score(self, metrics: Sequence[str] | None = None) -> dict[str, float]:
        """Returns these of the metrics asked for, by default all; the noise depends on seed and epoch alone."""
        options = self._options
        learned = (1 - options.loss) * (1 - math.exp(-options.speed * self.epoch / self._epochs))
        angle = options.angle * math.pi / 2
        draws = random.Random(derive(self._seed, self.epoch, "noise"))
        values = {
            "accuracy": math.cos(angle) * learned + draws.gauss(0.0, options.noise),
            "robustness": math.sin(angle) * learned + draws.gauss(0.0, options.noise),
        }
        return {name: values[name] for name in laws.among(metrics, self._metrics)}

    def save(self, path: Path) -> None:
        """Writes the epoch: all the state there is."""
        save_file({}, path, metadata={_METADATA: json.dumps({**self._identity(), "epoch": self.epoch})})

    def load(self, path: Path) -> None:
        """Takes the epoch up again.

        Raises:
            TrainableError: CKPT_CORRUPT, where the file is torn or of another trial; CKPT_MISSING.
        """
        if not path.is_file():
            raise TrainableError("CKPT_MISSING", f"{path}: there is no such checkpoint")
        try:
            with safe_open(path, framework="numpy") as file:
                found = json.loads(file.metadata()[_METADATA])
                epoch = found.pop("epoch")
        except (SafetensorError, OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise TrainableError("CKPT_CORRUPT", f"{path}: not a checkpoint of the closed-form trainer") from error
        if found != self._identity() or not isinstance(epoch, int):
            raise TrainableError("CKPT_CORRUPT", f"{path}: saved by a trial with other options, seed or epochs")
        self.epoch = epoch

    def _identity(self) -> dict[str, Any]:
        return {"trainer": "closed-form", "seed": self._seed, "epochs": self._epochs, "options": vars(self._options)}


def data_sets() -> dict[str, str]:
    """Returns the one thing that can stand in the study's `data`."""
    return {"none": "nothing is read"}


def plan(
    data: str,
    options: Mapping[str, Any],
    possible: Mapping[str, Sequence[Any]],
    metrics: Sequence[str],
    seed: int,
    hold_out: bool = False,
) -> "tuple[Step, ...]":
    """Plans nothing: there is nothing to prepare."""
    return ()
