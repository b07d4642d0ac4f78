"""An attack on rows of a split; its draws are a function of the study's seed, the attack, the split and the row."""

import dataclasses
import time
from collections.abc import Mapping
from typing import Any, Final

import torch
from torch import Tensor

from trainables.classification.baseline import baseline_net
from trainables.data.facts import facts_of, normalisation
from trainables.data.images import ImageSet
from trainables.perturbations.attack import Watcher, wrong_targets
from trainables.perturbations.registry import ATTACKS
from trainables.precision import repeatable
from trainables.preparation import Inputs
from trainables.seeds import derive, generator

_PIECE_BYTES: Final = 2**29  # of images attacked in one call, which holds a few copies of them


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of the attacked rows, in their order.

    Attributes:
        targets: (n,) int64 classes aimed at.
        fooled: (n,) booleans.
        steps: (n,) int64.
        l2: (n,) float64 distance to the source, in grey levels: root of the sum of squares over the whole image.
        linf: (n,) float64 largest change of a pixel's channel, in grey levels.
        seconds: inside the attack.
    """

    targets: Tensor
    fooled: Tensor
    steps: Tensor
    l2: Tensor
    linf: Tensor
    seconds: float


def attack(
    told: Mapping[str, Any], inputs: Inputs, clean: ImageSet, rows: Tensor, out: Tensor, watch: Watcher | None = None
) -> Outcome:
    """Fills `out` with the attacked images of these rows.

    Args:
        told: a set's arguments: attack, options, seed and split.
        inputs: with `data` and `baseline`.
        clean: the split.
        rows: (n,) int64.
        out: (n, C, H, W) uint8.
        watch: of the attack; its rows are places among `rows`, as long as these are few enough for one piece.
    """
    count = len(rows)
    outcome = Outcome(
        targets=_targets(told, inputs, clean)[rows],
        fooled=torch.zeros(count, dtype=torch.bool),
        steps=torch.zeros(count, dtype=torch.int64),
        l2=torch.zeros(count, dtype=torch.float64),
        linf=torch.zeros(count, dtype=torch.float64),
        seconds=0.0,
    )
    method, norm = ATTACKS[told["attack"]], normalisation(inputs.folder("data"))
    net, options = baseline_net(inputs), method.options(**told["options"])
    started = time.perf_counter()
    for places in _pieces(count, clean.images):
        sources = torch.index_select(clean.images, 0, rows[places])
        labels, targets, seeds = clean.labels[rows[places]], outcome.targets[places], _seeds(told, rows[places])
        with repeatable():
            made = method.make(net, sources, labels, targets, norm, options, seeds, watch)
        out[places] = made.images
        outcome.fooled[places], outcome.steps[places] = made.fooled, made.steps
        outcome.l2[places], outcome.linf[places] = distances(made.images, sources)
    return dataclasses.replace(outcome, seconds=time.perf_counter() - started)


def distances(images: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """(n,) float64 L2 and L-infinity distances of uint8 images, in grey levels over the whole image."""
    parts = []
    for one, other in zip(torch.split(images, 256), torch.split(others, 256), strict=True):
        change = (one.int() - other.int()).abs().flatten(1)
        parts.append((change.double().square().sum(1).sqrt(), change.amax(1).double()))
    l2, linf = zip(*parts, strict=True) if parts else ((), ())
    return torch.cat([torch.empty(0).double(), *l2]), torch.cat([torch.empty(0).double(), *linf])


def _targets(told: Mapping[str, Any], inputs: Inputs, clean: ImageSet) -> Tensor:
    # One draw over the whole split: an image has one target, however many shards and whatever the attack.
    draw = generator(told["seed"], "targets", told["split"])
    return wrong_targets(clean.labels, len(facts_of(inputs.folder("data"))["classes"]), draw)


def _seeds(told: Mapping[str, Any], rows: Tensor) -> Tensor:
    seeds = [derive(told["seed"], told["attack"], told["split"], row) for row in rows.tolist()]
    return torch.tensor(seeds, dtype=torch.int64)


def _pieces(count: int, images: Tensor) -> tuple[Tensor, ...]:
    """Places of the images attacked in one call."""
    return torch.split(torch.arange(count), max(1, _PIECE_BYTES // images[0].numel())) if count else ()
