"""Seeds as a function of what they are for: (study seed, trial, purpose)."""

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def derive(*parts: int | str) -> int:
    """The same parts give the same 63-bit seed on every machine; other parts, or another order, another one.

    Args:
        parts: at least one integer or string; `1` and `"1"` are different parts.

    Returns:
        A seed in [0, 2**63).

    Raises:
        ValueError: no part came.
    """
    if not parts:
        raise ValueError("derive: no part came; name at least what the seed is for")
    encoded = json.dumps(parts, separators=(",", ":")).encode("ascii")
    return int.from_bytes(hashlib.sha256(encoded).digest()[:8], "big") >> 1


def generator(*parts: int | str, device: str = "cpu") -> "torch.Generator":
    """A fresh torch generator seeded with `derive(*parts)`; the global one is neither read nor changed.

    Args:
        parts: as for `derive`.
        device: where the generator draws.
    """
    import torch  # seeds are also derived where torch must not be loaded

    return torch.Generator(device=device).manual_seed(derive(*parts))
