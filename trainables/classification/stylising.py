"""Stylised training images; an image's style is a function of the study's seed, its split and its row."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from trainables import checkpoints
from trainables.classification.attacking import Outcome, distances
from trainables.classification.style_steps import STYLES, STYLISED
from trainables.data.facts import facts_of
from trainables.data.images import ImageSet
from trainables.errors import TrainableError
from trainables.given_files import check_unchanged
from trainables.perturbations.stylisation import adain
from trainables.perturbations.stylisation.statistics import StatisticsOptions, matched
from trainables.perturbations.stylisation.styles import Engine, drawn_parts, embedded_styles, read_styles, stylised
from trainables.precision import device_of, repeatable
from trainables.preparation import Inputs
from trainables.seeds import derive

_STYLES: Final = "styles.safetensors"
_ENCODER: Final = "encoder.safetensors"
_DECODER: Final = "decoder.safetensors"
_PIECE_PIXELS: Final = 2**16  # of images stylised at once; more of them leave a core's cache


def build_styles(arguments: Mapping[str, Any], inputs: Inputs, directory: Path) -> dict[str, Any]:
    """Writes styles for images of the data's size, and for AdaIN its two networks, once they are known to fit.

    Raises:
        TrainableError: OPTION_INVALID, where the data's images cannot be stylised, a style cannot be read, or the
            styles changed since they were planned; WEIGHTS_MISSING, CKPT_MISSING, CKPT_CORRUPT.
    """
    shape = facts_of(inputs.folder("data"))["image_shape"]
    _check_shape(shape, arguments["engine"])
    styles = _styles(arguments, inputs, max(shape[1:]))
    checkpoints.save(directory / _STYLES, {STYLES: styles}, {})
    if arguments["engine"] == "adain":
        encoder, decoder = _networks(arguments, inputs)
        checkpoints.save(directory / _ENCODER, encoder.state_dict(), {})
        adain.save_decoder(directory / _DECODER, decoder)
    origin = "folder" if arguments[STYLES] else "made textures"
    return {"styles": len(styles), "side": styles.shape[2], "from": origin, "engine": arguments["engine"]}


def stylise(told: Mapping[str, Any], inputs: Inputs, clean: ImageSet, rows: Tensor, out: Tensor) -> Outcome:
    """Fills `out` with these rows stylised.

    Args:
        told: a set's arguments: options, seed and split.
        inputs: with `data` and `styles`.
        clean: the split.
        rows: (n,) int64.
        out: (n, 3, H, W) uint8.
    """
    count, device = len(rows), device_of("auto")
    l2, linf = torch.zeros(count, dtype=torch.float64), torch.zeros(count, dtype=torch.float64)
    styles, engine = _read(inputs).to(device), _engine(told["options"]["engine"], inputs, device)
    batch = max(1, _PIECE_PIXELS // (out.shape[2] * out.shape[3]))
    started = time.perf_counter()
    for places in torch.split(torch.arange(count), batch):
        sources = torch.index_select(clean.images, 0, rows[places])
        with repeatable():
            made = stylised(sources.to(device), styles, _seeds(told, rows[places]), engine, batch).cpu()
        out[places] = made
        l2[places], linf[places] = distances(made, sources)
    return Outcome(
        targets=clean.labels[rows],
        fooled=torch.ones(count, dtype=torch.bool),
        steps=torch.zeros(count, dtype=torch.int64),
        l2=l2,
        linf=linf,
        seconds=time.perf_counter() - started,
    )


def styles_of(told: Mapping[str, Any], inputs: Inputs, rows: Tensor, size: torch.Size) -> Tensor:
    """(n, 3, H, W) uint8: the part of a style that each of these rows is stylised by; arguments as `stylise`'s."""
    return drawn_parts(_read(inputs), size, _seeds(told, rows))


def _engine(name: str, inputs: Inputs, device: torch.device) -> Engine:
    if name == "pyramid":
        options = StatisticsOptions()
        # In float32, what an image becomes after rounding would depend on the images it is computed with.
        return lambda images, styles: matched(images.double(), styles.double(), options)
    tensors, _ = checkpoints.load(inputs.folder(STYLES) / _ENCODER)
    encoder = adain.Encoder()
    encoder.load_state_dict(tensors)
    encoder.requires_grad_(False).eval().to(device)
    decoder = adain.load_decoder(inputs.folder(STYLES) / _DECODER).to(device)
    return lambda images, styles: adain.transferred(images, styles, encoder, decoder)


def _read(inputs: Inputs) -> Tensor:
    return checkpoints.load(inputs.folder(STYLES) / _STYLES)[0][STYLES]


def _seeds(told: Mapping[str, Any], rows: Tensor) -> Tensor:
    seeds = [derive(told["seed"], STYLISED, told["split"], row) for row in rows.tolist()]
    return torch.tensor(seeds, dtype=torch.int64)


def _check_shape(shape: list[int], engine: str) -> None:
    channels, height, width = shape
    if channels != 3:
        raise TrainableError(
            "OPTION_INVALID",
            f"extra_sets: 'stylised' needs images of 3 channels, the data has {channels}; leave 'stylised' out",
        )
    if engine == "adain" and min(height, width) < adain.LEAST:
        raise TrainableError(
            "OPTION_INVALID",
            f"stylisation: 'adain' needs images of side {adain.LEAST} at least, the data has {height}x{width}; "
            "use 'pyramid'",
        )


def _styles(arguments: Mapping[str, Any], inputs: Inputs, side: int) -> Tensor:
    if STYLES not in inputs.places:
        return embedded_styles(side)
    folder = inputs.places[STYLES]
    found, digest = read_styles(Path(folder), side)
    if digest != arguments[STYLES]:
        raise TrainableError("OPTION_INVALID", f"styles: {folder} changed since it was planned; start again")
    return found


def _networks(arguments: Mapping[str, Any], inputs: Inputs) -> tuple[adain.Encoder, adain.Decoder]:
    for name in ("encoder", "decoder"):
        if arguments[name]["sha256"]:
            check_unchanged(Path(inputs.places[name]), arguments[name]["sha256"])
    encoder = adain.vgg19_encoder(inputs.places.get("encoder", ""))
    decoder = adain.load_decoder(Path(inputs.places["decoder"]), encoder=encoder)
    return encoder, decoder
