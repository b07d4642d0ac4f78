"""What a classification network scores of each image that no search saw, and the baseline under corruptions."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from trainables import checkpoints, outcomes
from trainables.classification.baseline import baseline_net
from trainables.classification.batches import LabelledImages
from trainables.classification.corrupted_cells import LibraryImages, split_images
from trainables.classification.corruption_outcomes import Cells, corruption_values
from trainables.classification.facts import labelled
from trainables.classification.options import ClassificationOptions, read
from trainables.classification.outcomes_step import BASELINE_OUTCOMES
from trainables.classification.perturbed_sets import IMAGES
from trainables.classification.scores import attacked_correct, correct, predicted
from trainables.classification.set_steps import (
    HOLD_OUT,
    OUT_OF_DISTRIBUTION,
    PERTURBED_TRAINING,
    PERTURBED_VALIDATION,
)
from trainables.classification.trained import trained
from trainables.classification.vocabulary import DEVIATION, LARGEST_SHARE, UNDER_CORRUPTION, UNDER_NOISE
from trainables.data.facts import normalisation
from trainables.data.store import read_images
from trainables.given_files import check_unchanged
from trainables.images import Normalisation
from trainables.models import evaluating
from trainables.outcomes import Measured
from trainables.perturbations.weight_noise import Perturber
from trainables.precision import repeatable
from trainables.preparation import Inputs
from trainables.seeds import generator
from trainables.trial_noise import scored_noise

WRONG: Final = "wrong.safetensors"
_CLEAN: Final = {"original": "validation", "test": "test"}
_PERTURBED: Final = {
    "perturbed_training": PERTURBED_TRAINING,
    "perturbed_validation": PERTURBED_VALIDATION,
    "hold_out": HOLD_OUT,
    "out_of_distribution": OUT_OF_DISTRIBUTION,
}
_ON: Final = {
    "clean_accuracy": "test",
    "pgd_accuracy": "pgd",
    "perturbed_training_accuracy": "perturbed_training",
    "perturbed_validation_accuracy": "hold_out",
}
"""What tells a metric of the search on images that it never saw. Images to train with have no such counterpart."""


def build_outcomes(arguments: Mapping[str, Any], inputs: Inputs, directory: Path) -> dict[str, Any]:
    """Writes `outcomes.parquet`: of every set and every metric of the search, what each source scored.

    Raises:
        TrainableError: CKPT_MISSING; CKPT_CORRUPT, where the checkpoint changed or is of another network; NONFINITE.
    """
    data, path = inputs.folder("data"), Path(inputs.places["checkpoint"])
    check_unchanged(path, arguments["sha256"])
    options = read(arguments["options"])
    net = trained(arguments["options"], data, path)
    measure = _Measure(net, options, normalisation(data), inputs, arguments["seed"])
    with evaluating(net), repeatable():
        found = measure.sets()
        found |= measure.asked(arguments["metrics"], found)
        if "corrupted" in arguments:
            found |= measure.under_corruption(arguments["corrupted"], arguments["metrics"])
    return outcomes.write(found, directory)


def build_baseline_outcomes(arguments: Mapping[str, Any], inputs: Inputs, directory: Path) -> dict[str, Any]:
    """Writes which test images the baseline gets wrong, clean and in every cell of corruption and severity.

    Raises:
        TrainableError: NONFINITE, and what reading corrupted images raises.
    """
    net = baseline_net(inputs)
    with evaluating(net), repeatable():
        cells = _wrong(net, arguments, inputs)
    checkpoints.save(directory / WRONG, {"clean": cells.clean, "cells": cells.cells}, {})
    return {"error": round(float(cells.cells.double().mean()), 6), "clean_error": float(cells.clean.double().mean())}


@dataclasses.dataclass(frozen=True)
class _Measure:
    """Scores one network in evaluation mode; noise and attacks are the same for all networks of a seed."""

    net: nn.Module
    options: ClassificationOptions
    normalisation: Normalisation
    inputs: Inputs
    seed: int

    def sets(self) -> dict[str, Measured]:
        """Which images are classified correctly: clean ones, those of the four perturbed sets, and under attack."""
        found = {}
        for score, split in _CLEAN.items():
            images = read_images(self.inputs.folder("data") / f"{split}.arrow")
            found[score] = _measured(self._correct(images.images, images.labels), images.lineage)
        for score, name in _PERTURBED.items():
            images = read_images(self.inputs.folder(f"set/{name}") / IMAGES)
            found[score] = _measured(self._correct(images.images, images.labels), images.lineage)
        test, sources = self._test()
        numbers = generator(self.seed, "pgd")
        found["pgd"] = _measured(attacked_correct(self.net, test, self.normalisation, self.options, numbers), sources)
        return found

    def asked(self, metrics: Sequence[str], found: Mapping[str, Measured]) -> dict[str, Measured]:
        """The metrics of the search that are not under corruption, on test images."""
        told = {metric: found[_ON[metric]] for metric in metrics if metric in _ON}
        test, sources = self._test()
        if LARGEST_SHARE in metrics:
            classes = predicted(self.net, test, self.normalisation)
            told[LARGEST_SHARE] = _measured(classes == classes.bincount().argmax(), sources)
        if set(metrics) & set(UNDER_NOISE):
            draws = self._noisy(test)
            values = {UNDER_NOISE[0]: draws.mean(0), DEVIATION: outcomes.deviation_values(draws)}
            told |= {metric: Measured(values[metric], sources) for metric in metrics if metric in values}
        return told

    def under_corruption(self, corrupted: Mapping[str, Any], metrics: Sequence[str]) -> dict[str, Measured]:
        """Mean corruption errors over unseen corruptions and over all, and the search's own metrics under corruption.

        A mean is left out where the baseline makes no error that it could be relative to.
        """
        kept, _ = checkpoints.load(self.inputs.folder(BASELINE_OUTCOMES) / WRONG)
        baseline = Cells(tuple(corrupted["corruptions"]), kept["clean"], kept["cells"])
        own = _wrong(self.net, corrupted, self.inputs)
        asked = [metric for metric in metrics if metric in UNDER_CORRUPTION]
        told = corruption_values(own, baseline, asked, corrupted["seen"], corrupted["overlap"])
        sources = _cell_sources(corrupted, self.inputs)
        return {metric: Measured(values, sources) for metric, values in told.items()}

    def _noisy(self, test: LabelledImages) -> outcomes.Array:
        """(draws, N): the draws are others than those of the search, and the same for all nets of an architecture."""
        perturber = Perturber(self.net, scored_noise(self.options))
        device = str(next(self.net.parameters()).device)
        found = []
        for draw in range(self.options.evaluation_noise_draws):
            with perturber.perturbed(generator(self.seed, "weight noise", draw, device=device)):
                found.append(_plain(correct(self.net, test, self.normalisation)))
        return np.stack(found)

    def _test(self) -> tuple[LabelledImages, Sequence[str]]:
        images = read_images(self.inputs.folder("data") / "test.arrow")
        return LabelledImages(images.images, images.labels), images.lineage

    def _correct(self, images: Tensor, labels: Tensor) -> Tensor:
        return correct(self.net, LabelledImages(images, labels), self.normalisation)


def _wrong(net: nn.Module, corrupted: Mapping[str, Any], inputs: Inputs) -> Cells:
    """Which test images a network in evaluation mode gets wrong, clean and in each cell."""
    data = inputs.folder("data")
    norm, images_of = normalisation(data), split_images(corrupted, inputs)
    clean = labelled(data, "test")
    clean = clean if corrupted["from_library"] else clean.first(len(images_of))
    names: Sequence[str] = corrupted["corruptions"]
    rows = [_of_corruption(net, images_of, name, corrupted["severities"], norm) for name in names]
    return Cells(tuple(names), ~correct(net, clean, norm), torch.stack(rows))


def _of_corruption(
    net: nn.Module,
    images_of: Callable[[str, int], LabelledImages],
    name: str,
    severities: Sequence[int],
    norm: Normalisation,
) -> Tensor:
    return torch.stack([~correct(net, images_of(name, severity), norm) for severity in severities])


def _cell_sources(corrupted: Mapping[str, Any], inputs: Inputs) -> Sequence[str]:
    """What the images of a cell were made from, in their order."""
    images_of = split_images(corrupted, inputs)
    if isinstance(images_of, LibraryImages):
        return images_of.sources(corrupted["corruptions"][0], corrupted["severities"][0])
    return read_images(inputs.folder("data") / "test.arrow").lineage[: len(images_of)]


def _measured(right: Tensor, sources: Sequence[str]) -> Measured:
    return Measured(_plain(right), sources)


def _plain(right: Tensor) -> outcomes.Array:
    return right.double().cpu().numpy()
