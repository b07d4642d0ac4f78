"""Sets of perturbed images: their making in shards, and the joined set."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from trainables.classification.attacking import attack
from trainables.classification.sources import least, option_of, rows_of
from trainables.classification.style_steps import STYLISED
from trainables.classification.stylising import stylise
from trainables.data.facts import facts_of
from trainables.data.gathering import gathering
from trainables.data.images import ImageSet
from trainables.data.soundness import lineage_columns
from trainables.data.store import read_images, write_images
from trainables.errors import TrainableError
from trainables.preparation import Inputs

IMAGES: Final = "images.arrow"
_MEASURES: Final = ("l2", "linf")
_FEWEST: Final = 10  # images of which a score still tells something, where the attack lost the others
_PIECE: Final = 1024  # images gathered at once


def build_shard(arguments: Mapping[str, Any], inputs: Inputs, directory: Path) -> dict[str, Any]:
    """Writes one shard of a set: perturbed images of every n-th source, whether they fool the baseline or not.

    A stylised image counts as one that does what it should, in no steps, and aims at its own class.
    """
    split = arguments["split"]
    data = inputs.folder("data")
    clean = read_images(data / f"{split}.arrow")
    rows = rows_of(inputs, split, arguments["purpose"])[arguments["shard"] :: arguments["shards"]]
    further = {name: _picked(clean, name, rows) for name in lineage_columns(facts_of(data))[1:]}
    with gathering(directory, len(rows), clean.images.shape[1:]) as images:
        make = stylise if arguments["attack"] == STYLISED else attack
        made = make(arguments, inputs, clean, rows, images)
        write_images(
            directory / IMAGES,
            images,
            clean.labels[rows],
            [clean.lineage[row] for row in rows.tolist()],
            target=made.targets.tolist(),
            row=rows.tolist(),
            fooled=made.fooled.tolist(),
            steps=made.steps.tolist(),
            l2=made.l2.tolist(),
            linf=made.linf.tolist(),
            **further,
        )
    return {"images": len(rows), "fooled": int(made.fooled.sum()), "attack_seconds": round(made.seconds, 3)}


def build_set(arguments: Mapping[str, Any], inputs: Inputs, directory: Path) -> dict[str, Any]:
    """Writes the shards as one set, in the order of their source rows, without images that do not fool unless asked to.

    Raises:
        TrainableError: SET_TOO_SMALL, where hardly any image is left.
    """
    names = sorted(inputs.digests)
    shards = [read_images(inputs.folder(name) / IMAGES) for name in names]
    columns = {name: [value for shard in shards for value in _listed(shard, name)] for name in _columns(shards[0])}
    fooled = torch.tensor(columns["fooled"])
    order = torch.tensor(columns["row"]).argsort()
    order = order[fooled[order] | arguments["keep_all"]]
    _check_size(arguments, len(order), len(fooled))
    kept = {name: [values[place] for place in order.tolist()] for name, values in columns.items()}
    with gathering(directory, len(order), shards[0].images.shape[1:]) as images:
        _gather(shards, order, images)
        labels = torch.tensor(kept.pop("labels"))
        write_images(directory / IMAGES, images, labels, kept.pop("lineage"), **kept)
    seconds = sum(inputs.summary(name)["attack_seconds"] for name in names)
    return {
        "images": len(order),
        "asked": arguments["asked"],
        "attacked": len(fooled),
        # Whether a stylised image fools was never asked.
        "success": None if arguments["attack"] == STYLISED else _mean(columns["fooled"], 4),
        **{f"mean_{name}": _mean(kept[name], 2) for name in _MEASURES},
        "images_per_second": round(len(fooled) / max(seconds, 1e-3), 1),
        "mean_steps": _mean(columns["steps"], 2),
        "dropped": len(fooled) - len(order),
    }


def _columns(shard: ImageSet) -> tuple[str, ...]:
    return ("labels", "lineage", *shard.columns)


def _listed(shard: ImageSet, name: str) -> Sequence[Any]:
    if name == "labels":
        labels: list[int] = shard.labels.tolist()
        return labels
    if name == "lineage":
        return shard.lineage
    values: list[Any] = shard.columns[name].to_pylist()
    return values


def _picked(clean: ImageSet, name: str, rows: Tensor) -> list[Any]:
    values = _listed(clean, name)
    return [values[row] for row in rows.tolist()]


def _gather(shards: Sequence[ImageSet], order: Tensor, out: Tensor) -> None:
    """Fills `out` with the images at places in the shards laid end to end, in that order, shard by shard."""
    first = 0
    for shard in shards:
        own = ((order >= first) & (order < first + len(shard))).nonzero().squeeze(1)
        for places in torch.split(own, _PIECE):
            out[places] = torch.index_select(shard.images, 0, order[places] - first)
        first += len(shard)


def _check_size(arguments: Mapping[str, Any], kept: int, attacked: int) -> None:
    asked, option = arguments["asked"], option_of(arguments["purpose"])
    fewest = min(_FEWEST, least(asked))
    if kept >= fewest:
        return
    raise TrainableError(
        "SET_TOO_SMALL",
        f"{kept} of {attacked} attacked images are kept; {option} asks for {asked} and {fewest} are the least; the "
        f"{arguments['attack']} attack seldom fools the baseline: strengthen it by its own options, or name another",
    )


def _mean(values: Sequence[float], digits: int) -> float:
    return round(sum(values) / len(values), digits) if values else 0.0
