"""One trial's network on validation, test and hold-out images, with clean weights and under noise of several scales."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq
import torch
from torch import Tensor, nn

from trainables.data.facts import facts_of
from trainables.data.masked_images import MaskedSet, read_masked
from trainables.given_files import check_unchanged
from trainables.images import Normalisation
from trainables.perturbations.noise_draws import WeightNoise
from trainables.precision import repeatable
from trainables.preparation import Inputs
from trainables.segmentation import evaluation_rows
from trainables.segmentation.batches import MaskedImages
from trainables.segmentation.confusion import mean_iou, pixel_accuracy
from trainables.segmentation.corruption_evaluation import under_corruption
from trainables.segmentation.evaluation_step import CLASS_IOU, EXAMPLES, NOISE_CURVE, SPLITS
from trainables.segmentation.examples import examples
from trainables.segmentation.options import MATCHED, SegmentationOptions, read
from trainables.segmentation.scoring import confused, noisy_counts
from trainables.segmentation.trained import trained
from trainables.trial_noise import scored_noise
from trainables.unet3plus import UNet3Plus

_DIGITS: Final = 6


def build_segmentation_evaluation(arguments: Mapping[str, Any], inputs: Inputs, directory: Path) -> dict[str, Any]:
    """Writes the IoU of every class, the curve over inference noise and a few images; the scores are its summary.

    Splits that the data lack are left out. Under `corruption` stands what `under_corruption` tells, where the plan has
    corrupted test images.

    Raises:
        TrainableError: CKPT_MISSING; CKPT_CORRUPT, where the checkpoint changed or is of another network; NONFINITE.
    """
    data = inputs.folder("data")
    facts = facts_of(data)
    options, names = read(arguments["options"]), facts["classes"]
    normalisation = Normalisation.read(facts["mean"], facts["std"])
    net = _network(arguments, inputs)
    measure = _Measure(net, options, normalisation, len(names))
    splits = {score: data / f"{split}.arrow" for score, split in SPLITS.items()}
    images = {score: read_masked(path) for score, path in splits.items() if path.is_file()}
    with repeatable():
        found = {score: measure.on(split, arguments["scales"]) for score, split in images.items()}
        shown = examples(net, images.get("test"), measure.noise, normalisation, len(names))
        told = _under_corruption(measure, images, arguments, inputs)
    pq.write_table(evaluation_rows.class_iou_rows(found, names), directory / CLASS_IOU)
    pq.write_table(evaluation_rows.curve_rows(found, arguments["scales"]), directory / NOISE_CURVE)
    pq.write_table(shown, directory / EXAMPLES)
    return {
        "scores": _scores(found),
        "images": {score: len(split) for score, split in images.items()},
        "noise": _told(measure.noise, options, arguments["scales"]),
        "classes": names,
        **told,
    }


@dataclasses.dataclass(frozen=True)
class _Measure:
    """Counts the pixels of a split with and without noise."""

    net: nn.Module
    options: SegmentationOptions
    normalisation: Normalisation
    classes: int

    @property
    def noise(self) -> WeightNoise:
        """That the trial is scored under."""
        return scored_noise(self.options)

    def on(self, split: MaskedSet, scales: Sequence[float]) -> evaluation_rows.Counts:
        """Of all images of a split, at the scales and at the scored one; a scale of 0 has one draw."""
        images = MaskedImages(split.images, split.masks)
        clean = confused(self.net, images, self.normalisation, self.classes)
        noisy = {scale: self._noisy(images, scale) if scale else clean[None] for scale in {*scales, self.noise.scale}}
        return evaluation_rows.Counts(clean, noisy, self.noise.scale)

    def _noisy(self, images: MaskedImages, scale: float) -> Tensor:
        noise = dataclasses.replace(self.noise, scale=scale)
        draws = self.options.evaluation_noise_draws
        return noisy_counts(self.net, noise, draws, images, self.normalisation, self.classes)


def _under_corruption(
    measure: _Measure, images: Mapping[str, MaskedSet], arguments: Mapping[str, Any], inputs: Inputs
) -> dict[str, Any]:
    corrupted = arguments.get("corrupted")
    if not corrupted:
        return {}
    test = MaskedImages(images["test"].images, images["test"].masks)
    found = under_corruption(measure.net, test, corrupted, inputs, measure.normalisation, measure.classes)
    return {"corruption": found}


def _network(arguments: Mapping[str, Any], inputs: Inputs) -> UNet3Plus:
    path = Path(inputs.places["checkpoint"])
    check_unchanged(path, arguments["sha256"])
    return trained(arguments["options"], inputs.folder("data"), path)


def _scores(found: Mapping[str, evaluation_rows.Counts]) -> dict[str, dict[str, float]]:
    """By score and split, as the trainer measures them on validation images."""
    noisy = {
        name: torch.tensor([mean_iou(each) for each in counts.scored], dtype=torch.float64)
        for name, counts in found.items()
    }
    scores = {
        "miou": {name: mean_iou(counts.clean) for name, counts in found.items()},
        "noisy_miou": {name: float(values.mean()) for name, values in noisy.items()},
        "noisy_miou_deviation": {
            name: float(values.std()) if len(values) > 1 else 0.0 for name, values in noisy.items()
        },
        "pixel_accuracy": {name: pixel_accuracy(counts.clean) for name, counts in found.items()},
    }
    return {score: {name: round(value, _DIGITS) for name, value in by.items()} for score, by in scores.items()}


def _told(noise: WeightNoise, options: SegmentationOptions, scales: Sequence[float]) -> dict[str, Any]:
    return {
        **dataclasses.asdict(noise),
        "matched": options.evaluation_noise == MATCHED,
        "training_scale": options.noise_scale,
        "draws": options.evaluation_noise_draws,
        "search_images": options.evaluation_noise_images,
        "scales": list(scales),
    }
