"""Explains trained networks of one architecture: every table that figures and page are drawn from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import torch
from torch import Tensor, nn

from analysis import explained
from analysis.explain.activations import activations_table, feature_maps_table
from analysis.explain.alignment import cka_table
from analysis.explain.attacked import Target, attacked
from analysis.explain.images import Shown, corrupted, inputs_of, picture, sample
from analysis.explain.parameters import filters_table, weights_table
from analysis.records import write_parquet
from trainables.perturbation_names import is_attack
from trainables.precision import device_of, repeatable
from trainables.registry import load_network


@dataclass(frozen=True)
class Trained:
    """A network to be explained: its name, and what builds it."""

    name: str
    options: Mapping[str, Any]
    checkpoint: Path


@dataclass(frozen=True)
class Asked:
    """What networks are shown.

    Attributes:
        image: any image file; None takes a validation image.
        perturbation: one of the 19 corruptions, or `fooling-RATE` or `gaussian`, made against the first network.
        severity: of a corruption, 1 to 5.
        images: validation images that CKA is measured on.
    """

    image: Path | None = None
    perturbation: str = "motion_blur"
    severity: int = 3
    images: int = 512


def explain(
    trainer: str, every: list[Trained], data: Path, asked: Asked, told: explained.Told, folder: Path
) -> dict[str, Path]:
    """Writes every table of an explanation into a folder, and returns the paths by file name.

    Args:
        trainer: of the networks.
        every: networks, in the order in which they are shown.
        data: folder of their prepared data set.
        asked: what they are shown.
        told: what each table says of the explanation.
        folder: that is there.

    Raises:
        TrainableError: CKPT_MISSING, CKPT_CORRUPT, IMAGES_UNREADABLE, OPTION_INVALID, NONFINITE or SET_TOO_SMALL.
        OSError: the folder cannot be written.
    """
    clean, origin = picture(data, asked.image)  # bad input is told before any work
    load = load_network(trainer)
    nets: dict[str, nn.Module] = {one.name: load(one.options, data, one.checkpoint) for one in every}
    device = device_of("auto")
    with repeatable():
        if is_attack(asked.perturbation):
            target = Target(every[0].name, nets[every[0].name], every[-1].options, trainer)
            perturbed, done = attacked(target, clean, asked.perturbation, data)
        else:
            perturbed, done = corrupted(clean, asked.perturbation, asked.severity)
    pair = Shown(clean, perturbed, origin, done)
    both = {
        explained.CLEAN: inputs_of(data, pair.clean, device),
        explained.PERTURBED: inputs_of(data, pair.perturbed, device),
    }
    with repeatable(), torch.no_grad():
        tables = {name: make(nets, both) for name, make in _TABLES.items()}
        tables[explained.CKA_FILE] = cka_table(nets, inputs_of(data, sample(data, asked.images), device))
    tables[explained.PICTURES_FILE] = _pictures(pair)
    return {
        name: write_parquet(rows.replace_schema_metadata(told.metadata), folder / name) for name, rows in tables.items()
    }


_Make = Callable[[Mapping[str, nn.Module], Mapping[str, Tensor]], pa.Table]
_TABLES: Final[Mapping[str, _Make]] = {
    explained.ACTIVATIONS_FILE: activations_table,
    explained.FEATURE_MAPS_FILE: feature_maps_table,
    explained.WEIGHTS_FILE: lambda nets, both: weights_table(nets, both[explained.CLEAN]),
    explained.FILTERS_FILE: lambda nets, both: filters_table(nets, both[explained.CLEAN]),
}


def _pictures(pair: Shown) -> pa.Table:
    rows = [
        {
            "image": name,
            "caption": caption,
            "height": pixels.shape[2],
            "width": pixels.shape[3],
            "pixels": pixels[0].permute(1, 2, 0).contiguous().numpy().tobytes(),
        }
        for name, pixels, caption in (
            (explained.CLEAN, pair.clean, pair.origin),
            (explained.PERTURBED, pair.perturbed, pair.perturbation),
        )
    ]
    return pa.Table.from_pylist(rows, schema=explained.PICTURES_SCHEMA)
