"""Scores of a segmentation network, measured alike in every trial: float32, evaluation mode, fixed random numbers."""

import dataclasses
from typing import Final

import torch
from torch import Generator, Tensor, nn

from trainables.errors import TrainableError
from trainables.images import Normalisation
from trainables.models import evaluating
from trainables.perturbations.noise_draws import WeightNoise
from trainables.perturbations.noise_targets import Targets
from trainables.perturbations.weight_noise import Perturber
from trainables.seeds import generator
from trainables.segmentation.batches import MaskedImages
from trainables.segmentation.confusion import confusion, largest_predicted_share, mean_iou, pixel_accuracy
from trainables.segmentation.options import MATCHED, SegmentationOptions
from trainables.segmentation.vocabulary import UNDER_NOISE

_PIXELS: Final = 2**18  # of a batch: 64 images of 64x64, one of 512x512


@dataclasses.dataclass(frozen=True)
class Scorer:
    """Measures any of the trainer's metrics on one network.

    Attributes:
        normalisation: of the network's input.
        options: those of evaluation are read; where its noise is matched, those of noise in training.
        validation: clean validation images.
        classes: of the data.
    """

    normalisation: Normalisation
    options: SegmentationOptions
    validation: MaskedImages
    classes: int

    def score(self, net: nn.Module, metrics: tuple[str, ...]) -> dict[str, float]:
        """Exactly the metrics asked for; weights, batch-norm statistics, gradients and modes stay as they were.

        Raises:
            TrainableError: NONFINITE, where the network's class scores are no finite numbers.
        """
        found: dict[str, float] = {}
        with evaluating(net):
            if set(metrics) - set(UNDER_NOISE):
                found |= clean_scores(self.counts(net, self.validation))
            if set(metrics) & set(UNDER_NOISE):
                found |= self._under_noise(net)
        return {metric: found[metric] for metric in metrics}

    def counts(self, net: nn.Module, images: MaskedImages) -> Tensor:
        """(classes, classes) int64 confusion matrix on the CPU; the network must be in evaluation mode."""
        return confused(net, images, self.normalisation, self.classes)

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


def training_noise(options: SegmentationOptions) -> WeightNoise:
    """The noise that a trial trains under."""
    return WeightNoise(
        options.noise_scale, options.noise_clip, options.noise_maximum, Targets(tuple(options.noise_targets))
    )


def scored_noise(options: SegmentationOptions) -> WeightNoise:
    """The noise that a trial is scored under: its own, where that is matched, otherwise the same in all trials."""
    if options.evaluation_noise == MATCHED:
        return training_noise(options)
    return WeightNoise(
        options.evaluation_noise_scale,
        options.evaluation_noise_clip,
        options.evaluation_noise_maximum,
        Targets(tuple(options.evaluation_noise_targets)),
    )


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


def drawn_for(net: nn.Module, draw: int) -> Generator:
    """The random numbers of one draw of noise under which scores are measured, on the network's device."""
    return generator("score", "weight noise", draw, device=str(next(net.parameters()).device))


@torch.no_grad()
def confused(net: nn.Module, images: MaskedImages, normalisation: Normalisation, classes: int) -> Tensor:
    """(classes, classes) int64 confusion matrix, rows the truth, on the CPU; the network must be in evaluation mode.

    Raises:
        TrainableError: NONFINITE.
    """
    total = torch.zeros(classes, classes, dtype=torch.int64)
    together = max(1, _PIXELS // images.masks[0].numel())
    for start in range(0, len(images), together):
        said = predicted(net, images.images[start : start + together], normalisation)
        masks = images.masks[start : start + together].to(said.device)
        total += confusion(said, masks, classes).cpu()
    return total


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
