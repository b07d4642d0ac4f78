"""Images and their masks moved together, whole batches at a time, drawn from a generator."""

import dataclasses
from typing import Final

import torch
from torch import Generator, Tensor
from torch.nn.functional import grid_sample

from trainables.data.masked_images import IGNORED

_DRAWS: Final = 4
"""Of each image: scale, row, column, mirror. They are drawn whatever is asked for, so that knobs do not disturb."""


@dataclasses.dataclass(frozen=True)
class Moves:
    """What every batch of training images goes through; by default nothing.

    Attributes:
        scale: range of the factor that height and width are resized by, uniform; above 0.
        crop: side of the square that is cut out at a random place; 0 keeps height and width.
        flip_probability: of mirroring left to right; 0 where that changes a class, as it does for digits.
    """

    scale: tuple[float, float] = (1.0, 1.0)
    crop: int = 0
    flip_probability: float = 0.0


def moved(images: Tensor, masks: Tensor, moves: Moves, generator: Generator) -> tuple[Tensor, Tensor]:
    """Each image and its mask resized, cut and mirrored alike; the arguments themselves where nothing is asked for.

    Images are resized bilinearly and masks by their nearest pixel, both as `torch.nn.functional.interpolate` does it
    (without antialiasing). Where the resized image is smaller than what is cut out, it lies at a random place of it;
    beside it the image is 0 and the mask `IGNORED`.

    Args:
        images: (N, C, H, W) uint8; not changed.
        masks: (N, H, W) uint8; not changed.
        moves: what is done.
        generator: on the CPU, so that one seed draws alike on every device.

    Returns:
        (N, C, h, w) and (N, h, w) uint8, of side `crop` or as large as they were.

    Source: the training of Chen et al. 2018, "DeepLab", which resizes by 0.5 to 1.5 and cuts squares.
    """
    height, width = masks.shape[1:]
    drawn = torch.rand(_DRAWS, len(masks), dtype=torch.float64, generator=generator)
    if moves == Moves(crop=moves.crop) and (moves.crop or height) == height and (moves.crop or width) == width:
        return images, masks
    low, high = moves.scale
    factors = low + (high - low) * drawn[0]
    rows = _Axis.placed(height, moves.crop or height, factors, drawn[1])
    columns = _Axis.placed(width, moves.crop or width, factors, drawn[2])
    columns = columns.mirrored(drawn[3] < moves.flip_probability)
    inside = (rows.inside[:, :, None] & columns.inside[:, None, :]).to(masks.device)
    return _images(images, rows, columns, inside), _masks(masks, rows, columns, inside)


@dataclasses.dataclass(frozen=True)
class _Axis:
    """Where the pixels of the result, along one axis, lie in each of N images.

    Attributes:
        nearest: (N, n) int64 pixels.
        places: (N, n) float32 in -1 to 1 from edge to edge, as `grid_sample` counts.
        inside: (N, n): whether they lie in the image at all.
    """

    nearest: Tensor
    places: Tensor
    inside: Tensor

    @staticmethod
    def placed(side: int, cut: int, factors: Tensor, shares: Tensor) -> "_Axis":
        resized = (side * factors).round().long().clamp(min=1)
        room = resized - cut
        first = ((room.abs() + 1) * shares).long() * room.sign()
        pixels = first[:, None] + torch.arange(cut)
        sides = resized[:, None]
        # Twice the pixel's centre, as a share of the whole side: integers as long as possible.
        centres = 2 * pixels + 1
        nearest = (centres * side).div(2 * sides, rounding_mode="floor").clamp(0, side - 1)
        return _Axis(nearest, (centres / sides - 1).float(), (pixels >= 0) & (pixels < sides))

    def mirrored(self, chosen: Tensor) -> "_Axis":
        """The same from the other end, for the chosen images."""
        return _Axis(
            *(torch.where(chosen[:, None], each.flip(1), each) for each in (self.nearest, self.places, self.inside))
        )


def _images(images: Tensor, rows: _Axis, columns: _Axis, inside: Tensor) -> Tensor:
    size = len(images), rows.places.shape[1], columns.places.shape[1]
    grid = torch.stack([columns.places[:, None, :].expand(size), rows.places[:, :, None].expand(size)], 3)
    values = grid_sample(
        images.float(), grid.to(images.device), mode="bilinear", padding_mode="border", align_corners=False
    )
    return (values * inside[:, None]).round_().to(torch.uint8)


def _masks(masks: Tensor, rows: _Axis, columns: _Axis, inside: Tensor) -> Tensor:
    own = torch.arange(len(masks), device=masks.device)[:, None, None]
    picked = masks[own, rows.nearest[:, :, None].to(masks.device), columns.nearest[:, None, :].to(masks.device)]
    return picked.masked_fill_(~inside, IGNORED)
