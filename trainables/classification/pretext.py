"""The pretext checkpoint: a network's body trained without labels on images that no split of the data set shows."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from trainables import optimizers
from trainables.augmentations import Augmentation
from trainables.checkpoints import WEIGHTS
from trainables.classification.batches import Batches, LabelledImages
from trainables.classification.facts import architecture_of
from trainables.classification.options import ClassificationOptions
from trainables.classification.scores import accuracy
from trainables.classification.starts import save_weights
from trainables.data.facts import normalisation
from trainables.data.pretexts import exemplar_views
from trainables.errors import TrainableError
from trainables.images import Normalisation
from trainables.models import build, head_names, own_randomness
from trainables.precision import device_of, repeatable, training_dtype
from trainables.preparation import Inputs
from trainables.seeds import derive

EPOCHS: Final = 5
HELD_BACK: Final = 8
"""Views of each exemplar that the checkpoint's own score is measured on."""
_RECIPE: Final[Mapping[str, Any]] = {"batch_size": 64, "learning_rate": 2e-3}


def build_pretext(arguments: Mapping[str, Any], inputs: Inputs, directory: Path) -> dict[str, Any]:
    """Writes the body's weights of a network that learnt to tell which exemplar an image is a view of.

    The head that answered is left out: it knows exemplars, not classes. A function of the arguments alone, the study's
    seed not among them, so all studies of an architecture share one checkpoint as they would share a published one.

    Raises:
        TrainableError: OPTION_INVALID, where the data set has no pretext task; NONFINITE.

    Source: Dosovitskiy et al. 2014, "Discriminative unsupervised feature learning with convolutional neural networks":
    every exemplar is a class of its own. From the thin ResNet-18's features (width 16) a linear layer then reads 86 %
    of the validation digits of `embedded-digits`; after as many seconds of predicting rotations (Gidaris et al. 2018)
    29 %, of telling pairs of views apart (Chen et al. 2020, in batches as small) 49 %.
    """
    options = dataclasses.replace(architecture_of(arguments), head="fresh")
    net, told = trained_body(options, exemplar_views(arguments["data"]), normalisation(inputs.folder("data")))
    save_weights(net, directory / WEIGHTS, options, without=head_names(net))
    return told


def trained_body(
    options: ClassificationOptions, views: Tensor, channels: Normalisation
) -> tuple[nn.Module, dict[str, Any]]:
    """A network that learnt the task, on the CPU in evaluation mode, and what there is to say of it; see above.

    Args:
        options: its architecture; batch size and learning rate are the task's own.
        views: (exemplars, views, C, H, W) uint8.
        channels: normalisation of the input.

    Raises:
        TrainableError: NONFINITE.
    """
    options = dataclasses.replace(options, **_RECIPE)
    exemplars, _, depth, height, width = views.shape
    net = build(options, exemplars, (depth, height, width), derive("pretext", "weights"))
    net.to(device_of("auto")).to(memory_format=torch.channels_last)
    _train(net, _labelled(views[:, :-HELD_BACK]), options, channels)
    net.cpu().eval()
    recognised = accuracy(net, _labelled(views[:, -HELD_BACK:]), channels)
    told = {"task": "which exemplar an image is a view of", "exemplars": exemplars, "epochs": EPOCHS}
    return net, {**told, "images": views[:, :-HELD_BACK].shape[:2].numel(), "recognised": round(recognised, 6)}


def _labelled(views: Tensor) -> LabelledImages:
    exemplars, count = views.shape[:2]
    return LabelledImages(views.flatten(0, 1), torch.arange(exemplars).repeat_interleave(count))


def _train(net: nn.Module, images: LabelledImages, options: ClassificationOptions, channels: Normalisation) -> None:
    device = next(net.parameters()).device
    dtype = training_dtype("auto", device)
    rows = torch.arange(len(images))
    batches = Batches(images.to(device), rows, (), 0.0, options.batch_size, 0, Augmentation(crop_flip=True), channels)
    optimizer = optimizers.optimizer(net, options)
    net.train()
    with repeatable(), own_randomness(derive("pretext", "layers"), device):
        for epoch in range(EPOCHS):
            for step, (inputs, labels) in enumerate(batches.epoch(derive("pretext"), epoch)):
                progress = (epoch + step / batches.steps) / EPOCHS
                optimizers.set_learning_rate(optimizer, optimizers.learning_rate(options, progress))
                optimizer.zero_grad()
                with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
                    scores = net(inputs)
                loss = nn.functional.cross_entropy(scores.float(), labels)
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
            if not loss.isfinite():
                raise TrainableError(
                    "NONFINITE", f"start: the pretext task diverged on {options.model}; start otherwise"
                )
