"""Images of a set to look at: clean, perturbed, and what lies between: steps of an attack, or a style."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import torch
from torch import Tensor

from trainables.classification.attacking import attack, distances
from trainables.classification.baseline import baseline_net
from trainables.classification.options import fooling_name
from trainables.classification.perturbed_sets import IMAGES
from trainables.classification.style_steps import STYLISED
from trainables.classification.stylising import styles_of
from trainables.data.facts import facts_of, normalisation
from trainables.data.images import ImageSet
from trainables.data.store import read_images
from trainables.preparation import Inputs
from trainables.seeds import generator

EXAMPLES: Final = "examples.arrow"


def build_examples(arguments: Mapping[str, Any], inputs: Inputs, directory: Path) -> dict[str, Any]:
    """Writes images of a set, of as many classes as there can be, with the attack on each of them step by step.

    A stylised image has no steps; the style that it takes on stands beside it. An attack is run again on these images
    alone. What it ends with is taken from the set, since sums of floats differ with the batch an image stands in.
    """
    name, made = arguments["set"], arguments["made"]
    facts = facts_of(inputs.folder("data"))
    perturbed = read_images(inputs.folder(f"set/{name}") / IMAGES)
    clean = read_images(inputs.folder("data") / f"{made['split']}.arrow")
    places = _spread(perturbed.labels, arguments["count"], arguments["seed"])
    rows = _numbers(perturbed, "row")[places]
    images = torch.index_select(perturbed.images, 0, places)
    if made["attack"] == STYLISED:
        between = {"style": _tensors(styles_of(made, inputs, rows, images.shape[2:]))}
    else:
        moments = _moments(_numbers(perturbed, "steps")[places], arguments["frames"])
        between = _filmed(made, inputs, clean, rows, images, moments)
    columns = {
        "clean": _tensors(torch.index_select(clean.images, 0, rows)),
        "perturbed": _tensors(images),
        **between,
        **_told(perturbed, places, clean.images[rows], images, _predicted(images, inputs), facts["classes"]),
    }
    metadata = {"set": name, "attack": _attack_name(made), "split": made["split"], "classes": facts["classes"]}
    batch = pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns)).replace_schema_metadata(
        {key: value if isinstance(value, str) else json.dumps(value) for key, value in metadata.items()}
    )
    with pa.OSFile(str(directory / EXAMPLES), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)
    frames = {"frames": arguments["frames"]} if "frames" in between else {}
    return {"images": len(places), **frames, "set": name, "attack": metadata["attack"]}


def _filmed(
    made: Mapping[str, Any], inputs: Inputs, clean: ImageSet, rows: Tensor, images: Tensor, moments: Tensor
) -> dict[str, pa.Array]:
    film = _Film(moments, images)
    attack(made, inputs, clean, rows, torch.empty_like(images), film.watch)
    film.frames[:, -1] = images
    steps = pa.FixedSizeListArray.from_arrays(pa.array(moments.flatten().tolist()), moments.shape[1])
    return {"frames": _tensors(film.frames), "frame_steps": steps}


class _Film:
    """Keeps what the attack shows of each image at its moments.

    Args:
        moments: (n, frames) int64 steps, ascending.
        like: (n, C, H, W) images of the size to keep.
    """

    def __init__(self, moments: Tensor, like: Tensor) -> None:
        self._moments = moments
        self._seen = torch.zeros(len(moments), dtype=torch.int64)
        # An attack that ends earlier this time leaves the later moments as the set has them.
        self.frames = like[:, None].repeat(1, moments.shape[1], 1, 1, 1)

    def watch(self, rows: Tensor, points: Tensor) -> None:
        """Takes the images before each of their steps, as `Watcher`."""
        rows = rows.cpu()
        shown = torch.nn.functional.interpolate(
            points.detach().float().cpu(), self.frames.shape[3:], mode="bilinear", antialias=True
        )
        pixels = shown.mul(255).round().clamp(0, 255).to(torch.uint8)
        for row, image in zip(rows.tolist(), pixels, strict=True):
            self.frames[row, self._moments[row] == self._seen[row]] = image
        self._seen[rows] += 1


def _spread(labels: Tensor, count: int, seed: int) -> Tensor:
    """Ascending places of at most `count` images, of every class alike as far as there are any."""
    order = torch.randperm(len(labels), generator=generator(seed, "examples"))
    shuffled = labels[order]
    turn = torch.zeros_like(shuffled)
    for label in set(shuffled.tolist()):
        own = shuffled == label
        turn[own] = torch.arange(int(own.sum()))
    return order[turn.argsort(stable=True)][:count].sort().values


def _moments(steps: Tensor, frames: int) -> Tensor:
    """(n, frames) int64: evenly spaced from 0 to each image's number of steps; moments repeat where steps are fewer."""
    return (steps[:, None] * torch.linspace(0, 1, frames).double()).round().to(torch.int64)


def _told(
    perturbed: ImageSet, places: Tensor, clean: Tensor, images: Tensor, predicted: Tensor, classes: list[str]
) -> dict[str, pa.Array]:
    l2, linf = distances(images, clean)
    numbers = {
        "steps": _numbers(perturbed, "steps")[places],
        "label": perturbed.labels[places],
        "target": _numbers(perturbed, "target")[places],
        "predicted": predicted,
    }
    names = {
        f"{key}_name": [classes[number] if number < len(classes) else f"output {number}" for number in values.tolist()]
        for key, values in numbers.items()
        if key != "steps"
    }
    columns: dict[str, list[Any]] = {key: values.tolist() for key, values in numbers.items()}
    columns |= names
    columns["fooled"] = _numbers(perturbed, "fooled")[places].bool().tolist()
    columns |= {"l2": l2.tolist(), "linf": linf.tolist(), "row": _numbers(perturbed, "row")[places].tolist()}
    columns["lineage"] = [perturbed.lineage[place] for place in places.tolist()]
    return {name: pa.array(values) for name, values in columns.items()}


def _predicted(images: Tensor, inputs: Inputs) -> Tensor:
    net = baseline_net(inputs).eval()
    inputs_of = normalisation(inputs.folder("data"))
    with torch.no_grad():
        scores: Tensor = net(inputs_of.of(images.to(next(net.parameters()).device)))
    return scores.argmax(1).cpu()


def _attack_name(made: Mapping[str, Any]) -> str:
    return fooling_name(made["options"]["rate"]) if made["attack"] == "fooling" else str(made["attack"])


def _numbers(images: ImageSet, column: str) -> Tensor:
    return torch.tensor(images.columns[column].to_pylist()).to(torch.int64)


def _tensors(images: Tensor) -> pa.FixedShapeTensorArray:
    return pa.FixedShapeTensorArray.from_numpy_ndarray(images.contiguous().numpy())
