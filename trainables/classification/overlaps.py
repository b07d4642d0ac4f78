"""What trials of a study may train with that resembles a corruption. Torch-free."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from trainables.classification.options import ClassificationOptions
from trainables.corruption_overlaps import overlapping
from trainables.laws import fragments

AUGMIX_OVERLAPPING: Final = ("augmix/brightness", "augmix/contrast", "augmix/colour", "augmix/sharpness")


def trained_with(options: Mapping[str, Any], possible: Mapping[str, Sequence[Any]]) -> tuple[str, ...]:
    """Training perturbations of some trial of a study, by their names in `trainables.corruption_overlaps.OVERLAPS`.

    Args:
        options: held by every trial; what stands not there has its default.
        possible: values that a searched option can take, of a subset its elements, of a continuous one its ends.
    """
    transforms = _values("transform", options, possible)
    shown = any(_values("extra_share", options, possible))  # of a share of nothing no image is ever taken
    sets = _elements("extra_sets", options, possible) if shown else []
    found = [name for name in ("crop_flip", "augmix") if name in transforms]
    if "augmix" in transforms and any(_values("augmix_overlapping", options, possible)):
        found += AUGMIX_OVERLAPPING
    if shown and _elements("fooling_rates", options, possible):
        found.append("fooling")
        if any(_values("generation_size", options, possible)):
            found.append("fooling/generation_size")
    found += [name for name in ("gaussian", "pixel", "stylised") if name in sets]
    if any(_values("noise_scale", options, possible)):
        found.append("weight_noise")
    return tuple(found)


def overlap_of(options: Mapping[str, Any], possible: Mapping[str, Sequence[Any]]) -> dict[str, dict[str, str]]:
    """For each corruption that some trial of a study may train with something like: by what, and why.

    See `trained_with` for the arguments.
    """
    return overlapping(trained_with(options, possible))


def _values(name: str, options: Mapping[str, Any], possible: Mapping[str, Sequence[Any]]) -> Sequence[Any]:
    if name in possible:
        return possible[name]
    return [options.get(name, fragments(ClassificationOptions)[name]["default"])]


def _elements(name: str, options: Mapping[str, Any], possible: Mapping[str, Sequence[Any]]) -> list[Any]:
    """Of an option that is a list: what stands in any of the lists, or is an element of a subset."""
    lists = (value if isinstance(value, list | tuple) else (value,) for value in _values(name, options, possible))
    return [element for each in lists for element in each]
