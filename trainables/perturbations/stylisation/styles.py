"""Where styles come from, and which part of which one an image gets."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import torch
from torch import Generator, Tensor

from trainables.perturbations.stylisation.pictures import picture_paths, read_pictures
from trainables.perturbations.stylisation.textures import textures
from trainables.seeds import generator

MARGIN: Final = 1.25
"""Sides of styles over those of the images, so that every image gets another part."""
_EMBEDDED: Final = 64

Engine = Callable[[Tensor, Tensor], Tensor]
"""Of (n, 3, H, W) images and as many styles, floats in [0, 1]: the images stylised, perhaps beyond [0, 1]."""


def embedded_styles(side: int, count: int = _EMBEDDED) -> Tensor:
    """The same (count, 3, s, s) uint8 textures every time, with a margin for images of that side."""
    return textures(count, _with_margin(side), generator("stylisation", "textures"))


def read_styles(folder: Path, side: int, where: str = "styles") -> tuple[Tensor, str]:
    """The middle of every picture in a folder and below: (S, 3, s, s) uint8, with a margin around a side.

    Args:
        folder: of pictures.
        side: of the images to be stylised, in pixels.
        where: the option that names the folder.

    Returns:
        The styles in the order of their paths, and what tells them, as `pictures.digest_of`.

    Raises:
        TrainableError: OPTION_INVALID: there is no picture there, or one that cannot be read.
    """
    return read_pictures(picture_paths(folder, where), _with_margin(side), where)


def stylised(images: Tensor, styles: Tensor, seeds: Tensor, engine: Engine, batch: int = 64) -> Tensor:
    """Every image in a style drawn for it, from a part of the style and perhaps mirrored.

    Args:
        images: (N, 3, H, W) uint8; not changed.
        styles: (S, 3, h, w) uint8 on the same device, at least as high and as wide.
        seeds: (N,) int64; what is drawn for an image depends on its own alone.
        engine: what stylises.
        batch: images at once.

    Returns:
        (N, 3, H, W) uint8: clipped, then rounded.

    Raises:
        ValueError: a type or a shape differs from that.
    """
    _check(images, styles, seeds)
    found = torch.empty(images.shape, dtype=torch.uint8, device=images.device)
    with torch.no_grad():
        for first in range(0, len(images), batch):
            rows = slice(first, first + batch)
            parts = drawn_parts(styles, images.shape[2:], seeds[rows])
            result = engine(images[rows].float() / 255, parts.float() / 255)
            found[rows] = result.mul(255).round_().clamp_(0, 255).to(torch.uint8)
    return found


def drawn_parts(styles: Tensor, size: torch.Size, seeds: Tensor) -> Tensor:
    """The part of a style, perhaps mirrored, that is drawn for each seed.

    Args:
        styles: (S, 3, h, w), at least of that size.
        size: height and width.
        seeds: (N,) int64.

    Returns:
        (N, 3, H, W) of the same type.
    """
    return torch.stack([_part(styles, size, generator("stylisation", seed)) for seed in seeds.tolist()])


def _part(styles: Tensor, size: torch.Size, draws: Generator) -> Tensor:
    height, width = size
    choice, top, left, mirrored = (
        int(torch.randint(most, (), generator=draws))
        for most in (len(styles), styles.shape[2] - height + 1, styles.shape[3] - width + 1, 2)
    )
    part = styles[choice, :, top : top + height, left : left + width]
    return part.flip(2) if mirrored else part


def _with_margin(side: int) -> int:
    return round(side * MARGIN)


def _check(images: Tensor, styles: Tensor, seeds: Tensor) -> None:
    for name, value in (("images", images), ("styles", styles)):
        if value.dtype != torch.uint8 or value.ndim != 4 or value.shape[1] != 3:
            raise ValueError(f"stylised: want {name} (N, 3, H, W) uint8, got {tuple(value.shape)} {value.dtype}")
    if not len(styles) or styles.shape[2] < images.shape[2] or styles.shape[3] < images.shape[3]:
        raise ValueError(
            f"stylised: styles of shape {tuple(styles.shape)} for images of {tuple(images.shape[2:])}: want at least "
            "one, at least as large"
        )
    if seeds.shape != (len(images),) or seeds.dtype != torch.int64:
        raise ValueError(f"stylised: want ({len(images)},) int64 seeds, got {tuple(seeds.shape)} {seeds.dtype}")
