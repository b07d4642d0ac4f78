"""What a study of the segmentation trainer needs prepared. Torch-free."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from trainables import laws
from trainables.corruption_facts import CORRUPTIONS
from trainables.corruption_steps import TEST, VALIDATION, check_size, corrupted_steps
from trainables.data.pretexts import check_pretext
from trainables.errors import TrainableError
from trainables.given_files import absolute, content
from trainables.preparation import Step, data_step
from trainables.segmentation.measured import corruptions_of
from trainables.segmentation.noise_steps import noise_steps
from trainables.segmentation.options import ARCHITECTURE, ENCODER, SegmentationOptions, read
from trainables.segmentation.vocabulary import METRICS

# Raise a number whenever its builder would make something else of the same arguments.
START_VERSION: Final = 1
PRETEXT_VERSION: Final = 1


def plan(
    data: str,
    options: Mapping[str, Any],
    possible: Mapping[str, Sequence[Any]],
    metrics: Sequence[str],
    seed: int,
    hold_out: bool = False,
) -> tuple[Step, ...]:
    """The data, starting weights and corrupted validation images that some trial may need.

    For `hold_out` come the first test images under every corruption, where trials are scored under some.

    See `trainables.preparation.plan` for the arguments.

    Raises:
        TrainableError: OPTION_INVALID, METRIC_UNKNOWN.
    """
    laws.known(metrics, METRICS, "segmentation")
    shapes = {name: possible[name] for name in ARCHITECTURE if possible.get(name)}
    starts = set(possible.get("start", [options.get("start", "scratch")])) - {"scratch"}
    _check_shapes([name for name, values in shapes.items() if len(set(values)) > 1], starts)
    first = {name: values[0] for name, values in shapes.items()}
    held = read({**first, **options})
    started = [read({**first, **options, "start": start}) for start in sorted(starts)]
    noise = noise_steps(held, options, possible, metrics)
    corrupted = _corruption_steps(data, held, metrics, seed, hold_out)
    return (data_step(data), *(_start_step(each, data) for each in started), *noise, *corrupted)


def _corruption_steps(
    data: str, held: SegmentationOptions, metrics: Sequence[str], seed: int, hold_out: bool
) -> list[Step]:
    names = corruptions_of(held, metrics)
    if not names:
        return []
    check_size(data)
    test = corrupted_steps(held, TEST, CORRUPTIONS, seed, held.corruption_images) if hold_out else []
    return [*corrupted_steps(held, VALIDATION, names, seed), *test]


def _check_shapes(searched: Sequence[str], starts: Collection[str]) -> None:
    for start in sorted(starts):
        # A pretext checkpoint is an encoder's; any decoder may stand on it.
        unfit = [name for name in searched if start == "checkpoint" or name in ENCODER]
        if unfit:
            raise TrainableError(
                "OPTION_INVALID",
                f"start: {start!r} fits one architecture, {unfit[0]} is searched; hold it, or start afresh",
            )


def _start_step(held: SegmentationOptions, data: str) -> Step:
    if held.start == "pretext":
        check_pretext(data)
        shape = {name: getattr(held, name) for name in ENCODER}
        note = "trained once for all studies of this encoder; about half a minute for a thin one on a CPU"
        return Step(
            "pretext", "segmentation-pretext", {**shape, "data": data, "version": PRETEXT_VERSION}, ("data",), note=note
        )
    path = absolute(held.pretrained_path if held.start == "pretrained" else held.checkpoint_path)
    shape = {name: getattr(held, name) for name in ARCHITECTURE}
    arguments = {**shape, "start": held.start, **content(path), "version": START_VERSION}
    places = {"path": path} if path else {}
    return Step(held.start, "segmentation-start", arguments, ("data",), here=True, places=places)
