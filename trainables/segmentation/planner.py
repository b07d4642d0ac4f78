"""What a study of the segmentation trainer needs prepared. Torch-free."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from trainables import laws
from trainables.errors import TrainableError
from trainables.given_files import absolute, content
from trainables.preparation import Step, data_step
from trainables.segmentation.options import ARCHITECTURE, SegmentationOptions, read
from trainables.segmentation.vocabulary import METRICS

# Raise the number whenever the builder would make something else of the same arguments.
START_VERSION: Final = 1


def plan(
    data: str,
    options: Mapping[str, Any],
    possible: Mapping[str, Sequence[Any]],
    metrics: Sequence[str],
    seed: int,
    hold_out: bool = False,
) -> tuple[Step, ...]:
    """The data and the starting weights that some trial may need; nothing is made for `hold_out` but the data.

    See `trainables.preparation.plan` for the arguments.

    Raises:
        TrainableError: OPTION_INVALID, METRIC_UNKNOWN.
    """
    laws.known(metrics, METRICS, "segmentation")
    shapes = {name: possible[name] for name in ARCHITECTURE if possible.get(name)}
    starts = set(possible.get("start", [options.get("start", "scratch")])) - {"scratch"}
    several = [name for name, values in shapes.items() if len(set(values)) > 1]
    if several and starts:
        raise TrainableError(
            "OPTION_INVALID",
            f"start: {min(starts)!r} fits one architecture, {several[0]} is searched; hold it, or start afresh",
        )
    first = {name: values[0] for name, values in shapes.items()}
    held = [read({**first, **options, "start": start}) for start in sorted(starts)]
    if not held:
        read({**first, **options})
    return (data_step(data), *map(_start_step, held))


def _start_step(held: SegmentationOptions) -> Step:
    path = absolute(held.pretrained_path if held.start == "pretrained" else held.checkpoint_path)
    shape = {name: getattr(held, name) for name in ARCHITECTURE}
    arguments = {**shape, "start": held.start, **content(path), "version": START_VERSION}
    places = {"path": path} if path else {}
    return Step(held.start, "segmentation-start", arguments, ("data",), here=True, places=places)
