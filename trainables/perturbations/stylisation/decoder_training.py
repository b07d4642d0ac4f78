"""Training of AdaIN's decoder on content and style images; the encoder stays as it is."""

from collections.abc import Callable, Iterator

import torch
from torch import Generator, Tensor
from torch.nn.functional import mse_loss

from trainables.errors import TrainableError
from trainables.perturbations.stylisation.adain import Decoder, Encoder, adain, moments
from trainables.perturbations.stylisation.decoder_options import STRIDE, DecoderTraining

Told = Callable[[int, float, float], None]
"""Of the step, the content loss and the style loss."""


def train_decoder(
    encoder: Encoder,
    decoder: Decoder,
    contents: Tensor,
    styles: Tensor,
    options: DecoderTraining,
    generator: Generator,
    tell: Told | None = None,
) -> None:
    """Trains the decoder in place on random pairs; the encoder's weights, gradients and mode stay as they are.

    Args:
        encoder: of features.
        decoder: its mirror image, changed.
        contents: (N, 3, H, W) uint8, sides in multiples of 8.
        styles: (S, 3, h, w) uint8.
        options: of training.
        generator: on the CPU; draws the pairs.
        tell: called after each step.

    Raises:
        ValueError: images of another type or shape.
        TrainableError: NONFINITE, where a loss is no finite number.
    """
    _check(contents, styles)
    device = next(decoder.parameters()).device
    decoder.train().requires_grad_(True)
    optimizer = torch.optim.Adam(decoder.parameters(), lr=options.learning_rate)
    rates = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (1 + options.decay * step))
    pairs = zip(_batches(contents, options, generator), _batches(styles, options, generator), strict=True)
    for step, (content, style) in enumerate(pairs):
        content_loss, style_loss = losses(encoder, decoder, content.to(device), style.to(device))
        total = content_loss + options.style_weight * style_loss
        if not total.isfinite():
            raise TrainableError(
                "NONFINITE", f"the decoder's loss is {total.item()} at step {step}; lower learning_rate"
            )
        optimizer.zero_grad()
        parameters = list(decoder.parameters())
        # Gradients of the decoder alone: `backward` would leave some in an encoder that is not frozen.
        for parameter, gradient in zip(parameters, torch.autograd.grad(total, parameters), strict=True):
            parameter.grad = gradient
        optimizer.step()
        rates.step()
        if tell:
            tell(step, content_loss.item(), style_loss.item())


def losses(encoder: Encoder, decoder: Decoder, contents: Tensor, styles: Tensor) -> tuple[Tensor, Tensor]:
    """Content and style loss of one batch.

    The first is how far the decoded image's deepest features are from those that were decoded; the second, how far the
    means and deviations of all four stages are from the style's.

    Args:
        encoder: of features.
        decoder: its mirror image.
        contents: (n, 3, H, W) floats in [0, 1].
        styles: (n, 3, h, w) likewise.

    Source: Huang & Belongie 2017, equations 12 and 13, as mean squares.
    """
    with torch.no_grad():
        wanted = encoder(styles)
        target = adain(encoder(contents)[-1], wanted[-1])
    found = encoder(decoder(target))
    style_loss = torch.zeros((), device=contents.device)
    for own, other in zip(found, wanted, strict=True):
        for mine, theirs in zip(moments(own), moments(other), strict=True):
            style_loss = style_loss + mse_loss(mine, theirs)
    return mse_loss(found[-1], target), style_loss


def _batches(images: Tensor, options: DecoderTraining, generator: Generator) -> Iterator[Tensor]:
    for _ in range(options.steps):
        rows = torch.randint(len(images), (options.batch,), generator=generator)
        yield images[rows.to(images.device)].float() / 255


def _check(contents: Tensor, styles: Tensor) -> None:
    for name, value in (("contents", contents), ("styles", styles)):
        if value.dtype != torch.uint8 or value.ndim != 4 or value.shape[1] != 3 or not len(value):
            raise ValueError(f"train_decoder: want {name} (N, 3, H, W) uint8, got {tuple(value.shape)} {value.dtype}")
    if contents.shape[2] % STRIDE or contents.shape[3] % STRIDE:
        raise ValueError(f"train_decoder: contents of {tuple(contents.shape[2:])}: want sides in multiples of {STRIDE}")
