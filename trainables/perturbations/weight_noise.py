"""Clamped Gaussian noise on the weights of a network, and their return bit for bit."""

import contextlib
import dataclasses
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Final, TypeAlias

import torch
from torch import Generator, Tensor, nn

from trainables.perturbations.noise_draws import Scratch, WeightNoise, maximum, pieces
from trainables.perturbations.noise_targets import BY_DEFAULT, Targets, memory, reached

__all__ = ["GRADIENTS", "Draw", "Perturber", "Source", "backward", "maximum", "noise", "noisy_weights", "perturbed"]

GRADIENTS: Final = ("recovered", "perturbed")


@dataclasses.dataclass(frozen=True, eq=False)
class Draw:
    """One draw of dW for every weight that noise reaches, to be used again, as in all steps of an epoch."""

    noise: tuple[Tensor, ...]


Source: TypeAlias = Generator | Draw


class Perturber:
    """Puts noisy weights into one net, step after step, in memory that it keeps: one copy of these weights.

    A draw that is held for many steps is one copy more, since the weights move on below it.

    The clean weights are never written to: inside, the parameters point to the noisy copy. So weights return bit for
    bit, and it does not matter whether they are frozen. Parameters that share memory share the noise too. Where a
    backward pass may still look into the copy, it finds the clean weights there.
    """

    def __init__(self, net: nn.Module, noise: WeightNoise) -> None:
        self._noise = noise
        self._targets = reached(net, noise.targets) if noise.scale > 0 else ()
        self._weights = [target.weight for target in self._targets]
        self._parameters = list(net.parameters())
        self._rooms: list[Tensor] = []
        self._scratch = Scratch()
        self._inside = False

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the weights that noise reaches."""
        return tuple(target.name for target in self._targets)

    @torch.no_grad()
    def draw(self, generator: Generator) -> Draw:
        """A draw for the weights as they are now, in memory of its own."""
        drawn = [torch.empty_like(weight) for weight in self._weights]
        for target, values in zip(self._targets, drawn, strict=True):
            for place, noise, _ in pieces(target, self._noise, generator, values, self._scratch):
                place.copy_(noise)
        return Draw(tuple(drawn))

    @contextlib.contextmanager
    def perturbed(self, source: Source) -> Iterator[None]:
        """Weights inside are W + dW; after it, also after an exception, every weight is its old self bit for bit.

        A forward pass inside and a backward pass outside gives "recovered" gradients: activations are noisy, and
        gradients flow through the clean weights (not under autocast, which keeps noisy copies for its backward pass).
        A backward pass inside gives "perturbed" ones. Batch-norm statistics learn inside as the modules' modes say:
        noisy training wants that, scoring is in evaluation mode.

        Args:
            source: a generator for a fresh draw, on any device (the noise is drawn there); or what `draw` drew.

        Raises:
            RuntimeError: it is entered inside itself.
        """
        if self._inside:
            raise RuntimeError("this Perturber has room for one noisy copy; make another one to nest them")
        clean: list[tuple[Tensor, Tensor]] = []
        self._inside = True
        try:
            self._fill(source)
            for parameter, view in list(self._views()):  # all of them before the first one moves
                clean.append((parameter, parameter.data))
                # `.data` keeps autograd's version counters still: backward may run after the clean weights are back.
                parameter.data = view
            # Autocast would go on with its casts of the clean weights, and afterwards with those of the noisy ones.
            torch.clear_autocast_cache()
            yield
        finally:
            for noisy, original in clean:
                noisy.data = original
            torch.clear_autocast_cache()
            for target, room in zip(self._targets, self._rooms, strict=True):
                if target.viewed:
                    room.copy_(target.weight.data)
            self._inside = False

    @torch.no_grad()
    def _fill(self, source: Source) -> None:
        fits = map(_same_layout, self._weights, self._rooms)
        if len(self._rooms) != len(self._weights) or not all(fits):
            self._rooms = [torch.empty_like(weight) for weight in self._weights]
        if isinstance(source, Draw):
            for weight, noise, room in zip(self._weights, source.noise, self._rooms, strict=True):
                torch.add(weight, noise, out=room)
            return
        for target, room in zip(self._targets, self._rooms, strict=True):
            for place, noise, clean in pieces(target, self._noise, source, room, self._scratch):
                torch.add(clean, noise, out=place)

    def _views(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Each parameter that lies in a weight's memory, and its part of the noisy copy."""
        sharing = defaultdict(list)
        for parameter in self._parameters:
            sharing[memory(parameter)].append(parameter)
        for weight, room in zip(self._weights, self._rooms, strict=True):
            for parameter in sharing[memory(weight)]:
                if parameter is weight:
                    yield parameter, room
                elif weight.data_ptr() <= parameter.data_ptr() < weight.data_ptr() + weight.nbytes:
                    offset = parameter.storage_offset() - weight.storage_offset()
                    yield parameter, room.as_strided(parameter.shape, parameter.stride(), offset)


def perturbed(
    net: nn.Module,
    scale: float,
    clip: float,
    generator: Generator,
    maximum: str = "per_kernel",
    targets: Targets = BY_DEFAULT,
) -> AbstractContextManager[None]:
    """`Perturber.perturbed` for one time alone; see `WeightNoise` for the arguments.

    Source: the weight-noise protocol of the project (three stages: clone, perturb, recover), whose recover step here
    gives back the clean weights themselves instead of an alias of their clone.
    """
    return Perturber(net, WeightNoise(scale, clip, maximum, targets)).perturbed(generator)


def backward(noise: AbstractContextManager[None], loss: Callable[[], Tensor], gradient: str) -> Tensor:
    """The loss under noise, detached; its gradients are added to those of the parameters.

    Args:
        noise: as `perturbed` returns it.
        loss: runs the forward pass.
        gradient: "recovered": the backward pass sees the clean weights; "perturbed": the noisy ones.
    """
    with noise:
        value = loss()
        if gradient == "perturbed":
            value.backward()  # type: ignore[no-untyped-call]
    if gradient == "recovered":
        value.backward()  # type: ignore[no-untyped-call]
    return value.detach()


def noisy_weights(net: nn.Module) -> list[nn.Parameter]:
    """The parameters that noise reaches by default, in the order of the net's modules."""
    return [target.weight for target in reached(net, BY_DEFAULT)]


def noise(weight: Tensor, scale: float, clip: float, generator: Generator) -> Tensor:
    """One clamped draw of dW for the weight of one layer, with the maximum per kernel."""
    # Drawn in index order, so that it does not depend on the weight's memory format.
    drawn = torch.empty(weight.shape, dtype=weight.dtype, device=generator.device).normal_(generator=generator)
    return drawn.clamp_(-clip, clip).to(weight.device) * (scale * maximum(weight))


def _same_layout(weight: Tensor, room: Tensor) -> bool:
    return (
        weight.shape == room.shape
        and weight.stride() == room.stride()
        and weight.dtype == room.dtype
        and weight.device == room.device
    )
