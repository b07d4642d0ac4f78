"""What a segmentation network scores of each image that no search saw: linearised shares of pixels."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from torch import Tensor, nn

from trainables import outcomes
from trainables.corrupted_sets import CorruptedSets
from trainables.corruption_steps import TEST, corrupted_name
from trainables.data.facts import facts_of
from trainables.data.masked_images import MaskedSet, read_masked
from trainables.given_files import check_unchanged
from trainables.images import Normalisation
from trainables.models import evaluating
from trainables.outcomes import Array, Measured, ratio_values
from trainables.perturbations.weight_noise import Perturber
from trainables.precision import repeatable
from trainables.preparation import Inputs
from trainables.seeds import generator
from trainables.segmentation.batches import MaskedImages
from trainables.segmentation.options import SegmentationOptions, read
from trainables.segmentation.scoring import image_counts
from trainables.segmentation.trained import trained
from trainables.segmentation.vocabulary import CORRUPTED_MIOU, METRICS, UNDER_NOISE
from trainables.trial_noise import scored_noise

_HOLD_OUT: Final = "hold_out_"


def build_outcomes(arguments: Mapping[str, Any], inputs: Inputs, directory: Path) -> dict[str, Any]:
    """Writes `outcomes.parquet`: of every metric on test images, and of mIoU on hold-out ones, what each source scored.

    Raises:
        TrainableError: CKPT_MISSING; CKPT_CORRUPT, where the checkpoint changed or is of another network; NONFINITE.
    """
    data, path = inputs.folder("data"), Path(inputs.places["checkpoint"])
    check_unchanged(path, arguments["sha256"])
    facts = facts_of(data)
    net = trained(arguments["options"], data, path)
    measure = _Measure(
        net,
        read(arguments["options"]),
        Normalisation.read(facts["mean"], facts["std"]),
        len(facts["classes"]),
        arguments["seed"],
    )
    found: dict[str, Measured] = {}
    with evaluating(net), repeatable():
        test = read_masked(data / "test.arrow")
        asked = dict.fromkeys(("miou", "noisy_miou", *arguments["metrics"]))
        found |= _named(measure.on(test), [metric for metric in METRICS if metric in asked], "", test)
        if (data / "holdout.arrow").is_file():
            hold_out = read_masked(data / "holdout.arrow")
            found |= _named(measure.on(hold_out), ("miou", "noisy_miou"), _HOLD_OUT, hold_out)
        if "corrupted" in arguments:
            found |= measure.under_corruption(test, arguments["corrupted"], inputs)
    return outcomes.write(found, directory)


def clean_values(counts: Tensor) -> dict[str, Array]:
    """(N,) values of the scores that confusion matrices tell, by metric; their means are those of the summed matrix.

    Args:
        counts: (N, C, C) int64, a matrix of each image, rows true and columns predicted.
    """
    exact = counts.double().cpu().numpy()
    both = np.diagonal(exact, axis1=1, axis2=2).T
    said, told = exact.sum(1), exact.sum((1, 2))
    most = said.sum(0).argmax()
    return {
        "miou": iou_values(counts),
        "pixel_accuracy": ratio_values(both.sum(0)[None], told[None]),
        "largest_class_share": ratio_values(said[None, :, most], told[None]),
    }


def iou_values(counts: Tensor) -> Array:
    """(N,) values of the mean intersection over union, whose mean is that of the summed confusion matrix.

    Args:
        counts: (N, C, C) int64, a matrix of each image.
    """
    exact = counts.double().cpu().numpy()
    both = np.diagonal(exact, axis1=1, axis2=2).T
    union = exact.sum(1).T + exact.sum(2).T - both
    there = union.sum(1) > 0
    return ratio_values(both[there], union[there])


@dataclasses.dataclass(frozen=True)
class _Measure:
    """Scores one network in evaluation mode; the noise is the same for all networks of a seed and an architecture."""

    net: nn.Module
    options: SegmentationOptions
    normalisation: Normalisation
    classes: int
    seed: int

    def on(self, split: MaskedSet) -> dict[str, Array]:
        """Values of every metric without corruption on the images of a split."""
        images = MaskedImages(split.images, split.masks)
        draws = self._noisy(images)
        noisy = {UNDER_NOISE[0]: draws.mean(0), UNDER_NOISE[1]: outcomes.deviation_values(draws)}
        return {**clean_values(self._counts(images)), **noisy}

    def under_corruption(self, test: MaskedSet, corrupted: Mapping[str, Any], inputs: Inputs) -> dict[str, Measured]:
        """Mean IoU under the corruptions that the search did not score trials under, and under all."""
        names: Sequence[str] = corrupted["corruptions"]
        sets = CorruptedSets({name: inputs.folder(corrupted_name(TEST, name)) for name in names})
        masks, sources = test.masks[: len(sets)], test.lineage[: len(sets)]
        by = {}
        for name in names:
            cells = [sets.cell(name, severity).images for severity in corrupted["severities"]]
            by[name] = np.stack([iou_values(self._counts(MaskedImages(images, masks))) for images in cells]).mean(0)
        unseen = [name for name in names if name not in corrupted["seen"]] or names
        means = {CORRUPTED_MIOU: unseen, f"{CORRUPTED_MIOU}_all": names}
        return {
            metric: Measured(np.stack([by[name] for name in chosen]).mean(0), sources)
            for metric, chosen in means.items()
        }

    def _noisy(self, images: MaskedImages) -> Array:
        """(draws, N) values of mIoU: the draws are others than those of the search."""
        perturber = Perturber(self.net, scored_noise(self.options))
        device = str(next(self.net.parameters()).device)
        found = []
        for draw in range(self.options.evaluation_noise_draws):
            with perturber.perturbed(generator(self.seed, "weight noise", draw, device=device)):
                found.append(iou_values(self._counts(images)))
        return np.stack(found)

    def _counts(self, images: MaskedImages) -> Tensor:
        return image_counts(self.net, images, self.normalisation, self.classes)


def _named(values: Mapping[str, Array], metrics: Sequence[str], prefix: str, split: MaskedSet) -> dict[str, Measured]:
    return {f"{prefix}{name}": Measured(values[name], split.lineage) for name in metrics if name in values}
