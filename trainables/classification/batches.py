"""Batches of one epoch: gathered from the mapped store, augmented and normalised as a whole."""

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from fractions import Fraction

import torch
from torch import Tensor

from trainables.augmentations import Augmentation
from trainables.images import Normalisation
from trainables.seeds import generator


@dataclasses.dataclass(frozen=True)
class LabelledImages:
    """uint8 images (N, C, H, W), perhaps mapped read-only, and their int64 classes (N,), on one device."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def first(self, count: int) -> "LabelledImages":
        """The first `count` of them, or all where there are fewer; 0 is all too."""
        return LabelledImages(self.images[:count], self.labels[:count]) if count else self

    def to(self, device: torch.device) -> "LabelledImages":
        """The same on another device; no copy where they are there already."""
        return LabelledImages(self.images.to(device), self.labels.to(device))


@dataclasses.dataclass(frozen=True)
class Batches:
    """Steps of full batches, each a mixture of clean and perturbed images; every epoch has equally many.

    One pass has len(rows) // batch_size steps (at least one), whatever the share of perturbed images, so that epochs of
    all trials cost alike; what does not fill a batch is left out of that epoch. Perturbed images take the place of
    clean ones, and a pass then shows a random part of those. With `steps_per_epoch`, clean images come in one long row
    of reshuffled passes that runs on through all epochs. Perturbed images always do. In such a row no image comes twice
    before all have come.

    Attributes:
        clean: the training images.
        rows: (n,) int64, which of the clean images train.
        extra: sets of perturbed images with their true labels, drawn from as one pool; may be empty.
        extra_share: share of the images that comes from the pool. After any number of steps the images drawn from it
            are that share, rounded down; so small batches keep to it as well.
        batch_size: images per step; a smaller training set is one batch.
        steps_per_epoch: 0 is one pass.
        augmentation: what every image goes through, the perturbed ones too.
        normalisation: of the network's input.
    """

    clean: LabelledImages
    rows: Tensor
    extra: Sequence[LabelledImages]
    extra_share: float
    batch_size: int
    steps_per_epoch: int
    augmentation: Augmentation
    normalisation: Normalisation

    @property
    def steps(self) -> int:
        """Steps in an epoch."""
        return self.steps_per_epoch or max(1, len(self.rows) // self.batch_size)

    def epoch(self, seed: int, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Inputs (views * N, C, H, W), normalised float32, channels last, with labels (N,), for each step of an epoch.

        The augmentation says how many views there are of each image, and in which order. A function of seed and epoch
        alone: nothing is carried from one epoch to the next.
        """
        moves, mixtures = generator(seed, "augmentation", epoch), generator(seed, "augmix", epoch)
        size = min(self.batch_size, len(self.rows))
        buffer = torch.empty((size, *self.clean.images.shape[1:]), dtype=torch.uint8, device=self.clean.images.device)
        buffers = [buffer, *(torch.empty_like(buffer) for _ in range(self.augmentation.together(buffer) - 1))]
        orders = self._orders(seed, epoch, size)
        while some := list(itertools.islice(orders, len(buffers))):
            labels = [self._taken(*order, out) for order, out in zip(some, buffers, strict=False)]
            augmented = self.augmentation.of(buffers[: len(some)], moves, mixtures)
            for images, own in zip(augmented, labels, strict=True):
                yield self.normalisation.of(images), own

    def _taken(self, clean: Tensor, pool: Tensor, out: Tensor) -> Tensor:
        """Fills `out` with clean images, then with perturbed ones; their labels."""
        labels = _gather([self.clean], clean, out[: len(clean)])
        return torch.cat([labels, _gather(self.extra, pool, out[len(clean) :])]) if len(pool) else labels

    def _orders(self, seed: int, epoch: int, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Rows of clean images and places in the pool for each step of an epoch."""
        first = epoch * self.steps
        # As the decimal that was written: 0.3 as a float is a little less, and its first batch of ten would hold two.
        per_step = Fraction(repr(float(self.extra_share))) * size if self.extra else Fraction(0)
        drawn = [int(per_step * step) for step in range(first, first + self.steps + 1)]
        counts = [after - before for before, after in itertools.pairwise(drawn)]
        begin = first * size - drawn[0] if self.steps_per_epoch else epoch * len(self.rows)
        clean = _row(len(self.rows), begin, self.steps * size - sum(counts), (seed, "order"))
        pool = _row(sum(map(len, self.extra)), drawn[0], sum(counts), (seed, "extra order"))
        parts = torch.split(self.rows[clean], [size - count for count in counts]), torch.split(pool, counts)
        return zip(*parts, strict=True)


def _row(size: int, begin: int, count: int, parts: tuple[int | str, ...]) -> Tensor:
    """`count` indices from place `begin` on of an endless row of permutations of `size`, each with its own seed."""
    if not count:
        return torch.empty(0, dtype=torch.int64)
    passes = range(begin // size, (begin + count - 1) // size + 1)
    orders = [torch.randperm(size, generator=generator(*parts, number)) for number in passes]
    return torch.cat(orders)[begin % size :][:count]


def _gather(sets: Sequence[LabelledImages], indices: Tensor, out: Tensor) -> Tensor:
    """Fills `out` with the images at indices into the sets laid end to end, set by set; their labels in that order."""
    labels = []
    first, filled = 0, 0
    for part in sets:
        own = indices
        if len(sets) > 1:
            own = indices[(indices >= first) & (indices < first + len(part))] - first
        own = own.to(part.images.device)
        torch.index_select(part.images, 0, own, out=out[filled : filled + len(own)])
        labels.append(part.labels[own])
        first, filled = first + len(part), filled + len(own)
    return torch.cat(labels) if len(labels) > 1 else labels[0]
