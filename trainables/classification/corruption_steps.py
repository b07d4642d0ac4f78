"""The steps that corrupt images and measure the baseline on them. Torch-free."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from trainables.classification.measured import corruptions_of, way
from trainables.classification.options import ClassificationOptions
from trainables.classification.overlaps import overlap_of
from trainables.classification.vocabulary import RELATIVE_MCE, UNDER_CORRUPTION, WITHOUT_OVERLAP
from trainables.corruption_facts import CORRUPTIONS
from trainables.corruption_steps import VALIDATION, check_size, corrupted_steps, severities_of
from trainables.data.corrupted import KIND, check_fits, corrupted_facts, corrupted_step
from trainables.errors import TrainableError
from trainables.preparation import Step

# Raise the number whenever the builder would make something else of the same arguments.
BASELINE_ERRORS_VERSION: Final = 1

VALIDATION_ERRORS: Final = "baseline-errors/validation"
TEST_ERRORS: Final = "baseline-errors/test"


def under_corruption(metrics: Sequence[str]) -> bool:
    """Whether some metric needs corrupted images, and the baseline's errors on them."""
    return any(metric in UNDER_CORRUPTION for metric in metrics)


def corruption_steps(
    data: str,
    held: ClassificationOptions,
    options: Mapping[str, Any],
    possible: Mapping[str, Sequence[Any]],
    metrics: Sequence[str],
    seed: int,
    hold_out: bool,
) -> tuple[Step, ...]:
    """What corrupts validation images and measures the baseline on them, once there are data and a baseline.

    Args:
        data: the data set's name.
        held: options held by every trial.
        options: the same, as the study has them.
        possible: values that a searched option can take.
        metrics: that trials report; without one under corruption there are no steps.
        seed: of the study.
        hold_out: also the same of all test images under all corruptions, or of the library's set that is named.

    Raises:
        TrainableError: OPTION_INVALID; DATA_INVALID, where the images have a size that no corruption takes; what
            `trainables.data.corrupted.check_fits` raises.
    """
    if not under_corruption(metrics):
        return ()
    check_size(data)
    overlap = overlap_of(options, possible)
    _check_left(held, overlap, metrics)
    names = corruptions_of(held, metrics)
    told = {"overlap": overlap, "seen": list(names)}
    steps = _made(held, VALIDATION, names, {**told, "needed": _needed(held, metrics)}, seed)
    test = _test_steps(held, data, told, seed)
    return (*steps, *(test if hold_out else ()))


def _made(
    held: ClassificationOptions, split: str, names: Sequence[str], told: Mapping[str, Any], seed: int
) -> list[Step]:
    """What corrupts images of a split, and measures the baseline on them."""
    steps = corrupted_steps(held, split, names, seed)
    source = f"{split} images, corrupted with the constants {held.corruption_constants}"
    arguments = {"source": source, "from_library": False, **told}
    return [*steps, _errors_step(split, names, severities_of(held, split), arguments, [step.name for step in steps])]


def _test_steps(held: ClassificationOptions, data: str, told: Mapping[str, Any], seed: int) -> list[Step]:
    """The same for test images, or for the images of the library that the study names in their place."""
    if not held.corruption_test_data:
        return _made(held, "test", CORRUPTIONS, told, seed)
    named = held.corruption_test_data
    check_fits(named, data)
    facts = corrupted_facts(named)
    source = f"{named!r} of the data library ({facts.format}), constants {facts.constants}"
    arguments = {"source": source, "from_library": True, **told}
    return [corrupted_step(named), _errors_step("test", facts.corruptions, facts.severities, arguments, [KIND])]


def _needed(held: ClassificationOptions, metrics: Sequence[str]) -> list[dict[str, Any]]:
    """The cells that the baseline must err in, for some metric and some epoch, each once."""
    found = []
    for metric in metrics:
        for last in (False, True) if metric in UNDER_CORRUPTION else ():
            chosen = way(held, metric, last)
            told = {
                "corruptions": list(chosen.corruptions),
                "severities": list(chosen.severities),
                "beyond_clean": metric == RELATIVE_MCE,
            }
            if told not in found:
                found.append(told)
    return found


def _check_left(held: ClassificationOptions, overlap: Mapping[str, Any], metrics: Sequence[str]) -> None:
    for last in (False, True) if WITHOUT_OVERLAP in metrics else ():
        names = way(held, WITHOUT_OVERLAP, last).corruptions
        if not set(names) - set(overlap):
            option = "corruptions" if last or not held.early_corruptions else "early_corruptions"
            causes = sorted({cause for name in names for cause in overlap[name]})
            raise TrainableError(
                "OPTION_INVALID",
                f"{WITHOUT_OVERLAP}: trials may train with {', '.join(causes)}, which resembles every one of {option} "
                f"({', '.join(names)}), so none is left; name others in {option}, or train without",
            )


def _errors_step(
    split: str, names: Sequence[str], severities: Sequence[int], told: Mapping[str, Any], after: Sequence[str]
) -> Step:
    arguments = {
        "split": split,
        "corruptions": list(names),
        "severities": list(severities),
        **told,
        "version": BASELINE_ERRORS_VERSION,
    }
    return Step(f"baseline-errors/{split}", "baseline-errors", arguments, ("data", "baseline", *after))
