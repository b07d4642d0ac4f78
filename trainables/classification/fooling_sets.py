"""Sets of fooling images: which images they are made from, their making in shards, and the joined set."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from trainables.classification.baseline import baseline_net, correctly_classified
from trainables.classification.facts import facts_of, normalisation
from trainables.data.store import read_images, write_images
from trainables.errors import TrainableError
from trainables.perturbations.attack import wrong_targets
from trainables.perturbations.fooling import FoolingOptions, fooling_images
from trainables.precision import repeatable
from trainables.preparation import Inputs
from trainables.seeds import generator

IMAGES: Final = "images.arrow"
_SPLIT_OF: Final = {"train": "train", "perturbed-training": "train", "perturbed-validation": "validation"}
_RESERVE: Final = 0.25  # most of the training lineages that perturbed-training may take from augmentation


def build_shard(arguments: Mapping[str, Any], inputs: Inputs, directory: Path) -> dict[str, Any]:
    """Writes one shard of a set: fooling images of every n-th source, with target, source row and whether they fool."""
    data = inputs.folder("data")
    facts = facts_of(data)
    wanted = arguments["set"]
    clean = read_images(data / f"{_SPLIT_OF[wanted]}.arrow")
    rows = torch.tensor(
        sources(arguments, inputs, wanted)[arguments["shard"] :: arguments["shards"]], dtype=torch.int64
    )
    # One draw over the whole split: an image has one target, however many shards and whatever the rate.
    draw = generator(arguments["seed"], "fooling targets", _SPLIT_OF[wanted])
    targets = wrong_targets(clean.labels, len(facts["classes"]), draw)[rows]
    with repeatable():
        made = fooling_images(
            baseline_net(arguments, inputs),
            torch.index_select(clean.images, 0, rows),
            clean.labels[rows],
            targets,
            normalisation(data),
            FoolingOptions(arguments["rate"], arguments["rate_reference_size"]),
            rows,
        )
    write_images(
        directory / IMAGES,
        made.images,
        clean.labels[rows],
        [clean.lineage[row] for row in rows.tolist()],
        target=targets.tolist(),
        row=rows.tolist(),
        fooled=made.fooled.tolist(),
        steps=made.steps.tolist(),
    )
    return {"images": len(rows), "fooled": _share(made.fooled), "mean_steps": _mean(made.steps)}


def build_set(arguments: Mapping[str, Any], inputs: Inputs, directory: Path) -> dict[str, Any]:
    """Writes the shards as one set, in the order of their source rows, without images that do not fool unless asked to.

    Raises:
        TrainableError: SET_EMPTY, where no image is left.
    """
    shards = [read_images(inputs.folder(name) / IMAGES) for name in sorted(inputs.digests)]
    columns = {
        name: torch.cat([_tensor(shard.columns[name]) for shard in shards]) for name in ("target", "row", "steps")
    }
    fooled = torch.cat([_tensor(shard.columns["fooled"]) for shard in shards]).bool()
    # Perturbed sets are scores' measure: an image that does not fool the baseline says nothing there.
    kept = fooled if arguments["fooling_keep"] == "fooled" or arguments["set"] != "train" else torch.ones_like(fooled)
    order = columns["row"].argsort()
    order = order[kept[order]]
    if not len(order):
        raise TrainableError(
            "SET_EMPTY",
            f"no image of {arguments['set']} fools the baseline at rate {arguments['rate']:g}; take another rate",
        )
    lineage = [name for shard in shards for name in shard.lineage]
    write_images(
        directory / IMAGES,
        torch.cat([shard.images for shard in shards])[order],
        torch.cat([shard.labels for shard in shards])[order],
        [lineage[index] for index in order.tolist()],
        **{name: values[order].tolist() for name, values in columns.items()},
    )
    return {"images": len(order), "fooled": _share(fooled), "mean_steps": _mean(columns["steps"])}


def sources(arguments: Mapping[str, Any], inputs: Inputs, wanted: str) -> list[int]:
    """Rows of the images that a set is made from: classified correctly by the baseline, at most as many as asked for.

    Whole lineages of training images are reserved for `perturbed-training`, whether or not a study asks for it; those
    of `train` never share a lineage with them.

    Args:
        arguments: of the step: seed, fooling_images, evaluation_images.
        inputs: with `data` and `baseline`.
        wanted: train, perturbed-training or perturbed-validation.
    """
    split = _SPLIT_OF[wanted]
    lineage = read_images(inputs.folder("data") / f"{split}.arrow").lineage
    able = correctly_classified(inputs, split)
    draw = generator(arguments["seed"], "fooling sources", split)
    groups = _shuffled_groups(lineage, draw)
    if wanted == "perturbed-validation":
        return _take(groups, able, arguments["evaluation_images"])[0]
    reserve = groups[: int(len(groups) * _RESERVE)]
    reserved, used = _take(reserve, able, arguments["evaluation_images"])
    if wanted == "perturbed-training":
        return reserved
    return _take(groups[used:], able, arguments["fooling_images"])[0]


def _shuffled_groups(lineage: Sequence[str], draw: torch.Generator) -> list[list[int]]:
    groups: dict[str, list[int]] = {}
    for row, name in enumerate(lineage):
        groups.setdefault(name, []).append(row)
    ordered = list(groups.values())
    return [ordered[index] for index in torch.randperm(len(ordered), generator=draw).tolist()]


def _take(groups: Sequence[Sequence[int]], able: Tensor, most: int) -> tuple[list[int], int]:
    """Rows of whole groups until `most` able ones are found, cut there, and how many groups that took."""
    rows: list[int] = []
    for used, group in enumerate(groups):
        if len(rows) >= most:
            return rows[:most], used
        rows.extend(row for row in group if able[row])
    return rows[:most], len(groups)


def _tensor(column: Any) -> Tensor:
    return torch.tensor(column.to_pylist(), dtype=torch.int64)


def _share(values: Tensor) -> float:
    return round(float(values.double().mean()), 4) if len(values) else 0.0


def _mean(values: Tensor) -> float:
    return round(float(values.double().mean()), 2) if len(values) else 0.0
