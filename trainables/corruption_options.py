"""What can be set of how networks are scored under corruptions. Torch-free."""

import dataclasses
from collections.abc import Sequence

from trainables.corruption_facts import CONSTANTS, CORRUPTIONS, LARGEST_SIDE, SEVERITIES, SMALLEST_SIDE
from trainables.corruption_overlaps import EXTRA
from trainables.laws import option


@dataclasses.dataclass(frozen=True, kw_only=True)
class CorruptionOptions:
    """The part of a trial's options that says under which corruptions it is scored; all of it is fixed."""

    corruptions: tuple[str, ...] = option(
        "array",
        EXTRA,
        "corruptions of validation images that scores under corruption are the mean over; a search sees them, so "
        "`robustune evaluate` takes another mean over the others",
        items={"type": "string", "enum": list(CORRUPTIONS)},
        fixed=True,
    )
    corruption_severities: tuple[int, ...] = option(
        "array",
        SEVERITIES,
        "severities that each of them is measured at",
        items={"type": "integer", "minimum": 1, "maximum": 5},
        fixed=True,
    )
    early_corruptions: tuple[str, ...] = option(
        "array",
        (),
        "those of the corruptions that are measured before the last epoch; empty: all of them",
        items={"type": "string", "enum": list(CORRUPTIONS)},
        fixed=True,
    )
    early_corruption_severities: tuple[int, ...] = option(
        "array",
        (),
        "those of the severities that are measured before the last epoch; empty: all of them",
        items={"type": "integer", "minimum": 1, "maximum": 5},
        fixed=True,
    )
    corruption_images: int = option(
        "integer",
        0,
        "validation images that are corrupted, the first ones, or all where there are fewer; 0 takes all",
        minimum=0,
        fixed=True,
    )
    corruption_constants: str = option(
        "string",
        "imagenet-c",
        "whose constants the corruptions have; 'cifar-10-c' is made for images of 32 pixels, 'tiny-imagenet-c' for 64",
        enum=list(CONSTANTS),
        fixed=True,
    )
    corruption_ice: str = option(
        "string", "", "folder of pictures of ice for 'frost'; empty takes made ones", fixed=True
    )


def conflicts(options: CorruptionOptions) -> list[str]:
    """What is wrong with several of the options at once, a line each."""
    found = []
    for name in ("corruptions", "corruption_severities", "early_corruptions", "early_corruption_severities"):
        values = getattr(options, name)
        if len(set(values)) != len(values):
            found.append(f"{name}: {list(values)} names one twice")
        if not values and not name.startswith("early_"):
            found.append(f"{name}: it is empty; name one at least, or leave it out")
    for early, full in (
        ("early_corruptions", "corruptions"),
        ("early_corruption_severities", "corruption_severities"),
    ):
        if beyond := [value for value in getattr(options, early) if value not in getattr(options, full)]:
            found.append(
                f"{early}: {beyond[0]!r} is none of {full}, whose part it must be: {list(getattr(options, full))}"
            )
    return found


def size_complaint(shape: Sequence[int]) -> str:
    """What is wrong where images of a shape (C, H, W) cannot be corrupted; nothing where they can."""
    if len(shape) == 3 and all(SMALLEST_SIDE <= side <= LARGEST_SIDE for side in shape[1:]):
        return ""
    return (
        f"images of {'x'.join(map(str, reversed(shape[1:])))} pixels cannot be corrupted: that takes sides of "
        f"{SMALLEST_SIDE} to {LARGEST_SIDE}; add the data with another --size, or measure nothing under corruption"
    )
