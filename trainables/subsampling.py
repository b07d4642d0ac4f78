"""Strided 1x1 convolutions of few channels, computed so that their gradients stay within their memory."""

from typing import Final

from torch import Tensor, nn

NARROW: Final = 16
"""Channels of oneDNN's widest block."""


class SubsampledConvolution(nn.Conv2d):
    """A strided convolution of 1x1 kernels without padding: every n-th pixel taken first, then a stride of one."""

    def forward(self, input: Tensor) -> Tensor:
        """(N, O, ceil(H / stride), ceil(W / stride)) of (N, I, H, W), as a plain one's."""
        rows, columns = self.stride
        picked = input[:, :, ::rows, ::columns]
        return nn.functional.conv2d(picked, self.weight, self.bias, groups=self.groups)


def exchange_narrow(net: nn.Module) -> None:
    """Exchanges strided 1x1 convolutions of fewer than 16 input channels, keeping their weights and their names.

    On a CPU, oneDNN (3.12 and before, its issue 6035) writes past its workspace in the weight gradient of such a
    convolution of channels-last float32: a ResNet of width 8 fed at 224 pixels ended in a segmentation fault.
    """
    for parent in net.modules():
        for name, child in parent.named_children():
            if type(child) is nn.Conv2d and _overruns(child):
                setattr(parent, name, _subsampled(child))


def _overruns(layer: nn.Conv2d) -> bool:
    pointwise = layer.kernel_size == (1, 1) and set(layer.padding) == {0}
    return pointwise and max(layer.stride) > 1 and layer.in_channels // layer.groups < NARROW


def _subsampled(layer: nn.Conv2d) -> SubsampledConvolution:
    rows, columns = layer.stride
    made = SubsampledConvolution(
        layer.in_channels, layer.out_channels, 1, (rows, columns), groups=layer.groups, device="meta"
    )
    made.weight, made.bias = layer.weight, layer.bias
    return made.train(layer.training)
