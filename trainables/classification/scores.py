"""Scores of a classification network, measured alike in every trial: float32, evaluation mode, fixed random numbers."""

import dataclasses
import statistics
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor, nn

from trainables.classification.batches import LabelledImages
from trainables.classification.options import ClassificationOptions
from trainables.classification.vocabulary import LARGEST_SHARE, SCORED_ON, UNDER_CORRUPTION, UNDER_NOISE
from trainables.errors import TrainableError
from trainables.images import Normalisation
from trainables.models import evaluating
from trainables.perturbations.pgd import pgd_until_fooled
from trainables.perturbations.weight_noise import Perturber
from trainables.seeds import generator
from trainables.trial_noise import drawn_for, scored_noise

if TYPE_CHECKING:  # it counts by `correct`
    from trainables.classification.corruption_scorer import CorruptionScorer

_BATCH: Final = 256
_CLEAN: Final = "clean_accuracy"


@dataclasses.dataclass(frozen=True)
class Scorer:
    """Measures any of the trainer's metrics on one network.

    Attributes:
        normalisation: of the network's input.
        options: those of evaluation are read; where its noise is matched, those of noise in training.
        validation: clean validation images.
        perturbed: perturbed sets by step name; only those that the metrics need.
        corruption: measures the metrics under corruption; None where none is needed.
    """

    normalisation: Normalisation
    options: ClassificationOptions
    validation: LabelledImages
    perturbed: Mapping[str, LabelledImages]
    corruption: "CorruptionScorer | None" = None

    def score(self, net: nn.Module, metrics: tuple[str, ...], last: bool = True) -> dict[str, float]:
        """Exactly the metrics asked for; weights, batch-norm statistics, gradients and modes stay as they were.

        Args:
            net: to score.
            metrics: that the trainer reports.
            last: whether this is the trial's last epoch; before it, fewer corruptions may be measured.

        Raises:
            TrainableError: NONFINITE, where the network's class scores are no finite numbers.
        """
        under_corruption = [metric for metric in metrics if metric in UNDER_CORRUPTION]
        with evaluating(net):
            known = None
            found: dict[str, float] = {}
            if {_CLEAN, LARGEST_SHARE} & set(metrics):
                classes = predicted(net, self.validation, self.normalisation)
                known = classes == self.validation.labels
                found |= {_CLEAN: _share(known), LARGEST_SHARE: float(classes.bincount().max()) / len(classes)}
            if under_corruption and self.corruption is not None:
                found |= self.corruption.score(net, under_corruption, last, known)
            if set(metrics) & set(UNDER_NOISE):
                found |= self.under_weight_noise(net)
            return {metric: found[metric] if metric in found else _MEASURES[metric](self, net) for metric in metrics}

    def on(self, net: nn.Module, metric: str) -> float:
        """Accuracy on the perturbed set of a metric, against the true classes."""
        return accuracy(net, self.perturbed[f"set/{SCORED_ON[metric]}"], self.normalisation)

    def under_weight_noise(self, net: nn.Module) -> dict[str, float]:
        """Mean and deviation of the accuracy on the first validation images over draws that are the same for every
        trial.
        """
        images = self.validation.first(self.options.evaluation_noise_images)
        perturber = Perturber(net, scored_noise(self.options))
        found = []
        for draw in range(self.options.evaluation_noise_draws):
            with perturber.perturbed(drawn_for(net, draw)):
                found.append(accuracy(net, images, self.normalisation))
        deviation = statistics.stdev(found) if len(found) > 1 else 0.0
        return dict(zip(UNDER_NOISE, (sum(found) / len(found), deviation), strict=True))

    def under_attack(self, net: nn.Module) -> float:
        """Share of the first pgd_images validation images that stay correct under attack on this very network."""
        attacked = self.validation.first(self.options.pgd_images)
        return _share(attacked_correct(net, attacked, self.normalisation, self.options, generator("score", "pgd")))


_MEASURES: Final[Mapping[str, Callable[[Scorer, nn.Module], float]]] = {
    "perturbed_training_accuracy": lambda scorer, net: scorer.on(net, "perturbed_training_accuracy"),
    "perturbed_validation_accuracy": lambda scorer, net: scorer.on(net, "perturbed_validation_accuracy"),
    "pgd_accuracy": Scorer.under_attack,
}


def needed_sets(metrics: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the perturbed sets that the metrics are measured on."""
    return tuple(f"set/{name}" for metric, name in SCORED_ON.items() if metric in metrics)


def accuracy(net: nn.Module, images: LabelledImages, normalisation: Normalisation) -> float:
    """Share of images whose class gets the highest score; the network must be in evaluation mode."""
    return _share(correct(net, images, normalisation))


def correct(net: nn.Module, images: LabelledImages, normalisation: Normalisation) -> Tensor:
    """(N,) booleans on the images' device: which of them the network classifies as labelled, wherever it lies.

    Raises:
        TrainableError: NONFINITE, where a class score is no finite number.
    """
    return predicted(net, images, normalisation) == images.labels


def predicted(net: nn.Module, images: LabelledImages, normalisation: Normalisation) -> Tensor:
    """(N,) int64 on the images' device: the class of the highest score; the network must be in evaluation mode.

    Raises:
        TrainableError: NONFINITE, where a class score is no finite number.
    """
    found = []
    device = next(net.parameters()).device
    with torch.no_grad():
        for start in range(0, len(images), _BATCH):
            # One batch after the other: a split may be larger than the memory of a GPU.
            scores = _finite(net(normalisation.of(images.images[start : start + _BATCH].to(device))))
            found.append(scores.argmax(1).to(images.labels.device))
    return torch.cat(found)


def attacked_correct(
    net: nn.Module,
    images: LabelledImages,
    normalisation: Normalisation,
    options: ClassificationOptions,
    numbers: torch.Generator,
) -> Tensor:
    """(N,) booleans on the images' device: which stay correct under pgd_steps of attack on this very network.

    Args:
        net: in evaluation mode; not changed.
        images: attacked within pgd_epsilon of each.
        normalisation: of the network's input.
        options: those of the attack are read.
        numbers: of the random starts, drawn batch by batch in the order of the images.

    Raises:
        TrainableError: NONFINITE, where a class score is no finite number.
    """
    found = []
    device = next(net.parameters()).device
    for start in range(0, len(images), _BATCH):
        part = images.images[start : start + _BATCH].to(device)
        pixels = part.to(torch.float32, memory_format=torch.channels_last) / 255
        _, held = pgd_until_fooled(
            lambda point: _finite(net(normalisation.of_floats(point))),
            pixels,
            images.labels[start : start + _BATCH].to(device),
            options.pgd_epsilon,
            options.pgd_steps,
            numbers,
        )
        found.append(held.to(images.labels.device))
    return torch.cat(found)


def _share(right: Tensor) -> float:
    return float(right.double().mean())


def _finite(scores: Tensor) -> Tensor:
    # The highest of scores that are no numbers is one of them: some images would count as classified correctly.
    if not scores.isfinite().all():
        raise TrainableError("NONFINITE", "class scores are not finite: training diverged; lower learning_rate")
    return scores
