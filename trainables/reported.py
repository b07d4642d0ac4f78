"""What a trainer reports, held to what it was asked for."""

import math
from collections.abc import Mapping
from typing import Any

from trainables.errors import TrainableError


def checked_metrics(scores: Mapping[str, Any], asked: tuple[str, ...], epoch: int) -> dict[str, float]:
    """Returns the scores asked for, as finite floats.

    Raises:
        TrainableError: METRIC_MISSING where the names differ from those asked, METRIC_INVALID where a score is no
            number, NONFINITE where one is infinite or no number at all.
    """
    if set(scores) != set(asked):
        raise TrainableError(
            "METRIC_MISSING", f"epoch {epoch}: expected the metrics {sorted(asked)}, received {sorted(scores)}"
        )
    for name, value in scores.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TrainableError(
                "METRIC_INVALID", f"epoch {epoch}: metric '{name}' is a {type(value).__name__}, not a number"
            )
        if not math.isfinite(value):
            raise TrainableError("NONFINITE", f"epoch {epoch}: metric '{name}' is {value}")
    return {name: float(scores[name]) for name in asked}
