"""A few images with their masks and what a network says of them, with clean weights and under noise."""

from typing import Any, Final

import pyarrow as pa
import torch
from torch import Tensor, nn

from trainables.data.masked_images import IGNORED, MaskedSet
from trainables.images import Normalisation
from trainables.perturbations.noise_draws import WeightNoise
from trainables.perturbations.weight_noise import Perturber
from trainables.segmentation.confusion import confusion, mean_iou
from trainables.segmentation.evaluation_rows import known
from trainables.segmentation.scoring import predicted
from trainables.trial_noise import drawn_for

COUNT: Final = 8
SCHEMA: Final = pa.schema(
    {
        "row": pa.int64(),
        "height": pa.int64(),
        "width": pa.int64(),
        "image": pa.binary(),
        "truth": pa.binary(),
        "prediction": pa.binary(),
        "noisy": pa.binary(),
        "miou": pa.float64(),
        "noisy_miou": pa.float64(),
    }
)


def examples(
    net: nn.Module, images: MaskedSet | None, noise: WeightNoise, normalisation: Normalisation, classes: int
) -> pa.Table:
    """A row for each of the first images with the most classes, at most `COUNT`; none where there are no images.

    Pixels lie row by row: three bytes of colour in `image`, one byte of class in `truth` (255 where none is told),
    `prediction` and `noisy`, which is under the first draw of the noise.

    Args:
        net: in evaluation mode; it comes back bit for bit.
        images: of one split.
        noise: that scores are measured under.
        normalisation: of the network's input.
        classes: of the data.

    Raises:
        TrainableError: NONFINITE.
    """
    if images is None:
        return SCHEMA.empty_table()
    rows = richest(images.masks)
    pixels, masks = images.images[rows], images.masks[rows]
    clean = _said(net, pixels, normalisation)
    with Perturber(net, noise).perturbed(drawn_for(net, 0)):
        noisy = _said(net, pixels, normalisation)
    told = [
        {
            "row": row,
            "height": masks.shape[1],
            "width": masks.shape[2],
            "image": _bytes(pixels[place].permute(1, 2, 0)),
            "truth": _bytes(masks[place]),
            **_prediction("prediction", "miou", clean[place], masks[place], classes),
            **_prediction("noisy", "noisy_miou", noisy[place], masks[place], classes),
        }
        for place, row in enumerate(rows.tolist())
    ]
    return pa.Table.from_pylist(told, schema=SCHEMA)


def richest(masks: Tensor, count: int = COUNT) -> Tensor:
    """(n,) int64 rows of at most `count` masks with the most classes, the first ones among equals, in that order."""
    classes = torch.tensor([len(set(mask.unique().tolist()) - {IGNORED}) for mask in masks])
    return classes.argsort(descending=True, stable=True)[:count]


def _prediction(name: str, score: str, said: Tensor, mask: Tensor, classes: int) -> dict[str, Any]:
    return {name: _bytes(said), score: known(mean_iou(confusion(said, mask, classes)))}


def _said(net: nn.Module, pixels: Tensor, normalisation: Normalisation) -> Tensor:
    # One at a time: eight large images would not fit a small GPU.
    return torch.cat([predicted(net, each, normalisation).to("cpu", torch.uint8) for each in torch.split(pixels, 1)])


def _bytes(values: Tensor) -> bytes:
    return values.contiguous().numpy().tobytes()
