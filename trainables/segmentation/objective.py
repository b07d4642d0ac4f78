"""What training makes small: the losses of all maps of scores that a network says, and of what it says is there."""

from collections.abc import Callable, Mapping
from typing import Final

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, one_hot

from trainables.data.masked_images import IGNORED
from trainables.segmentation.losses import cross_entropy, dice, lovasz
from trainables.unet3plus import Segmentation

ADDED: Final[Mapping[str, Callable[[Tensor, Tensor], Tensor] | None]] = {
    "cross_entropy": None,
    "cross_entropy_dice": dice,
    "cross_entropy_lovasz": lovasz,
}
"""What stands beside the cross-entropy in each loss, by name."""


def objective(said: Segmentation, masks: Tensor, loss: str) -> Tensor:
    """The mean of the loss over the maps of scores, plus the cross-entropy of each class's presence where that is said.

    Args:
        said: of a batch.
        masks: (N, H, W) uint8.
        loss: of `trainables.segmentation.options.LOSSES`.

    Source: Huang et al. 2020, whose sum over the maps is a mean here, so that one learning rate suits both.
    """
    maps = [said.scores, *said.sides]
    total = torch.stack([_of_a_map(scores.float(), masks, loss) for scores in maps]).mean()
    if said.presence is not None:
        total = total + binary_cross_entropy_with_logits(said.presence.float(), presence(masks, said.presence.shape[1]))
    return total


def presence(masks: Tensor, classes: int) -> Tensor:
    """(N, classes) float32: 1 where some pixel of the mask has the class."""
    # A place more holds what is ignored.
    numbers = torch.where(masks == IGNORED, classes, masks.long())
    return one_hot(numbers.flatten(1), classes + 1).amax(1)[:, :classes].float()


def _of_a_map(scores: Tensor, masks: Tensor, loss: str) -> Tensor:
    entropy = cross_entropy(scores, masks)
    added = ADDED[loss]
    return entropy if added is None else entropy + added(scores, masks)
