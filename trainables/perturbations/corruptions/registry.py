"""All 19 corruptions by name, and the one function that applies them."""

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Generator, Tensor

from trainables.corruption_facts import LARGEST_SIDE, SEVERITIES, SMALLEST_SIDE
from trainables.perturbations.corruptions import blur, digital, extra, noise, weather
from trainables.perturbations.corruptions.constants import TABLES
from trainables.perturbations.corruptions.ice import Ice, procedural_ice

_VALUES_AT_ONCE: Final = {"cpu": 3 * 2**17}
"""Values of a batch worked on together: on a CPU no more than its cache holds."""
_VALUES_ELSEWHERE: Final = 2**25

Draws = tuple[Tensor, ...]


@dataclass(frozen=True)
class Corruption:
    """One corruption, split into what is random and a pure function of it.

    Attributes:
        name: as ImageNet-C calls it.
        group: noise, blur, weather, digital or extra.
        apply: (images, setting, *draws) -> images; `frost` takes `ice` as well.
        draw: (size, setting, generator) -> the draws of one image; None where nothing is random.
    """

    name: str
    group: str
    apply: Callable[..., Tensor]
    draw: Callable[[tuple[int, int], Any, Generator], Draws] | None = None


_ALL: Final = (
    Corruption("gaussian_noise", "noise", noise.gaussian_noise, noise.normal_pixels),
    Corruption("shot_noise", "noise", noise.shot_noise, noise.uniform_pixels),
    Corruption("impulse_noise", "noise", noise.impulse_noise, noise.uniform_pixels),
    Corruption("defocus_blur", "blur", blur.defocus_blur),
    Corruption("glass_blur", "blur", blur.glass_blur, blur.glass_displacements),
    Corruption("motion_blur", "blur", blur.motion_blur, blur.motion_angle),
    Corruption("zoom_blur", "blur", blur.zoom_blur),
    Corruption("snow", "weather", weather.snow, weather.snow_flakes),
    Corruption("frost", "weather", weather.frost, weather.frost_places),
    Corruption("fog", "weather", weather.fog, weather.fog_heights),
    Corruption("brightness", "weather", weather.brightness),
    Corruption("contrast", "digital", digital.contrast),
    Corruption("elastic_transform", "digital", digital.elastic_transform, digital.elastic_draws),
    Corruption("pixelate", "digital", digital.pixelate),
    Corruption("jpeg_compression", "digital", digital.jpeg_compression),
    Corruption("speckle_noise", "extra", extra.speckle_noise, noise.normal_pixels),
    Corruption("gaussian_blur", "extra", extra.gaussian_blur),
    Corruption("spatter", "extra", extra.spatter, extra.spatter_drops),
    Corruption("saturate", "extra", extra.saturate),
)
CORRUPTIONS: Final[Mapping[str, Corruption]] = {corruption.name: corruption for corruption in _ALL}


def names() -> tuple[str, ...]:
    """The 19 names in the order of ImageNet-C: the fifteen, then the four extra ones."""
    return tuple(CORRUPTIONS)


def groups() -> dict[str, tuple[str, ...]]:
    """The names in each group: noise, blur, weather, digital, extra."""
    kinds = dict.fromkeys(corruption.group for corruption in _ALL)
    return {kind: tuple(corruption.name for corruption in _ALL if corruption.group == kind) for kind in kinds}


def corrupt(
    images: Tensor,
    name: str,
    severity: int,
    generator: Generator | Tensor | None = None,
    constants: str = "imagenet-c",
    ice: Ice | None = None,
) -> Tensor:
    """New uint8 images under one corruption; each image's draws depend on its own seed alone.

    A seed for each image comes from `generator`, in order, so cutting a batch in two changes no draw; float arithmetic
    may then move a value by one grey level. CPU and GPU draw differently from the same seed. The images are not
    changed, and neither are torch's global generators.

    Args:
        images: (N, 3, H, W) uint8 on any device, sides of 32 to 512 pixels.
        name: one of `names()`.
        severity: 1 to 5.
        generator: on any device, or (N,) int64 seeds; not needed where nothing is random.
        constants: imagenet-c, imagenet-c-original, tiny-imagenet-c or cifar-10-c.
        ice: pictures for `frost`; our own where none come.

    Returns:
        (N, 3, H, W) uint8 on the device of `images`.

    Raises:
        ValueError: an argument breaks its law; the message names the law and what would do.

    Example:
        >>> images = torch.randint(256, (8, 3, 64, 64), dtype=torch.uint8)
        >>> foggy = corrupt(images, "fog", 3, torch.Generator().manual_seed(0))
        >>> foggy.shape, foggy.dtype
        (torch.Size([8, 3, 64, 64]), torch.uint8)

    Source: Hendrycks & Dietterich 2019; docs/corruption-fidelity.md says how close this is to imagecorruptions 1.1.2.
    """
    _check_images(images)
    corruption, setting = _checked(name, severity, constants)
    seeds = _seeds(corruption, generator, len(images))
    known = {"ice": _lawful_ice(ice)} if name == "frost" else {}
    corrupted = torch.empty(images.shape, dtype=torch.uint8, device=images.device)
    own = Generator(device=images.device)
    with torch.no_grad(), torch.autocast(images.device.type, enabled=False):
        for rows in _pieces(images):
            piece = images[rows].contiguous()
            drawn = _drawn(corruption, setting, piece, seeds[rows], own)
            corrupted[rows] = corruption.apply(piece, setting, *drawn, **known)
    return corrupted


def _lawful_ice(ice: object) -> Ice:
    if ice is not None and not isinstance(ice, Ice):
        raise ValueError(
            f"corrupt: ice is of type {type(ice).__name__}; ice=read_ice(folder) reads a folder's pictures"
        )
    return ice or procedural_ice()


def _pieces(images: Tensor) -> Iterable[slice]:
    limit = _VALUES_AT_ONCE.get(images.device.type, _VALUES_ELSEWHERE)
    step = max(1, limit // images[:1].numel()) if len(images) else 1
    return (slice(start, start + step) for start in range(0, len(images), step))


def _drawn(corruption: Corruption, setting: Any, piece: Tensor, seeds: Sequence[int], own: Generator) -> Draws:
    if corruption.draw is None:
        return ()
    size = (piece.shape[2], piece.shape[3])
    each = [corruption.draw(size, setting, own.manual_seed(seed)) for seed in seeds]
    return tuple(torch.stack(draws) if len(draws) > 1 else draws[0][None] for draws in zip(*each, strict=True))


def _seeds(corruption: Corruption, generator: object, count: int) -> Sequence[int]:
    if corruption.draw is None:
        return ()
    if isinstance(generator, Tensor):
        if generator.dtype != torch.int64 or generator.shape != (count,):
            raise ValueError(
                f"corrupt: seeds are {generator.dtype} {tuple(generator.shape)}; one for each of the {count} images is "
                f"needed: int64 ({count},)"
            )
        seeds: list[int] = generator.tolist()
        return seeds
    if generator is None:
        raise ValueError(
            f"corrupt: {corruption.name} is random and no generator came; give a torch.Generator, for example "
            f'trainables.seeds.generator(0, "{corruption.name}"), or a seed for each image'
        )
    if not isinstance(generator, Generator):
        raise ValueError(
            f"corrupt: generator is of type {type(generator).__name__}; a torch.Generator is needed, for example "
            f'trainables.seeds.generator(0, "{corruption.name}"), or a tensor of seeds, int64 ({count},)'
        )
    return torch.randint(2**63 - 1, (count,), generator=generator, device=generator.device).tolist()


def _checked(name: str, severity: int, constants: str) -> tuple[Corruption, Any]:
    if str(name) not in CORRUPTIONS:
        raise ValueError(f"corrupt: no corruption {name!r}{_nearest(name, CORRUPTIONS)}; there is {', '.join(names())}")
    if severity not in SEVERITIES or isinstance(severity, bool):
        raise ValueError(f"corrupt: severity is {severity!r}; a whole number from 1 (weak) to 5 (strong) is needed")
    if str(constants) not in TABLES:
        raise ValueError(
            f"corrupt: no constants {constants!r}{_nearest(constants, TABLES)}; there is {', '.join(TABLES)}"
        )
    return CORRUPTIONS[name], TABLES[constants][name][int(severity) - 1]


def _nearest(name: str, there: Iterable[str]) -> str:
    close = difflib.get_close_matches(str(name), list(there), 1)
    return f", did you mean {close[0]!r}?" if close else ""


def _check_images(images: object) -> None:
    needed = "uint8 (N, 3, H, W)"
    if not isinstance(images, Tensor):
        raise ValueError(
            f"corrupt: images are of type {type(images).__name__}; a torch.Tensor, {needed}, is needed: "
            "torch.from_numpy makes one of a NumPy array"
        )
    came = f"corrupt: images are {images.dtype} {tuple(images.shape)}; {needed} is needed"
    if images.dtype != torch.uint8:
        remedy = "floats in [0, 1] become it by (images * 255).round().to(torch.uint8)"
        if not images.is_floating_point():
            remedy = "whole numbers of this range become it by images.to(torch.uint8)"
        raise ValueError(f"{came}, values 0 to 255: {remedy}")
    if images.ndim != 4:
        raise ValueError(f"{came}: a single image becomes it by images[None]")
    if images.shape[1] != 3:
        raise ValueError(f"{came}: {_three_channels(images)}")
    if not all(SMALLEST_SIDE <= side <= LARGEST_SIDE for side in images.shape[2:]):
        raise ValueError(
            f"{came} with sides of {SMALLEST_SIDE} to {LARGEST_SIDE} pixels: resize them first, for example by "
            "torchvision.transforms.v2.functional.resize"
        )


def _three_channels(images: Tensor) -> str:
    """What makes (N, 3, H, W) of images of another layout."""
    if images.shape[3] == 3:
        return "channels that come last go to their place by images.permute(0, 3, 1, 2)"
    if images.shape[1] == 4:
        return "images[:, :3] leaves out a fourth channel, as of transparency"
    return "grey images, (N, 1, H, W), become it by images.expand(-1, 3, -1, -1)"
