"""Batches of one epoch: gathered from the mapped store, augmented and normalised as a whole."""

import dataclasses
from collections.abc import Iterator, Sequence

import torch
from torch import Generator, Tensor

from trainables.augmentations import crop_flip
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
        """The first `count` of them, or all where there are fewer."""
        return LabelledImages(self.images[:count], self.labels[:count])

    def to(self, device: torch.device) -> "LabelledImages":
        """The same on another device; no copy where they are there already."""
        return LabelledImages(self.images.to(device), self.labels.to(device))


@dataclasses.dataclass(frozen=True)
class Batches:
    """Every epoch has len(clean) // batch_size steps (at least one), whatever the share of fooling images.

    So epochs of all trials cost alike. A share above 0 takes the place of clean images: the epoch then shows a random
    part of them. Within an epoch no clean image comes twice, and no fooling image before all others have come.

    Attributes:
        clean: the training images.
        fooling: sets of fooling images with their true labels, drawn from as one pool; may be empty.
        extra_share: share of each batch that comes from the pool.
        batch_size: images per step; a smaller training set is one batch.
        augmented: whether every image goes through crop_flip.
        flip_probability: of crop_flip.
        normalisation: of the network's input.
    """

    clean: LabelledImages
    fooling: Sequence[LabelledImages]
    extra_share: float
    batch_size: int
    augmented: bool
    flip_probability: float
    normalisation: Normalisation

    @property
    def steps(self) -> int:
        """Steps in an epoch."""
        return max(1, len(self.clean) // self.batch_size)

    def epoch(self, seed: int, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Inputs (N, C, H, W), normalised float32, channels last, with labels (N,), for each step of an epoch.

        A function of seed and epoch alone: nothing is carried from one epoch to the next.
        """
        order, augmentation = generator(seed, "order", epoch), generator(seed, "augmentation", epoch)
        size = min(self.batch_size, len(self.clean))
        from_pool = round(self.extra_share * size) if self.fooling else 0
        clean_order = torch.randperm(len(self.clean), generator=order)
        pool_order = _cycled(sum(map(len, self.fooling)), from_pool * self.steps, order)
        buffer = torch.empty((size, *self.clean.images.shape[1:]), dtype=torch.uint8, device=self.clean.images.device)
        for step in range(self.steps):
            clean = clean_order[step * (size - from_pool) : (step + 1) * (size - from_pool)]
            pool = pool_order[step * from_pool : (step + 1) * from_pool]
            labels = _gather([self.clean], clean, buffer[: len(clean)])
            if len(pool):
                labels = torch.cat([labels, _gather(self.fooling, pool, buffer[len(clean) :])])
            images = crop_flip(buffer, augmentation, self.flip_probability) if self.augmented else buffer
            yield self.normalisation.of(images), labels


def _cycled(size: int, wanted: int, generator: Generator) -> Tensor:
    """`wanted` indices below `size`: whole permutations, one after the other."""
    rounds = -(-wanted // size) if wanted else 0
    orders = [torch.randperm(size, generator=generator) for _ in range(rounds)]
    return torch.cat(orders)[:wanted] if orders else torch.empty(0, dtype=torch.int64)


def _gather(sets: Sequence[LabelledImages], indices: Tensor, out: Tensor) -> Tensor:
    """Fills `out` with the images at indices into the sets laid end to end, set by set; their labels in that order."""
    labels = []
    first, filled = 0, 0
    for part in sets:
        own = indices[(indices >= first) & (indices < first + len(part))] - first
        own = own.to(part.images.device)
        torch.index_select(part.images, 0, own, out=out[filled : filled + len(own)])
        labels.append(part.labels[own])
        first, filled = first + len(part), filled + len(own)
    return torch.cat(labels)
