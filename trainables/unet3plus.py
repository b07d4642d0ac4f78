"""UNet3+: a segmentation network whose decoder takes from all scales at once."""

import dataclasses
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_max_pool2d, interpolate, logsigmoid, max_pool2d, pad
from torchvision.models.resnet import ResNet

from trainables import models
from trainables.architectures import ACTIVATIONS, HEAD_ONLY, OWN_WIDTH, RESNETS, WHOLE_NET
from trainables.classification.options import ClassificationOptions
from trainables.errors import TrainableError
from trainables.seeds import derive
from trainables.segmentation_encoders import STAGES, Encoder, PlainEncoder, ResNetEncoder, convolved

PLAIN: Final = "unet"
ENCODERS: Final = (*RESNETS, PLAIN)
_TRIED_SIDE: Final = 64


@dataclasses.dataclass(frozen=True)
class Architecture:
    """What a UNet3+ is built like.

    Attributes:
        encoder: a torchvision ResNet, or "unet": the paper's own.
        encoder_width: channels of the first stage; 64 in the published ones.
        stem: of a ResNet, as in classification: imagenet, strided or small.
        decoder_width: channels that a decoder node takes from each scale; 64 in the paper.
        activation: of every layer; "own" is ReLU.
        deep_supervision: whether each scale has class scores of its own.
        classification_guided: whether the coarsest map also says which classes the image has, and lowers the scores of
            those it lacks.
    """

    encoder: str = "resnet34"
    encoder_width: int = OWN_WIDTH
    stem: str = "imagenet"
    decoder_width: int = 64
    activation: str = "own"
    deep_supervision: bool = False
    classification_guided: bool = False


@dataclasses.dataclass(frozen=True, eq=False)
class Segmentation:
    """What a network says of a batch of images (N, 3, H, W) and C classes.

    Attributes:
        scores: (N, C, H, W) logits.
        sides: the same of each coarser scale under deep supervision, from fine to coarse; otherwise none.
        presence: (N, C) logits of whether the image has the class; None without the classification-guided module.
    """

    scores: Tensor
    sides: tuple[Tensor, ...]
    presence: Tensor | None


class UNet3Plus(nn.Module):
    """Logits of every pixel's class, of images of any size.

    Images are padded at the right and at the bottom by their last pixels to multiples of the coarsest stride, and the
    scores are cut to the images' size.

    Source: Huang et al. 2020, "UNet 3+: a full-scale connected UNet for medical image segmentation". It has a sigmoid
    for each organ, and its classification-guided module sets the scores to 0 in an image where its hard decision sees
    none; here, for classes that exclude each other, the log probability of a class's presence is added to its logits.
    """

    def __init__(self, encoder: Encoder, classes: int, architecture: Architecture) -> None:
        super().__init__()
        self.encoder = encoder
        width = architecture.decoder_width
        fused = STAGES * width
        self.nodes = nn.ModuleList(_Node(level, encoder, width) for level in range(STAGES - 1))
        self.head = nn.Conv2d(fused, classes, 3, padding=1)
        outputs = [*[fused] * (STAGES - 2), encoder.channels[-1]] if architecture.deep_supervision else []
        self.side_heads = nn.ModuleList(nn.Conv2d(channels, classes, 3, padding=1) for channels in outputs)
        self.guide: nn.Module | None = None
        if architecture.classification_guided:
            self.guide = nn.Sequential(nn.Dropout(0.5), nn.Conv2d(encoder.channels[-1], classes, 1))

    def forward(self, images: Tensor) -> Tensor:
        """(N, classes, H, W) logits of (N, 3, H, W) images, H and W at least 1."""
        return self._read(images, sides=False).scores

    def outputs(self, images: Tensor) -> Segmentation:
        """The logits of `forward`, and what the options add to them for the loss."""
        return self._read(images, sides=True)

    def trainable_modules(self, unfrozen_layers: int) -> list[nn.Module]:
        """All but the encoder, and so many of its stages from the top; 5 means the whole net."""
        if unfrozen_layers == WHOLE_NET:
            return [self]
        own = [module for name, module in self.named_children() if name != "encoder"]
        stages = self.encoder.stages()[::-1]
        return [*own, *(stages[:unfrozen_layers] if unfrozen_layers > HEAD_ONLY else [])]

    def _read(self, images: Tensor, *, sides: bool) -> Segmentation:
        size = images.shape[2:]
        rest = [-side % self.encoder.strides[-1] for side in size]
        padded = pad(images, (0, rest[1], 0, rest[0]), mode="replicate") if any(rest) else images
        maps = self.encoder(padded)
        decoded = [maps[-1]]
        for level in reversed(range(STAGES - 1)):
            decoded.insert(0, self.nodes[level]([*maps[: level + 1], *decoded]))
        presence = None if self.guide is None else adaptive_max_pool2d(self.guide(maps[-1]), 1)
        heads = [self.head, *(self.side_heads if sides else [])]
        scores = [
            self._enlarged(head(values), presence, padded)[..., : size[0], : size[1]]
            for head, values in zip(heads, decoded, strict=False)
        ]
        return Segmentation(scores[0], tuple(scores[1:]), None if presence is None else presence.flatten(1))

    def _enlarged(self, scores: Tensor, presence: Tensor | None, images: Tensor) -> Tensor:
        guided = scores if presence is None else scores + logsigmoid(presence)
        return _resized(guided, images.shape[2:])


class _Node(nn.Module):
    """A node of the decoder at one scale: it takes `width` channels from each of the five, and fuses them."""

    def __init__(self, level: int, encoder: Encoder, width: int) -> None:
        super().__init__()
        self._level = level
        coarser = [STAGES * width] * (STAGES - 2 - level)
        inputs = [*encoder.channels[: level + 1], *coarser, encoder.channels[-1]]
        self.branches = nn.ModuleList(convolved(channels, width) for channels in inputs)
        self.fuse = convolved(STAGES * width, STAGES * width)

    def forward(self, maps: list[Tensor]) -> Tensor:
        """Of the maps of all scales: those of the encoder up to its own, and those of coarser nodes."""
        size = maps[self._level].shape[2:]
        taken = [branch(_resized(values, size)) for branch, values in zip(self.branches, maps, strict=True)]
        fused: Tensor = self.fuse(torch.cat(taken, 1))
        return fused


def build(architecture: Architecture, classes: int, seed: int, pretrained: str | None = None) -> UNet3Plus:
    """A network with fresh weights that are a function of architecture, classes and seed alone, in evaluation mode.

    Args:
        architecture: see there.
        classes: at least 1.
        seed: of the initial weights.
        pretrained: None for a fresh encoder; otherwise the file with the weights of the encoder's ResNet as torchvision
            publishes them, "" for the place where torch's hub keeps it.

    Raises:
        TrainableError: OPTION_INVALID, for what cannot be built; WEIGHTS_MISSING or CKPT_CORRUPT, as
            `models.load_pretrained`.
    """
    _check(architecture, classes, pretrained)
    # A ResNet draws by the seed itself, as in classification; the rest must not draw the same numbers.
    with models.own_randomness(derive(seed, "decoder"), torch.device("cpu")):
        net = UNet3Plus(_encoder(architecture, seed, pretrained), classes, architecture)
    models.exchange_activations(net, architecture.activation)
    return net.eval()


def freeze(net: UNet3Plus, unfrozen_layers: int) -> None:
    """Lets gradients reach the trainable modules alone."""
    net.requires_grad_(False)
    for module in net.trainable_modules(unfrozen_layers):
        module.requires_grad_(True)


def enter_training(net: UNet3Plus, unfrozen_layers: int) -> None:
    """Puts the trainable modules in training mode and the rest in evaluation mode: its batch norm does not learn."""
    net.eval()
    for module in net.trainable_modules(unfrozen_layers):
        module.train()


def _encoder(architecture: Architecture, seed: int, pretrained: str | None) -> Encoder:
    if architecture.encoder == PLAIN:
        return PlainEncoder(architecture.encoder_width)
    options = ClassificationOptions(
        model=architecture.encoder,
        width=architecture.encoder_width,
        stem=architecture.stem,
        activation=architecture.activation,
    )
    net = models.build(options, 1, (3, _TRIED_SIDE, _TRIED_SIDE), seed)
    if pretrained is not None:
        models.load_pretrained(net, architecture.encoder, pretrained)
    assert isinstance(net, ResNet)
    return ResNetEncoder(net)


def _check(architecture: Architecture, classes: int, pretrained: str | None) -> None:
    published = architecture.encoder_width == OWN_WIDTH and architecture.stem == "imagenet"
    laws = {
        f"encoder: {architecture.encoder!r} is none of {', '.join(ENCODERS)}": architecture.encoder in ENCODERS,
        f"activation: {architecture.activation!r} is none of {', '.join(ACTIVATIONS)}": architecture.activation
        in ACTIVATIONS,
        f"encoder_width: {architecture.encoder_width} is not above 0": architecture.encoder_width > 0,
        f"decoder_width: {architecture.decoder_width} is not above 0": architecture.decoder_width > 0,
        f"classes: {classes} is not above 0": classes > 0,
        "pretrained: weights are published for ResNets of width 64 with the stem imagenet alone": pretrained is None
        or (architecture.encoder != PLAIN and published),
    }
    broken = [law for law, holds in laws.items() if not holds]
    if broken:
        raise TrainableError("OPTION_INVALID", "; ".join(broken))


def _resized(values: Tensor, size: torch.Size) -> Tensor:
    """Largest values where it becomes coarser, bilinear ones where it becomes finer."""
    if values.shape[2:] == size:
        return values
    if values.shape[2] > size[0]:
        return max_pool2d(values, values.shape[2] // size[0])
    return interpolate(values, size, mode="bilinear", align_corners=False)
