"""Encoders of segmentation networks: five maps of an image, from fine to coarse."""

from abc import ABC, abstractmethod
from typing import Final

from torch import Tensor, nn
from torchvision.models.resnet import ResNet

STAGES: Final = 5


class Encoder(nn.Module, ABC):
    """Turns (N, 3, H, W) images into five maps, map k of (N, channels[k], H / strides[k], W / strides[k]).

    H and W must be multiples of the last stride.
    """

    channels: tuple[int, ...]
    strides: tuple[int, ...]

    @abstractmethod
    def stages(self) -> list[nn.Module]:
        """The stages after the stem, from the bottom; they unfreeze from the top."""


class ResNetEncoder(Encoder):
    """The stem and the four residual stages of a torchvision ResNet, under their own names and with their weights."""

    def __init__(self, net: ResNet) -> None:
        super().__init__()
        self.conv1, self.bn1, self.relu, self.maxpool = net.conv1, net.bn1, net.relu, net.maxpool
        self.layer1, self.layer2, self.layer3, self.layer4 = net.layer1, net.layer2, net.layer3, net.layer4
        stem = net.conv1.stride[0]
        first = stem if isinstance(net.maxpool, nn.Identity) else 2 * stem
        self.strides = (stem, first, 2 * first, 4 * first, 8 * first)
        self.channels = (net.conv1.out_channels, *(_width(stage) for stage in self.stages()))

    def stages(self) -> list[nn.Module]:
        """The four residual stages."""
        return [self.layer1, self.layer2, self.layer3, self.layer4]

    def forward(self, images: Tensor) -> list[Tensor]:
        """The map of the stem, before its pooling, and that of each stage."""
        maps = [self.relu(self.bn1(self.conv1(images)))]
        values = self.maxpool(maps[0])
        for stage in self.stages():
            values = stage(values)
            maps.append(values)
        return maps


class PlainEncoder(Encoder):
    """The encoder of the paper on UNet3+: two 3x3 convolutions at each of five scales, 1, 2, 4, 8, 16 times `width`."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.strides = tuple(2**stage for stage in range(STAGES))
        self.channels = tuple(width * stride for stride in self.strides)
        inputs = (3, *self.channels)
        pairs = list(zip(inputs, self.channels, strict=False))
        self.stem = nn.Sequential(convolved(*pairs[0]), convolved(width, width))
        self.levels = nn.ModuleList(
            nn.Sequential(nn.MaxPool2d(2), convolved(before, after), convolved(after, after))
            for before, after in pairs[1:]
        )

    def stages(self) -> list[nn.Module]:
        """The four scales below the first."""
        return list(self.levels)

    def forward(self, images: Tensor) -> list[Tensor]:
        """The map of each scale."""
        maps = [self.stem(images)]
        for level in self.levels:
            maps.append(level(maps[-1]))
        return maps


def convolved(inputs: int, outputs: int) -> nn.Sequential:
    """A 3x3 convolution that keeps the size, batch norm and an activation."""
    # The norm takes away any bias before it.
    convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    nn.init.kaiming_normal_(convolution.weight, mode="fan_in", nonlinearity="relu")
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


def _width(stage: nn.Module) -> int:
    last = list(stage.children())[-1]
    return [module for module in last.children() if isinstance(module, nn.Conv2d)][-1].out_channels
