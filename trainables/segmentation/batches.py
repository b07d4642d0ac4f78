"""Batches of one epoch: images and masks gathered from the mapped store, moved together and normalised as a whole."""

import dataclasses
from collections.abc import Callable, Iterator

import torch
from torch import Generator, Tensor

from trainables.images import Normalisation
from trainables.seeds import generator


@dataclasses.dataclass(frozen=True)
class MaskedImages:
    """uint8 images (N, C, H, W), perhaps mapped read-only, and their uint8 masks (N, H, W), on one device."""

    images: Tensor
    masks: Tensor

    def __len__(self) -> int:
        return len(self.masks)

    def first(self, count: int) -> "MaskedImages":
        """The first `count` of them, or all where there are fewer; 0 is all too."""
        return MaskedImages(self.images[:count], self.masks[:count]) if count else self

    def to(self, device: torch.device) -> "MaskedImages":
        """The same on another device; no copy where they are there already."""
        return MaskedImages(self.images.to(device), self.masks.to(device))


Transform = Callable[[Tensor, Tensor, Generator], tuple[Tensor, Tensor]]
"""(images, masks, a generator on the CPU) -> both, moved together; of any size."""


@dataclasses.dataclass(frozen=True)
class Batches:
    """Steps of full batches; every epoch has equally many.

    One pass has len(train) // batch_size steps (at least one); what does not fill a batch is left out of that epoch.
    With `steps_per_epoch`, images come in one long row of reshuffled passes that runs on through all epochs.

    Attributes:
        train: the training images.
        batch_size: images per step; a smaller training set is one batch.
        steps_per_epoch: 0 is one pass.
        transform: what every batch goes through.
        normalisation: of the network's input.
    """

    train: MaskedImages
    batch_size: int
    steps_per_epoch: int
    transform: Transform
    normalisation: Normalisation

    @property
    def steps(self) -> int:
        """Steps in an epoch."""
        return self.steps_per_epoch or max(1, len(self.train) // self.batch_size)

    def epoch(self, seed: int, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Inputs (N, C, h, w), normalised float32, channels last, with masks (N, h, w) uint8, for each step.

        A function of seed and epoch alone: nothing is carried from one epoch to the next.
        """
        moves = generator(seed, "augmentation", epoch)
        size = min(self.batch_size, len(self.train))
        for rows in torch.split(self._order(seed, epoch, size), size):
            own = rows.to(self.train.images.device)
            images, masks = (torch.index_select(values, 0, own) for values in (self.train.images, self.train.masks))
            images, masks = self.transform(images, masks, moves)
            yield self.normalisation.of(images), masks

    def _order(self, seed: int, epoch: int, size: int) -> Tensor:
        """Rows of all steps of an epoch, out of an endless row of permutations, each with its own seed."""
        count, whole = self.steps * size, len(self.train)
        begin = epoch * (count if self.steps_per_epoch else whole)
        passes = range(begin // whole, (begin + count - 1) // whole + 1)
        orders = [torch.randperm(whole, generator=generator(seed, "order", number)) for number in passes]
        return torch.cat(orders)[begin % whole :][:count]
