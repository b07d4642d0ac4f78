"""Which images each set is made from, drawn once for all sets of a split, before any attack."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from trainables.classification.baseline import correctly_classified
from trainables.classification.facts import lineage_codes
from trainables.classification.reserves import parted, taken
from trainables.classification.training_images import training_rows
from trainables.data.facts import facts_of
from trainables.data.store import read_images
from trainables.errors import TrainableError
from trainables.preparation import Inputs
from trainables.seeds import generator

ROWS: Final = "rows.json"
LEAST: Final = 0.25
"""Share of the images asked for that a set needs: scores of a smaller one would be too coarse to compare trials by."""

_RESERVED: Final = {"train": "perturbed-training", "holdout": "out-of-distribution"}
_OPTION: Final = {
    "augmentation": "augmentation_images",
    "perturbed-training": "evaluation_images",
    "perturbed-validation": "evaluation_images",
    "hold-out": "evaluation_images",
    "out-of-distribution": "out_of_distribution_images",
}


def build_sources(arguments: Mapping[str, Any], inputs: Inputs, directory: Path) -> dict[str, Any]:
    """Writes the rows of each set of a split: of images that the baseline classifies correctly, disjoint by lineage.

    Raises:
        TrainableError: SET_TOO_SMALL, with all the counts, where a set would get under a quarter of what it asks for.
    """
    split, wanted = arguments["split"], arguments["wanted"]
    usable = _usable(arguments, inputs)
    able = usable & correctly_classified(inputs, split)
    rows = _drawn(arguments, inputs, able)
    images = {"images": int(usable.sum()), "correct": int(able.sum())}
    _check(split, wanted, {name: len(found) for name, found in rows.items()}, images)
    (directory / ROWS).write_text(json.dumps({name: found.tolist() for name, found in rows.items()}))
    return {**images, **{name: len(found) for name, found in rows.items()}}


def rows_of(inputs: Inputs, split: str, purpose: str) -> Tensor:
    """(n,) int64 ascending rows of the images that a set is made from."""
    rows = json.loads((inputs.folder(f"sources/{split}") / ROWS).read_text())
    return torch.tensor(rows[purpose], dtype=torch.int64)


def least(asked: int) -> int:
    """The fewest images that a set may have where so many are asked for."""
    return math.ceil(LEAST * asked)


def option_of(purpose: str) -> str:
    """The option that says how many images a set asks for."""
    return _OPTION[purpose]


def _usable(arguments: Mapping[str, Any], inputs: Inputs) -> Tensor:
    """(N,) booleans: images of the split that the study uses at all."""
    data, split = inputs.folder("data"), arguments["split"]
    count = len(read_images(data / f"{split}.arrow"))
    if split != "train":
        return torch.ones(count, dtype=torch.bool)
    used = torch.zeros(count, dtype=torch.bool)
    used[training_rows(data, arguments["training_images"])] = True
    return used


def _drawn(arguments: Mapping[str, Any], inputs: Inputs, able: Tensor) -> dict[str, Tensor]:
    split, wanted = arguments["split"], dict(arguments["wanted"])
    draw = generator(arguments["seed"], "sources", split)
    if split not in _RESERVED:
        return {name: taken(able, count, draw) for name, count in wanted.items()}
    data, reserved = inputs.folder("data"), _RESERVED[split]
    (free,) = wanted.keys() - {reserved}
    codes = lineage_codes(read_images(data / f"{split}.arrow"), facts_of(data))
    both = parted(codes, able, (wanted[reserved], wanted[free]), draw)
    return dict(zip((reserved, free), both, strict=True))


def _check(split: str, wanted: Mapping[str, int], found: Mapping[str, int], images: Mapping[str, int]) -> None:
    short = [name for name, count in wanted.items() if found[name] < least(count)]
    if not short:
        return
    told = " and ".join(f"{name} wants {count} and gets {found[name]}" for name, count in wanted.items())
    cures = " and ".join(f"{_OPTION[name]} to {found[name]}" for name in short if found[name])
    raise TrainableError(
        "SET_TOO_SMALL",
        f"the baseline classifies {images['correct']} of {images['images']} {split} images correctly; without a common "
        f"source {told}, where each needs a quarter; {f'lower {cures}, or ' if cures else ''}take more images or a "
        "better baseline",
    )
