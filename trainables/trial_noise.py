"""The weight noise of a trial, as its options say, in training and while scoring."""

import torch
from torch import nn

from trainables.noise_options import MATCHED, NoiseOptions, ScoredNoiseOptions
from trainables.perturbations.noise_draws import WeightNoise
from trainables.perturbations.noise_targets import Targets
from trainables.perturbations.weight_noise import Perturber, Source
from trainables.precision import training_dtype
from trainables.seeds import generator


def training_noise(options: NoiseOptions) -> WeightNoise:
    """The noise that a trial trains under."""
    targets = Targets(tuple(options.noise_targets), tuple(options.noise_names))
    return WeightNoise(options.noise_scale, options.noise_clip, options.noise_maximum, targets)


def scored_noise(options: ScoredNoiseOptions) -> WeightNoise:
    """The noise that a trial is scored under: its own, where that is matched, otherwise the same in all trials."""
    if options.evaluation_noise == MATCHED:
        return training_noise(options)
    targets = Targets(tuple(options.evaluation_noise_targets), tuple(options.evaluation_noise_names))
    return WeightNoise(
        options.evaluation_noise_scale, options.evaluation_noise_clip, options.evaluation_noise_maximum, targets
    )


def epochs_noise(perturber: Perturber, options: NoiseOptions, seed: int, epoch: int, device: torch.device) -> Source:
    """Where the noise of an epoch's steps comes from: a generator of its own, or one draw for all of them."""
    numbers = generator(seed, "weight noise", epoch, device=str(device))
    return perturber.draw(numbers) if options.noise_draw == "per_epoch" else numbers


def noisy_dtype(options: NoiseOptions, precision: str, device: torch.device) -> torch.dtype:
    """The type that steps compute in: float32 where gradients are recovered, otherwise as the precision says."""
    noisy = options.noise_scale > 0 and bool(options.noise_targets) and bool(options.noise_names)
    if noisy and options.noise_gradient == "recovered":
        return torch.float32  # autocast would keep noisy copies of the weights for the backward pass
    return training_dtype(precision, device)


def drawn_for(net: nn.Module, draw: int) -> torch.Generator:
    """The random numbers of one draw of noise under which scores are measured, on the network's device.

    They are the same for every network of one architecture, and at every scale.
    """
    return generator("score", "weight noise", draw, device=str(next(net.parameters()).device))
