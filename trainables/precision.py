"""Which device computes, which arithmetic it does well, and how it computes the same every time."""

from contextlib import AbstractContextManager

import torch


def device_of(asked: str) -> torch.device:
    """The device asked for; "auto" is a CUDA device where one is visible, else the CPU."""
    if asked == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(asked)


def repeatable() -> AbstractContextManager[None]:
    """Inside, cuDNN takes the same algorithm every time and computes float32 as float32; nothing changes on the CPU.

    By default it may add in another order each time, and round the factors of float32 convolutions to 10 bits (TF32).
    """
    flags: AbstractContextManager[None] = torch.backends.cudnn.flags(
        enabled=True, benchmark=False, deterministic=True, allow_tf32=False
    )
    return flags


def training_dtype(asked: str, device: torch.device) -> torch.dtype:
    """The type in which convolutions and matrix products of training run: float32 or bfloat16 (by autocast).

    Args:
        asked: "float32", "bfloat16", or "auto" for what is fast on the device.
        device: where training runs.
    """
    if asked == "auto":
        return torch.bfloat16 if _does_bfloat16_well(device) else torch.float32
    return {"float32": torch.float32, "bfloat16": torch.bfloat16}[asked]


def _does_bfloat16_well(device: torch.device) -> bool:
    """Native instructions only: emulated bfloat16 is slower than float32.

    Measured for the thin ResNet-18 (width 16, 3x32x32, batch 64) on one core with avx512_bf16, without amx: a training
    step takes 3.56 ms an image in float32, 2.55 channels last, 1.75 in bfloat16, 1.58 in both.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu":
        return False
    features = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(features.get("avx512_bf16") or features.get("amx_bf16"))
