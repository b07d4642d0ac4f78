"""Vision transformers of torchvision, also thinner, with fewer blocks or other patches than the published ones."""

import dataclasses
from collections.abc import Mapping
from typing import Final

from torch import nn
from torchvision.models import VisionTransformer

from trainables.architectures import OWN_WIDTH


@dataclasses.dataclass(frozen=True)
class _Published:
    """As torchvision builds one; its hidden layers have four times as many units as its words."""

    patch_size: int
    blocks: int
    heads: int
    head_width: int = OWN_WIDTH


_PUBLISHED: Final[Mapping[str, _Published]] = {
    "vit_b_16": _Published(16, 12, 12),
    "vit_b_32": _Published(32, 12, 12),
    "vit_l_16": _Published(16, 24, 16),
    "vit_l_32": _Published(32, 24, 16),
    "vit_h_14": _Published(14, 32, 16, 80),
}


def vision_transformer(
    model: str, outputs: int, side: int, width: int, patch_size: int = 0, depth: int = 0
) -> nn.Module:
    """A transformer with fresh weights, drawn from torch's global generator.

    Args:
        model: its torchvision name.
        outputs: of the head.
        side: of the images, in pixels; a multiple of the patches'.
        width: of each head of attention, where that of the published one is 64 (of vit_h_14: 80); words and hidden
            layers scale alike. At 64, and with the others at 0, it is the published one.
        patch_size: side of a patch in pixels; 0 is the published one.
        depth: blocks; 0 is the published number.

    Raises:
        ValueError: the side is no multiple of the patch's.
    """
    published = _PUBLISHED[model]
    patch = patch_size or published.patch_size
    if side % patch:
        raise ValueError(f"its patches have a side of {patch}, of which that is no multiple: set patch_size")
    hidden = published.heads * (published.head_width * width // OWN_WIDTH)
    net: nn.Module = VisionTransformer(
        side, patch, depth or published.blocks, published.heads, hidden, 4 * hidden, num_classes=outputs
    )
    return net
