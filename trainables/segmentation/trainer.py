"""The segmentation trainer: one UNet3+, one trial."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from trainables import laws, optimizers, training_state
from trainables.corrupted_sets import CorruptedSets
from trainables.corruption_steps import VALIDATION, corrupted_name
from trainables.data.facts import facts_of
from trainables.data.masked_images import read_masked
from trainables.data.store import Store
from trainables.errors import TrainableError
from trainables.images import Normalisation
from trainables.models import own_randomness
from trainables.perturbations.weight_noise import Perturber, Source, backward
from trainables.precision import device_of, repeatable
from trainables.seeds import derive
from trainables.segmentation.batches import Batches, MaskedImages, Transform
from trainables.segmentation.measured import corruptions_of
from trainables.segmentation.objective import objective
from trainables.segmentation.options import SegmentationOptions, read
from trainables.segmentation.scoring import Scorer
from trainables.segmentation.starts import architecture, starting_weights
from trainables.segmentation.transforms import Moves, moved
from trainables.segmentation.vocabulary import METRICS
from trainables.trial_noise import epochs_noise, noisy_dtype, training_noise
from trainables.unet3plus import build, enter_training, freeze


class SegmentationTrainer:
    """A `trainables.trainer.Trainer` of networks that give every pixel a class.

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
        self._metrics = laws.known(metrics, METRICS, "segmentation")
        self._seed = seed
        self._epochs = epochs
        self._sets = {"data": _digest(sets, "data")}
        self._device = device_of(device)
        self._dtype = noisy_dtype(self._options, self._options.precision, self._device)
        data = store.open(self._sets["data"]).path
        facts = facts_of(data)
        classes = len(facts["classes"])
        self.net = build(architecture(self._options), classes, derive(seed, "weights"))
        starting_weights(self.net, self._options, lambda name: store.open(_digest(sets, name)).path)
        self.net.to(self._device).to(memory_format=torch.channels_last)
        freeze(self.net, self._options.unfrozen_layers)
        self._optimizer = optimizers.optimizer(self.net, self._options)
        self._perturber = Perturber(self.net, training_noise(self._options))
        normalisation = Normalisation.read(facts["mean"], facts["std"])
        self._batches = Batches(
            train=_images(data, "train", self._device),
            batch_size=self._options.batch_size,
            steps_per_epoch=self._options.steps_per_epoch,
            transform=_transform(self._options, facts),
            normalisation=normalisation,
        )
        validation = _images(data, "validation", self._device)
        corrupted = _corrupted(self._options, self._metrics, lambda name: store.open(_digest(sets, name)).path)
        self._scorer = Scorer(normalisation, self._options, validation, classes, corrupted)

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
                lambda inputs, masks: self._step(inputs, masks, noise),
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

    def _step(self, inputs: Tensor, masks: Tensor, noise: Source) -> Tensor:
        self._optimizer.zero_grad(set_to_none=True)
        loss = backward(
            self._perturber.perturbed(noise), lambda: self._loss(inputs, masks), self._options.noise_gradient
        )
        self._optimizer.step()
        return loss

    def _loss(self, inputs: Tensor, masks: Tensor) -> Tensor:
        with torch.autocast(self._device.type, self._dtype, enabled=self._dtype != torch.float32):
            said = self.net.outputs(inputs)
        return objective(said, masks, self._options.loss)

    def _identity(self) -> dict[str, Any]:
        return training_state.identity("segmentation", self._options, self._seed, self._epochs, self._sets)


def _digest(sets: Mapping[str, str], name: str) -> str:
    if name not in sets:
        raise TrainableError("SET_MISSING", f"the trial needs the set {name}, which preparation did not make")
    return sets[name]


def _images(data: Path, split: str, device: torch.device) -> MaskedImages:
    found = read_masked(data / f"{split}.arrow")
    return MaskedImages(found.images, found.masks).to(device)


def _corrupted(
    options: SegmentationOptions, metrics: Sequence[str], folder: Callable[[str], Path]
) -> CorruptedSets | None:
    names = corruptions_of(options, metrics)
    # They stay in the mapped files, wherever the network lies: 19 corruptions at five severities may be many.
    return CorruptedSets({name: folder(corrupted_name(VALIDATION, name)) for name in names}) if names else None


def _transform(options: SegmentationOptions, facts: Mapping[str, Any]) -> Transform:
    # A data set that does not say so is taken for one whose labels a mirror would change.
    flips = options.flip_probability if facts.get("flips_keep_labels", False) else 0.0
    moves = Moves((1 / options.random_scale, options.random_scale), options.crop_size, flips)
    return lambda images, masks, numbers: moved(images, masks, moves, numbers)
