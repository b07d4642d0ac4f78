"""A segmentation network as a checkpoint left it, ready to be asked."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from trainables.data.facts import facts_of
from trainables.errors import TrainableError
from trainables.precision import device_of
from trainables.segmentation.options import ARCHITECTURE, read
from trainables.segmentation.starts import architecture, load_net
from trainables.unet3plus import UNet3Plus, build


def trained(options: Mapping[str, Any], data: Path, checkpoint: Path) -> UNet3Plus:
    """The network of a trial's options and data with the weights of a checkpoint, in evaluation mode on its device.

    Args:
        options: of the trial, drawn and held; those of the architecture are read.
        data: folder of the prepared data set.
        checkpoint: as a trainer wrote it.

    Raises:
        TrainableError: CKPT_MISSING; CKPT_CORRUPT, where it is of another network.
    """
    held = read({name: options[name] for name in ARCHITECTURE if name in options})
    net = build(architecture(held), len(facts_of(data)["classes"]), seed=0)
    if fresh := load_net(net, checkpoint):
        told = f"{min(fresh)} is missing or not that of the trial's options and data"
        raise TrainableError("CKPT_CORRUPT", f"{checkpoint}: {told}")
    return net.to(device_of("auto")).to(memory_format=torch.channels_last).eval()
