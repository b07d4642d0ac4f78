"""The classification trainer: one network, one trial."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from trainables import laws, optimizers, training_state
from trainables.augmentations import Augmentation
from trainables.classification.batches import Batches, LabelledImages
from trainables.classification.corrupted_cells import LabelledSets
from trainables.classification.corruption_scorer import CorruptionScorer, read_baseline_errors
from trainables.classification.corruption_steps import VALIDATION_ERRORS
from trainables.classification.measured import corruptions_of
from trainables.classification.options import ClassificationOptions, read, training_sets
from trainables.classification.scores import Scorer, needed_sets
from trainables.classification.starts import starting_weights
from trainables.classification.training_images import training_rows
from trainables.classification.vocabulary import METRICS
from trainables.corruption_steps import VALIDATION, corrupted_name
from trainables.data.facts import facts_of
from trainables.data.store import Store, read_images
from trainables.errors import TrainableError
from trainables.images import Normalisation
from trainables.models import build, enter_training, freeze, own_randomness
from trainables.perturbations.augmix.consistency import jsd_loss
from trainables.perturbations.augmix.draws import AugMixOptions
from trainables.perturbations.weight_noise import Perturber, Source, backward
from trainables.precision import device_of, repeatable
from trainables.seeds import derive
from trainables.trial_noise import epochs_noise, noisy_dtype, training_noise


class ClassificationTrainer:
    """A `trainables.trainer.Trainer` of image classifiers.

    All randomness is drawn from generators derived from (seed, purpose, epoch), so a checkpoint needs no generator
    state and an epoch is the same after a restart, with as many threads, on the CPU or on a GPU of the same kind.
    """

    def __init__(
        self,
        options: Mapping[str, Any],
        sets: Mapping[str, str],
        store: Store,
        metrics: Sequence[str],
        seed: int,
        epochs: int,
        threads: int,
        device: str = "auto",
    ) -> None:
        torch.set_num_threads(threads)
        self.epoch = 0
        self._options = read(options)
        self._metrics = laws.known(metrics, METRICS, "classification")
        self._seed = seed
        self._epochs = epochs
        self._device = device_of(device)
        self._dtype = noisy_dtype(self._options, self._options.precision, self._device)
        prepared = _Sets(sets, store, self._device)
        facts = prepared.facts
        self.net = build(self._options, len(facts["classes"]), tuple(facts["image_shape"]), derive(seed, "weights"))
        starting_weights(self.net, self._options, prepared.folder)
        self.net.to(self._device).to(memory_format=torch.channels_last)
        freeze(self.net, self._options.unfrozen_layers)
        self._optimizer = optimizers.optimizer(self.net, self._options)
        self._perturber = Perturber(self.net, training_noise(self._options))
        normalisation = Normalisation.read(facts["mean"], facts["std"])
        self._batches = _batches(self._options, prepared, normalisation)
        self._training_sets = {name: sets[name] for name in ("data", *_extra_sets(self._options))}
        self._scorer = Scorer(
            normalisation,
            self._options,
            prepared.images("data", "validation.arrow"),
            {name: prepared.images(name) for name in needed_sets(self._metrics)},
            _corruption_scorer(self._options, prepared, normalisation, self._metrics),
        )

    def train_epoch(self) -> None:
        """Trains one epoch more.

        Raises:
            TrainableError: NONFINITE, naming epoch and step.
        """
        enter_training(self.net, self._options.unfrozen_layers)
        noise = epochs_noise(self._perturber, self._options, self._seed, self.epoch, self._device)
        with repeatable(), own_randomness(derive(self._seed, "layers", self.epoch), self._device):
            training_state.take_steps(
                self._batches.epoch(self._seed, self.epoch),
                self._batches.steps,
                lambda inputs, labels: self._step(inputs, labels, noise),
                self._optimizer,
                self._options,
                self.epoch,
                self._epochs,
            )
        self.epoch += 1

    def score(self, metrics: Sequence[str] | None = None) -> dict[str, float]:
        """Exactly these of the metrics that were asked for, by default all; changes nothing.

        Raises:
            TrainableError: METRIC_UNKNOWN; NONFINITE, where the network's class scores are no finite numbers.
        """
        with repeatable():
            return self._scorer.score(self.net, laws.among(metrics, self._metrics), last=self.epoch >= self._epochs)

    def save(self, path: Path) -> None:
        """Writes weights, batch-norm statistics and optimizer state; safetensors, with JSON metadata."""
        training_state.save(path, self.net, self._optimizer, self._identity(), self.epoch)

    def load(self, path: Path) -> None:
        """Takes up a state that `save` wrote for the same options and seed.

        Raises:
            TrainableError: CKPT_CORRUPT, where the file is torn or of another trial; CKPT_MISSING.
        """
        self.epoch = training_state.load(path, self.net, self._optimizer, self._identity())

    def _step(self, inputs: Tensor, labels: Tensor, noise: Source) -> Tensor:
        self._optimizer.zero_grad(set_to_none=True)
        noisy = self._perturber.perturbed(noise)
        loss = backward(noisy, lambda: self._loss(inputs, labels), self._options.noise_gradient)
        self._optimizer.step()
        return loss

    def _loss(self, inputs: Tensor, labels: Tensor) -> Tensor:
        with torch.autocast(self._device.type, self._dtype, enabled=self._dtype != torch.float32):
            scores = self.net(inputs)
        if self._batches.augmentation.views == 1:
            return nn.functional.cross_entropy(scores.float(), labels)
        clean, first, second = scores.chunk(3)
        return jsd_loss(clean, first, second, labels, self._options.consistency_weight)

    def _identity(self) -> dict[str, Any]:
        return training_state.identity("classification", self._options, self._seed, self._epochs, self._training_sets)


class _Sets:
    """A trial's prepared sets, opened by step name."""

    def __init__(self, digests: Mapping[str, str], store: Store, device: torch.device) -> None:
        self._digests, self._store, self._device = digests, store, device
        self.facts = facts_of(self.folder("data"))

    def folder(self, name: str) -> Path:
        """Where a set lies on this node."""
        if name not in self._digests:
            raise TrainableError("SET_MISSING", f"the trial needs the set {name}, which preparation did not make")
        return self._store.open(self._digests[name]).path

    def images(self, name: str, file: str = "images.arrow") -> LabelledImages:
        """One file of images of a set."""
        found = read_images(self.folder(name) / file)
        return LabelledImages(found.images, found.labels).to(self._device)


def _extra_sets(options: ClassificationOptions) -> list[str]:
    """In alphabetical order: options that name the same sets are the same pool, in whatever order they name them."""
    return sorted(f"set/{name}" for name in training_sets(options))


def _batches(options: ClassificationOptions, prepared: _Sets, normalisation: Normalisation) -> Batches:
    return Batches(
        clean=prepared.images("data", "train.arrow"),
        rows=training_rows(prepared.folder("data"), options.training_images),
        extra=[prepared.images(name) for name in _extra_sets(options)],
        extra_share=options.extra_share,
        batch_size=options.batch_size,
        steps_per_epoch=options.steps_per_epoch,
        # A data set that does not say so is taken for one whose labels a mirror would change.
        augmentation=_augmentation(options, bool(prepared.facts.get("flips_keep_labels", False))),
        normalisation=normalisation,
    )


def _augmentation(options: ClassificationOptions, flips_keep_labels: bool) -> Augmentation:
    mixed = AugMixOptions(
        options.augmix_severity, options.augmix_width, options.augmix_depth, options.augmix_overlapping
    )
    return Augmentation(
        crop_flip=options.transform != "none",
        flip_probability=options.flip_probability if flips_keep_labels else 0.0,
        augmix=mixed if options.transform == "augmix" else None,
        consistent=options.consistency_weight > 0,
    )


def _corruption_scorer(
    options: ClassificationOptions, prepared: _Sets, normalisation: Normalisation, metrics: Sequence[str]
) -> CorruptionScorer | None:
    names = corruptions_of(options, metrics)
    if not names:
        return None
    baseline, overlap = read_baseline_errors(prepared.folder(VALIDATION_ERRORS))
    # They stay in the mapped files, wherever the network lies: 19 corruptions at five severities may be many.
    corrupted = LabelledSets({name: prepared.folder(corrupted_name(VALIDATION, name)) for name in names})
    clean = prepared.images("data", "validation.arrow").first(len(corrupted))
    return CorruptionScorer(normalisation, options, clean, corrupted, baseline, overlap)
