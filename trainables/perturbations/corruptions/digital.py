"""What cameras and files do: contrast, elastic warps, large pixels and JPEG."""

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from io import BytesIO
from itertools import accumulate

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Generator, Tensor
from torch.nn import functional

from trainables.perturbations.corruptions.constants import Elastic
from trainables.perturbations.corruptions.levels import levels, truncated
from trainables.perturbations.corruptions.smoothing import smoothed

try:
    import simplejpeg
except ImportError:  # a machine that only trains may lack it
    simplejpeg = None

Size = tuple[int, int]
Pixels = npt.NDArray[np.uint8]


def contrast(images: Tensor, factor: float) -> Tensor:
    """Scales each channel's distance from its own mean by `factor`.

    Args:
        images: (N, 3, H, W) uint8.
        factor: in [0, 1].
    """
    pixels = images.float()
    return levels(torch.add(pixels.mean((2, 3), keepdim=True) * (1 - factor), pixels, alpha=factor))


def elastic_draws(size: Size, elastic: Elastic, generator: Generator) -> tuple[Tensor, Tensor]:
    """For one image: (2, H, W) draws in [-1, 1) across and down, and (3, 2) draws in [-1, 1) for the corners."""
    fields = torch.empty(2, *size, device=generator.device).uniform_(-1, 1, generator=generator)
    return fields, torch.empty(3, 2, device=generator.device).uniform_(-1, 1, generator=generator)


def elastic_transform(images: Tensor, elastic: Elastic, fields: Tensor, corners: Tensor) -> Tensor:
    """Shifts three corners of a square by an affine map, where the constants say so, then each pixel smoothly.

    Args:
        images: (N, 3, H, W) uint8.
        elastic: in shares of the image's height; sigma in shares of each side.
        fields: (N, 2, H, W) in [-1, 1), across and down.
        corners: (N, 3, 2) in [-1, 1), across and down.
    """
    height, width = images.shape[-2:]
    pixels = images.float()
    if elastic.shift:
        pixels = _affine(pixels, corners.double() * (elastic.shift * height))
    if elastic.displacement:
        sigma = (elastic.sigma * height, elastic.sigma * width)
        moves = smoothed(fields, sigma, "mirrored", truncate=3.0).mul_(elastic.displacement * height)
        pixels = _displaced(pixels, moves)
    return levels(pixels)


def _displaced(pixels: Tensor, moves: Tensor) -> Tensor:
    """Each pixel's value from where it is moved to; outside, the image is mirrored with its last pixel."""
    height, width = pixels.shape[-2:]
    across = torch.arange(width, device=pixels.device) + 0.5
    down = torch.arange(height, device=pixels.device)[:, None] + 0.5
    places = torch.stack([(moves[:, 0] + across) * (2 / width), (moves[:, 1] + down) * (2 / height)], 3).sub_(1)
    return functional.grid_sample(pixels, places, mode="bilinear", padding_mode="reflection", align_corners=False)


def _affine(pixels: Tensor, shifts: Tensor) -> Tensor:
    """The affine image in which three corners of a middle square stand shifted; mirrored about the last pixel."""
    height, width = pixels.shape[-2:]
    middle, half = shifts.new_tensor([width // 2, height // 2]), min(height, width) // 3
    before = middle + shifts.new_tensor([[half, half], [half, -half], [-half, -half]])
    after = torch.cat([before + shifts, torch.ones_like(shifts[..., :1])], 2)
    backwards = torch.linalg.solve(after, before.expand_as(shifts))  # (N, 3, 2): [x, y, 1] of the result to the source
    across = torch.arange(width, dtype=torch.float64, device=pixels.device)
    down = torch.arange(height, dtype=torch.float64, device=pixels.device)[:, None, None]
    weights = backwards[:, None, None]
    places = across[:, None] * weights[..., 0, :] + down * weights[..., 1, :] + weights[..., 2, :]
    places = places * (2 / shifts.new_tensor([width - 1, height - 1])) - 1
    return functional.grid_sample(
        pixels, places.float(), mode="bilinear", padding_mode="reflection", align_corners=True
    )


def pixelate(images: Tensor, share: float) -> Tensor:
    """Averages boxes of pixels down to `share` of each side, and repeats them back to size.

    Args:
        images: (N, 3, H, W) uint8.
        share: in (0, 1].
    """
    height, width = images.shape[-2:]
    rows, columns = int(height * share), int(width * share)
    # Whole rows are copied ten times faster than single columns are gathered: columns are worked on as rows.
    turned = _box_averages(_turned(_box_averages(images, rows)), columns)
    wide = _turned(turned.index_select(2, _repeats(columns, width, images.device)))
    return wide.index_select(2, _repeats(rows, height, images.device))


def _turned(images: Tensor) -> Tensor:
    return images.transpose(2, 3).contiguous()


def _box_averages(images: Tensor, rows: int) -> Tensor:
    """The image squeezed to that many rows, each the mean of the rows with their middle in its box; halves go up."""
    places, present, share = _boxes(images.shape[2], rows, images.device)
    total = images.index_select(2, places[0]).short()
    for place, there in zip(places[1:], present[1:], strict=True):
        total += images.index_select(2, place).mul_(there)
    return truncated(total.float().mul_(share).add_(0.5))


@lru_cache(maxsize=64)
def _boxes(side: int, smaller: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Rows of each box, (most, smaller); 1 where a box has so many, (most, smaller, 1) uint8; and 1 / their number."""
    scale = side / smaller
    middles = (torch.arange(smaller, dtype=torch.float64)[:, None] + 0.5) * scale
    pixels = torch.arange(side, dtype=torch.float64)
    # Written as Pillow writes it: where a pixel's middle lies on a box's edge, the last bit decides.
    offsets = (pixels - middles + 0.5) * (1 / scale)
    inside = (offsets > -0.5) & (offsets <= 0.5)
    inside &= (pixels >= (middles - 0.5 * scale + 0.5).floor()) & (pixels < (middles + 0.5 * scale + 0.5).floor())
    counts = inside.sum(1)
    present, places = inside.byte().topk(int(counts.max()), dim=1)
    share = (1 / counts.double())[:, None].to(device, torch.float32)
    return places.T.contiguous().to(device), present.T[..., None].contiguous().to(device), share


@lru_cache(maxsize=64)
def _repeats(smaller: int, side: int, device: torch.device) -> Tensor:
    """The small image's row of each row; the steps are summed up, as Pillow does, for the sake of the last bit."""
    step = smaller / side
    places = accumulate([step * 0.5] + [step] * (side - 1))
    return torch.tensor([min(int(place), smaller - 1) for place in places], device=device)


def jpeg_compression(images: Tensor, quality: int) -> Tensor:
    """Encodes each image as JPEG with halved colour resolution and decodes it; on the CPU, by libjpeg.

    Args:
        images: (N, 3, H, W) uint8; those on another device come back there.
        quality: 1 to 100.
    """
    plain = images.cpu()
    threads = min(torch.get_num_threads(), len(plain))
    if threads < 2:
        return torch.stack([_through_jpeg(image, quality) for image in plain]).to(images.device)
    with ThreadPoolExecutor(threads) as pool:
        made = list(pool.map(_through_jpeg, plain, [quality] * len(plain)))
    return torch.stack(made).to(images.device)


def _through_jpeg(image: Tensor, quality: int) -> Tensor:
    height, width = image.shape[1:]
    # Whole lines of one colour are copied faster than Pillow's order of pixels is made.
    lines = image.transpose(0, 1).contiguous().numpy()
    file = BytesIO()
    Image.frombuffer("RGB", (width, height), lines, "raw", "RGB;L", 0, 1).save(file, "JPEG", quality=quality)
    return torch.from_numpy(_decoded(file)).permute(2, 0, 1)


def _decoded(file: BytesIO) -> Pixels:
    """(H, W, 3); both libraries hold the same decoder, and one takes half the time of the other."""
    if simplejpeg is not None:
        pixels: Pixels = simplejpeg.decode_jpeg(file.getbuffer())
        return pixels
    with Image.open(file, formats=("JPEG",)) as image:
        return np.array(image)
