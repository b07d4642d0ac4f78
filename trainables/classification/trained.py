"""A classification network as a checkpoint left it, ready to be asked."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from trainables.classification.facts import architecture_of
from trainables.classification.starts import load_weights
from trainables.data.facts import facts_of
from trainables.errors import TrainableError
from trainables.models import build
from trainables.precision import device_of


def trained(options: Mapping[str, Any], data: Path, checkpoint: Path) -> nn.Module:
    """The network of a trial's options and data with the weights of a checkpoint, in evaluation mode on its device.

    Args:
        options: of the trial, drawn and held; those of the architecture are read.
        data: folder of the prepared data set.
        checkpoint: as a trainer or a prepared step wrote it.

    Raises:
        TrainableError: CKPT_MISSING; CKPT_CORRUPT, where it is of another network.
    """
    facts = facts_of(data)
    net = build(architecture_of(options), len(facts["classes"]), tuple(facts["image_shape"]), seed=0)
    if load_weights(net, checkpoint):
        raise TrainableError(
            "CKPT_CORRUPT", f"{checkpoint}: its last layer is not that of the trial's options and data"
        )
    return net.to(device_of("auto")).to(memory_format=torch.channels_last).eval()
