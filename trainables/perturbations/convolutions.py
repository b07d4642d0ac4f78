"""The same convolutions by other arithmetic, where a CPU is slow at the plain one; their weights cannot learn.

Measured for ResNet-18 at 64 x 64, batch 64, one core with AVX-512, stored channels last, forward and gradient of the
input: in float32 the 7 x 7 entry takes 0.77 ms an image plainly and 0.45 as `Unshuffled`, the three convolutions of
2 x 2 images 2.3 ms plainly and 0.46 as `Dense`; the net 6.4 ms without and 4.2 with both, in bfloat16 2.4 and 1.5.
"""

import itertools
from collections.abc import Iterator

import torch
from torch import Tensor, nn


class Unshuffled(nn.Module):
    """A convolution of stride 2 as one of stride 1 over blocks of 2 x 2 pixels, which fill a vector register."""

    def __init__(self, plain: nn.Conv2d) -> None:
        super().__init__()
        self.plain = plain
        reach = plain.kernel_size[0] // 2
        before, after = reach % 2, (reach + 1) % 2  # zeros that let the kernel begin and end with a whole block
        blocks = nn.functional.pixel_unshuffle(nn.functional.pad(plain.weight, (before, after, before, after)), 2)
        self._weight = blocks.contiguous(memory_format=torch.channels_last)
        left = (reach + before) // 2
        self._margin = (left, blocks.shape[-1] - 1 - left) * 2

    @staticmethod
    def suits(layer: nn.Conv2d, shape: torch.Size) -> bool:
        """Holds for an odd, square kernel of stride 2 over few channels of even sides."""
        side = layer.kernel_size[0]
        return (
            _is_plain(layer)
            and layer.in_channels <= 4
            and layer.kernel_size == (side, side)
            and side % 2 == 1
            and layer.stride == (2, 2)
            and layer.padding == (side // 2, side // 2)
            and shape[2] % 2 == shape[3] % 2 == 0
        )

    def forward(self, images: Tensor) -> Tensor:
        """As the plain one's."""
        if images.shape[2] % 2 or images.shape[3] % 2:
            return self.plain.forward(images)
        blocks = nn.functional.pad(nn.functional.pixel_unshuffle(images, 2), self._margin)
        return nn.functional.conv2d(blocks, self._weight, self.plain.bias)


class Dense(nn.Module):
    """A convolution over images so small that every output pixel sees all of them, as one product of matrices."""

    def __init__(self, plain: nn.Conv2d, shape: torch.Size) -> None:
        super().__init__()
        self.plain = plain
        self._shape = shape[1:]
        self._sides = _output_sides(plain, shape)
        matrix = plain.weight.new_zeros(shape[2], shape[3], shape[1], *self._sides, plain.out_channels)
        for (row, column), (i, j), (a, b) in _taps(plain, shape):
            matrix[row, column, :, i, j] = plain.weight[:, :, a, b].T
        self._matrix = matrix.flatten(3).flatten(0, 2)
        bias = plain.weight.new_zeros(plain.out_channels) if plain.bias is None else plain.bias
        self._bias = bias.repeat(self._sides[0] * self._sides[1])

    @staticmethod
    def suits(layer: nn.Conv2d, shape: torch.Size) -> bool:
        """Holds for kernels of several pixels where every output pixel sees every input pixel, so no term is zero."""
        if not _is_plain(layer) or layer.kernel_size == (1, 1):
            return False
        if shape[2] > layer.kernel_size[0] or shape[3] > layer.kernel_size[1]:
            return False
        height, width = _output_sides(layer, shape)
        return sum(1 for _ in _taps(layer, shape)) == shape[2] * shape[3] * height * width

    def forward(self, images: Tensor) -> Tensor:
        """As the plain one's."""
        if images.shape[1:] != self._shape:
            return self.plain.forward(images)
        flat = images.permute(0, 2, 3, 1).reshape(len(images), -1)
        made = torch.addmm(self._bias, flat, self._matrix)
        return made.view(len(images), *self._sides, -1).permute(0, 3, 1, 2)


def _is_plain(layer: nn.Conv2d) -> bool:
    zeros = layer.padding_mode == "zeros" and isinstance(layer.padding, tuple)
    return zeros and layer.groups == 1 and layer.dilation == (1, 1)


def _output_sides(layer: nn.Conv2d, shape: torch.Size) -> tuple[int, int]:
    sides = [
        (shape[2 + axis] + 2 * int(layer.padding[axis]) - layer.kernel_size[axis]) // layer.stride[axis] + 1
        for axis in (0, 1)
    ]
    return sides[0], sides[1]


def _taps(layer: nn.Conv2d, shape: torch.Size) -> Iterator[tuple[tuple[int, int], ...]]:
    """Each (input place, output place, kernel place) that meet."""
    places = (range(sides) for sides in (*_output_sides(layer, shape), *layer.kernel_size))
    for i, j, a, b in itertools.product(*places):
        row = i * layer.stride[0] - int(layer.padding[0]) + a
        column = j * layer.stride[1] - int(layer.padding[1]) + b
        if 0 <= row < shape[2] and 0 <= column < shape[3]:
            yield (row, column), (i, j), (a, b)
