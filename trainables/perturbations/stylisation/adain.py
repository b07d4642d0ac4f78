"""Stylisation by a network: AdaIN (Huang & Belongie 2017) between layers of VGG-19 and a decoder that mirrors them."""

import hashlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import torch
import torchvision.models as zoo
from torch import Tensor, nn
from torch.nn.functional import pad

from trainables.checkpoints import check_shapes, load, save
from trainables.errors import TrainableError
from trainables.models import check_name, own_randomness, published_weights

WIDTHS: Final = (64, 128, 256, 512)
"""Channels of VGG-19's relu1_1, relu2_1, relu3_1 and relu4_1."""
_REPEATS: Final = (1, 1, 3)  # convolutions of VGG-19 between one such place and the next, before the pooling
_PUBLISHED: Final = (0, 2, 5, 7, 10, 12, 14, 16, 19)  # where torchvision keeps those convolutions in `features`
_MEAN: Final = (0.485, 0.456, 0.406)
_STD: Final = (0.229, 0.224, 0.225)
_STEP: Final = 8  # pixels of an image's side to one of relu4_1's: three poolings
LEAST: Final = 16
"""Pixels of an image's shorter side: borders are mirrored, which one pixel of the deepest features cannot be."""
_FAINT: Final = 1e-5  # added to variances, as in the published code
_NOTHING: Final[Mapping[str, Any]] = {}


class Encoder(nn.Module):
    """The layers of a VGG-19 up to relu4_1; its convolutions mirror the border, so that no frame appears.

    Args:
        widths: channels of the four stages; VGG-19's own take its published weights.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, widths: Sequence[int] = WIDTHS) -> None:
        super().__init__()
        first = nn.Sequential(_convolution(3, widths[0]), nn.ReLU())
        stages = [
            nn.Sequential(*_repeated(narrow, repeats), nn.MaxPool2d(2), _convolution(narrow, wide), nn.ReLU())
            for (narrow, wide), repeats in zip(itertools.pairwise(widths), _REPEATS, strict=True)
        ]
        self.stages = nn.ModuleList([first, *stages])
        self.register_buffer("mean", torch.tensor(_MEAN)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(_STD)[:, None, None], persistent=False)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Outputs of the four stages for images in [0, 1], the deepest last."""
        values, found = (images - self.mean) / self.std, []
        for stage in self.stages:
            values = stage(values)
            found.append(values)
        return found

    def convolutions(self) -> list[nn.Conv2d]:
        """All of them, in order."""
        return [module for module in self.modules() if isinstance(module, nn.Conv2d)]


class Decoder(nn.Sequential):
    """Layers that mirror an encoder's: the same convolutions backwards, and enlarging where that pools."""

    def __init__(self, widths: Sequence[int] = WIDTHS) -> None:
        layers: list[nn.Module] = []
        for (narrow, wide), repeats in zip(reversed([*itertools.pairwise(widths)]), reversed(_REPEATS), strict=True):
            layers += [_convolution(wide, narrow), nn.ReLU(), nn.Upsample(scale_factor=2, mode="nearest")]
            layers += _repeated(narrow, repeats)
        super().__init__(*layers, _convolution(widths[0], 3))


def vgg19_encoder(path: str = "") -> Encoder:
    """The encoder with torchvision's weights for ImageNet, frozen; never downloads.

    Args:
        path: the file; empty means the place where torch's hub keeps it.

    Raises:
        TrainableError: WEIGHTS_MISSING with the file's name and place; CKPT_CORRUPT where it holds something else, or
            is not what its name in the hub's cache says.
    """
    url = zoo.VGG19_Weights.DEFAULT.url
    cached = Path(torch.hub.get_dir()) / "checkpoints" / Path(url).name
    file = Path(path) if path else cached
    if not file.is_file():
        raise TrainableError(
            "WEIGHTS_MISSING",
            f"AdaIN needs {Path(url).name}, which is not at {file}; fetch {url} and put it at {cached}, or name "
            "its path",
        )
    if not path:
        check_name(file)
    weights = published_weights(file)
    encoder = Encoder()
    own = {
        f"features.{place}.{name}": value
        for place, layer in zip(_PUBLISHED, encoder.convolutions(), strict=True)
        for name, value in layer.named_parameters()
    }
    check_shapes(weights, {name: value.shape for name, value in own.items()}, str(file), others_allowed=True)
    with torch.no_grad():
        for name, value in own.items():
            value.copy_(weights[name])
    return encoder.requires_grad_(False).eval()


def fresh_decoder(seed: int, widths: Sequence[int] = WIDTHS) -> Decoder:
    """An untrained decoder; equal seeds give equal weights."""
    with own_randomness(seed, torch.device("cpu")):
        return Decoder(widths)


def save_decoder(path: Path, decoder: Decoder, told: Mapping[str, Any] = _NOTHING) -> None:
    """Writes a decoder as safetensors, whole or not at all, with what is told of it as JSON."""
    save(path, decoder.state_dict(), {"kind": "adain-decoder", **told})


def load_decoder(path: Path, widths: Sequence[int] = WIDTHS, encoder: Encoder | None = None) -> Decoder:
    """A decoder that `save_decoder` wrote, frozen. It fits the encoder that it was trained with, and no other.

    Args:
        path: the file.
        widths: of the encoder.
        encoder: held against what the file tells of its own, where it tells anything (`encoder`, as `digest`).

    Raises:
        TrainableError: CKPT_MISSING where there is no file, CKPT_CORRUPT where it is no such decoder, OPTION_INVALID
            where it was trained with another encoder.
    """
    tensors, told = load(path)
    decoder = Decoder(widths)
    check_shapes(tensors, {name: value.shape for name, value in decoder.state_dict().items()}, f"decoder {path}")
    if encoder is not None and told.get("encoder", digest(encoder)) != digest(encoder):
        raise TrainableError(
            "OPTION_INVALID",
            f"decoder {path}: was trained with another encoder; name that one, or train a decoder anew",
        )
    decoder.load_state_dict(tensors)
    return decoder.requires_grad_(False).eval()


def digest(encoder: Encoder) -> str:
    """Hexadecimal SHA-256 of an encoder's weights, whatever file they came in."""
    found = hashlib.sha256()
    for value in encoder.parameters():
        found.update(value.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()


def adain(content: Tensor, style: Tensor) -> Tensor:
    """Features of the content with each channel's mean and deviation as in the style's.

    Args:
        content: (N, C, h, w).
        style: (N, C, any, any).

    Source: Huang & Belongie 2017, equation 8; deviations with Bessel's correction, as in the published code.
    """
    (mean, deviation), (wanted_mean, wanted_deviation) = moments(content), moments(style)
    return (content - mean) / deviation * wanted_deviation + wanted_mean


def moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """(N, C, 1, 1) means and deviations; no deviation is 0."""
    variance, mean = torch.var_mean(features, (2, 3), keepdim=True)
    return mean, (variance + _FAINT).sqrt()


def transferred(images: Tensor, styles: Tensor, encoder: Encoder, decoder: Decoder, alpha: float = 1.0) -> Tensor:
    """Every image in the style beside it.

    Args:
        images: (N, 3, H, W) floats in [0, 1], sides of at least 16.
        styles: (N, 3, any, any), likewise.
        encoder: of which the decoder was trained.
        decoder: its mirror image.
        alpha: 0 decodes the image's own features, 1 those with the style's statistics altogether.

    Returns:
        (N, 3, H, W) floats; some may lie outside [0, 1].

    Raises:
        ValueError: a side is too short.

    Source: Huang & Belongie 2017, equation 14.
    """
    for name, value in (("images", images), ("styles", styles)):
        if min(value.shape[2:]) < LEAST:
            raise ValueError(f"transferred: {name} of {tuple(value.shape[2:])}: AdaIN needs sides of {LEAST} at least")
    height, width = images.shape[2:]
    # Poolings round down: without these pixels, what is decoded would be smaller than the image.
    whole = pad(images, (0, -width % _STEP, 0, -height % _STEP), mode="replicate")
    own = encoder(whole)[-1]
    mixed = alpha * adain(own, encoder(styles)[-1]) + (1 - alpha) * own
    decoded: Tensor = decoder(mixed)
    return decoded[:, :, :height, :width]


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    layer = nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="reflect")
    # torch's own initial weights would let nine such layers fade to a constant.
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def _repeated(width: int, repeats: int) -> Iterator[nn.Module]:
    for _ in range(repeats):
        yield from (_convolution(width, width), nn.ReLU())
