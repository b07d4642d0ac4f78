"""AugMix beside a twin that takes one image at a time through Pillow, as the published code does."""

import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps
from sklearn.datasets import load_sample_images
from torch import Tensor

from trainables.perturbations.augmix.draws import AugMixOptions, Draws, draw
from trainables.perturbations.augmix.mixing import augmix, mixed
from trainables.perturbations.augmix.operations import NONE, OPERATIONS, OVERLAPPING, apply, order
from trainables.seeds import generator

BILINEAR = Image.Resampling.BILINEAR
AFFINE = Image.Transform.AFFINE
EIGHT_CHAINS = AugMixOptions(severity=10, overlapping=True, width=8)


def photographs(count: int, height: int, width: int) -> Tensor:
    """(count, 3, height, width) crops of two real photographs."""
    pixels = torch.from_numpy(load_sample_images().images[0]).permute(2, 0, 1)
    numbers = generator("test", "photographs")
    found = []
    for _ in range(count):
        top = int(torch.randint(pixels.shape[1] - height, (), generator=numbers))
        left = int(torch.randint(pixels.shape[2] - width, (), generator=numbers))
        found.append(pixels[:, top : top + height, left : left + width])
    return torch.stack(found)


def by_pillow(name: str, image: Image.Image, level: float) -> Image.Image:
    """One operation at a level from 0 to 10, below 0 the other way."""
    size, strength = image.size, abs(level)
    factor = strength * 1.8 / 10 + 0.1
    match name:
        case "autocontrast":
            return ImageOps.autocontrast(image)
        case "equalize":
            return ImageOps.equalize(image)
        case "posterize":
            return ImageOps.posterize(image, 4 - int(strength * 4 / 10))
        case "solarize":
            return ImageOps.solarize(image, 256 - int(strength * 256 / 10))
        case "rotate":
            return image.rotate(int(level * 30 / 10), BILINEAR)
        case "shear_x":
            return image.transform(size, AFFINE, (1, level * 0.3 / 10, 0, 0, 1, 0), BILINEAR)
        case "shear_y":
            return image.transform(size, AFFINE, (1, 0, 0, level * 0.3 / 10, 1, 0), BILINEAR)
        case "translate_x":
            return image.transform(size, AFFINE, (1, 0, int(level * (size[0] / 3) / 10), 0, 1, 0), BILINEAR)
        case "translate_y":
            return image.transform(size, AFFINE, (1, 0, 0, 0, 1, int(level * (size[1] / 3) / 10)), BILINEAR)
        case "brightness":
            return ImageEnhance.Brightness(image).enhance(factor)
        case "contrast":
            return ImageEnhance.Contrast(image).enhance(factor)
        case "colour":
            return ImageEnhance.Color(image).enhance(factor)
        case "sharpness":
            return ImageEnhance.Sharpness(image).enhance(factor)
    raise AssertionError(name)


def opened(image: Tensor) -> Image.Image:
    return Image.fromarray(image.permute(1, 2, 0).contiguous().numpy())


def tensor(image: Image.Image) -> Tensor:
    return torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).view(*image.size[::-1], 3).permute(2, 0, 1)


def one_by_one(images: Tensor, draws: Draws) -> Tensor:
    """The twin: the same draws, image by image and chain by chain; the mixture in double precision."""
    found = []
    for row, image in enumerate(images):
        ends = []
        for chain in range(draws.codes.shape[1]):
            end = opened(image)
            for step in range(draws.codes.shape[2]):
                code, level = int(draws.codes[row, chain, step]), float(draws.levels[row, chain, step])
                if code != NONE:
                    end = by_pillow(OPERATIONS[code], end, -level if draws.mirrored[row, chain, step] else level)
            ends.append(tensor(end))
        shares = draws.weights[row].double()[:, None, None, None]
        found.append((shares * torch.stack([*ends, image]).double()).sum(0))
    return torch.stack(found)


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("size", [(32, 32), (61, 45)], ids=["square", "odd"])
def test_every_operation_is_pillow_s_within_a_grey_level(name: str, size: tuple[int, int]) -> None:
    levels = torch.cat([torch.linspace(-9.99, -0.1, 12), torch.linspace(0.1, 9.99, 12)]).double()
    images = photographs(len(levels), *size)
    ours = images.clone()
    apply(ours, torch.full((len(levels),), OPERATIONS.index(name)), levels)
    twin = torch.stack(
        [tensor(by_pillow(name, opened(image), float(level))) for image, level in zip(images, levels, strict=True)]
    )
    apart = (ours.int() - twin.int()).abs()
    assert (apart <= 1).double().mean() >= 0.999
    assert (apart == 0).double().mean() >= 0.99
