"""From two folders of pictures to the file of a trained decoder."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import Tensor

from trainables.errors import TrainableError
from trainables.perturbations.stylisation.adain import (
    Decoder,
    Encoder,
    digest,
    fresh_decoder,
    save_decoder,
    vgg19_encoder,
)
from trainables.perturbations.stylisation.decoder_options import DecoderTraining
from trainables.perturbations.stylisation.decoder_training import Told, train_decoder
from trainables.perturbations.stylisation.pictures import picture_paths, read_pictures
from trainables.precision import device_of, repeatable
from trainables.seeds import derive, generator


@dataclass(frozen=True)
class Folders:
    """Where pictures lie: what is to be shown, and how."""

    content: Path
    styles: Path


def write_decoder(
    folders: Folders,
    out: Path,
    encoder_path: str,
    options: DecoderTraining,
    seed: int,
    begin: Callable[[int, int], None],
    tell: Told,
) -> None:
    """Trains a decoder and writes it, whole or not at all; equal pictures, options and seeds give equal weights.

    Args:
        folders: of pictures, of each of which the middle is taken.
        out: the file; it is replaced where it is there.
        encoder_path: torchvision's VGG-19 file; empty means torch's hub cache.
        options: of training.
        seed: of initial weights and of the pairs.
        begin: is told how many pictures and styles there are, once they are read.
        tell: is told of each step.

    Raises:
        TrainableError: WEIGHTS_MISSING, CKPT_CORRUPT; OPTION_INVALID, where pictures are missing or cannot be read, or
            training takes more memory than there is or diverges; RESULTS_UNWRITABLE.
    """
    encoder = vgg19_encoder(encoder_path)
    told = {"encoder": digest(encoder), "seed": seed, **asdict(options)}
    # Both are looked for before the first is read, which may take minutes.
    found = [
        picture_paths(folder, where) for folder, where in ((folders.content, "--content"), (folders.styles, "--styles"))
    ]
    content, content_digest = read_pictures(found[0], options.size, "--content")
    styles, styles_digest = read_pictures(found[1], options.size, "--styles")
    begin(len(content), len(styles))
    decoder = _trained(encoder, content, styles, options, seed, tell)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        save_decoder(out, decoder, {**told, "content": content_digest, "styles": styles_digest})
    except (OSError, SafetensorError) as error:
        raise TrainableError("RESULTS_UNWRITABLE", f"--out {out}: cannot be written ({error})") from error


def _trained(
    encoder: Encoder, content: Tensor, styles: Tensor, options: DecoderTraining, seed: int, tell: Told
) -> Decoder:
    device = device_of("auto")
    decoder = fresh_decoder(derive(seed, "decoder")).to(device)
    try:
        with repeatable():
            pairs = generator(seed, "decoder", "pairs")
            train_decoder(encoder.to(device), decoder, content, styles, options, pairs, tell)
    except RuntimeError as error:
        if not isinstance(error, torch.OutOfMemoryError) and "can't allocate memory" not in str(error):
            raise
        raise TrainableError(
            "OPTION_INVALID", f"--batch {options.batch}, --size {options.size}: more memory than there is; lower one"
        ) from error
    return decoder
