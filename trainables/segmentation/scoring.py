"""Scores of a segmentation network, measured alike in every trial: float32, evaluation mode, fixed random numbers."""

import dataclasses
from collections.abc import Iterator
from typing import Final

import torch
from torch import Tensor, nn

from trainables.corrupted_sets import CorruptedSets
from trainables.corruption_cells import way
from trainables.errors import TrainableError
from trainables.images import Normalisation
from trainables.models import evaluating
from trainables.perturbations.noise_draws import WeightNoise
from trainables.perturbations.weight_noise import Perturber
from trainables.segmentation.batches import MaskedImages
from trainables.segmentation.confusion import confusion, largest_predicted_share, mean_iou, pixel_accuracy
from trainables.segmentation.options import SegmentationOptions
from trainables.segmentation.vocabulary import CORRUPTED_MIOU, UNDER_NOISE
from trainables.trial_noise import drawn_for, scored_noise

_PIXELS: Final = 2**18  # of a batch: 64 images of 64x64, one of 512x512


@dataclasses.dataclass(frozen=True)
class Scorer:
    """Measures any of the trainer's metrics on one network.

    Attributes:
        normalisation: of the network's input.
        options: those of evaluation are read; where its noise is matched, those of noise in training.
        validation: clean validation images.
        classes: of the data.
        corrupted: the first of the validation images under corruptions; None where no metric needs them.
    """

    normalisation: Normalisation
    options: SegmentationOptions
    validation: MaskedImages
    classes: int
    corrupted: CorruptedSets | None = None

    def score(self, net: nn.Module, metrics: tuple[str, ...], last: bool = True) -> dict[str, float]:
        """Exactly the metrics asked for; weights, batch-norm statistics, gradients and modes stay as they were.

        Args:
            net: to score.
            metrics: that the trainer reports.
            last: whether this is the trial's last epoch; before it, fewer corruptions may be measured.

        Raises:
            TrainableError: NONFINITE, where the network's class scores are no finite numbers.
        """
        found: dict[str, float] = {}
        with evaluating(net):
            if set(metrics) - {*UNDER_NOISE, CORRUPTED_MIOU}:
                found |= clean_scores(self.counts(net, self.validation))
            if set(metrics) & set(UNDER_NOISE):
                found |= self._under_noise(net)
            if CORRUPTED_MIOU in metrics and self.corrupted is not None:
                found[CORRUPTED_MIOU] = self._under_corruption(net, self.corrupted, last)
        return {metric: found[metric] for metric in metrics}

    def counts(self, net: nn.Module, images: MaskedImages) -> Tensor:
        """(classes, classes) int64 confusion matrix on the CPU; the network must be in evaluation mode."""
        return confused(net, images, self.normalisation, self.classes)

    def _under_corruption(self, net: nn.Module, corrupted: CorruptedSets, last: bool) -> float:
        """Mean over the cells, each of which has its own confusion matrix and so counts alike."""
        chosen = way(self.options, last)
        masks = self.validation.first(len(corrupted)).masks
        found = [
            mean_iou(self.counts(net, MaskedImages(corrupted.cell(name, severity).images, masks)))
            for name in chosen.corruptions
            for severity in chosen.severities
        ]
        return sum(found) / len(found)

    def _under_noise(self, net: nn.Module) -> dict[str, float]:
        values = noisy_mious(
            net,
            scored_noise(self.options),
            self.options.evaluation_noise_draws,
            self.validation.first(self.options.evaluation_noise_images),
            self.normalisation,
            self.classes,
        )
        deviation = values.std() if len(values) > 1 else torch.zeros(())
        return {"noisy_miou": float(values.mean()), "noisy_miou_deviation": float(deviation)}


def clean_scores(counts: Tensor) -> dict[str, float]:
    """The metrics that a confusion matrix of clean weights tells, by name."""
    return {
        "miou": mean_iou(counts),
        "pixel_accuracy": pixel_accuracy(counts),
        "largest_class_share": largest_predicted_share(counts),
    }


def noisy_mious(
    net: nn.Module,
    noise: WeightNoise,
    draws: int,
    images: MaskedImages,
    normalisation: Normalisation,
    classes: int,
) -> Tensor:
    """(draws,) float64: mean intersection over union under each draw of weight noise; see `noisy_counts`.

    Raises:
        TrainableError: NONFINITE.
    """
    counts = noisy_counts(net, noise, draws, images, normalisation, classes)
    return torch.tensor([mean_iou(each) for each in counts], dtype=torch.float64)


def noisy_counts(
    net: nn.Module,
    noise: WeightNoise,
    draws: int,
    images: MaskedImages,
    normalisation: Normalisation,
    classes: int,
) -> Tensor:
    """(draws, classes, classes) int64 confusion matrices on the CPU, one under each draw of weight noise.

    Draw k has the same random numbers for every network of one architecture, and at every scale. The network must be in
    evaluation mode; it comes back bit for bit.

    Raises:
        TrainableError: NONFINITE.
    """
    perturber = Perturber(net, noise)
    found = []
    for draw in range(draws):
        with perturber.perturbed(drawn_for(net, draw)):
            found.append(confused(net, images, normalisation, classes))
    return torch.stack(found)


def confused(net: nn.Module, images: MaskedImages, normalisation: Normalisation, classes: int) -> Tensor:
    """(classes, classes) int64 confusion matrix, rows the truth, on the CPU; the network must be in evaluation mode.

    Raises:
        TrainableError: NONFINITE.
    """
    total = torch.zeros(classes, classes, dtype=torch.int64)
    for said, masks in _batches(net, images, normalisation):
        total += confusion(said, masks, classes).cpu()
    return total


def image_counts(net: nn.Module, images: MaskedImages, normalisation: Normalisation, classes: int) -> Tensor:
    """(N, classes, classes) int64 confusion matrices of each image; their sum is `confused`, whose laws are these.

    Raises:
        TrainableError: NONFINITE.
    """
    return torch.stack(
        [
            confusion(one, mask, classes).cpu()
            for said, masks in _batches(net, images, normalisation)
            for one, mask in zip(said, masks, strict=True)
        ]
    )


def _batches(net: nn.Module, images: MaskedImages, normalisation: Normalisation) -> Iterator[tuple[Tensor, Tensor]]:
    """Predicted classes and masks, batch by batch, on the network's device."""
    together = max(1, _PIXELS // images.masks[0].numel())
    for start in range(0, len(images), together):
        said = predicted(net, images.images[start : start + together], normalisation)
        yield said, images.masks[start : start + together].to(said.device)


@torch.no_grad()
def predicted(net: nn.Module, images: Tensor, normalisation: Normalisation) -> Tensor:
    """(N, H, W) int64 classes of a batch of uint8 images, on the network's device; it must be in evaluation mode.

    Raises:
        TrainableError: NONFINITE.
    """
    scores: Tensor = net(normalisation.of(images.to(next(net.parameters()).device)))
    # The highest of scores that are no numbers is one of them: some pixels would count as right.
    if not scores.isfinite().all():
        raise TrainableError("NONFINITE", "class scores are not finite: training diverged; lower learning_rate")
    return scores.argmax(1)
