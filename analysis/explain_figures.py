"""Writes the figures of an explanation, each from its finished table."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from matplotlib.figure import Figure

from analysis import explained
from analysis.activation_figure import draw_activations
from analysis.cka_figure import draw_cka
from analysis.explained import Told, read_explained
from analysis.figure_files import KINDS as ENDINGS
from analysis.filter_figure import draw_feature_maps, draw_filters
from analysis.printing import save
from analysis.weight_figure import draw_weights


def activations(folder: Path) -> list[Figure]:
    """Returns mean activations layer by layer, on as many figures as they need."""
    table = read_explained(folder, explained.ACTIVATIONS_FILE, explained.ACTIVATIONS_SCHEMA)
    pictures = read_explained(folder, explained.PICTURES_FILE, explained.PICTURES_SCHEMA)
    return list(draw_activations(table, pictures, f"{Told.of(table).name}: activations"))


def cka(folder: Path) -> list[Figure]:
    """Returns the maps of CKA between nets."""
    table = read_explained(folder, explained.CKA_FILE, explained.CKA_SCHEMA)
    return [draw_cka(table, f"{Told.of(table).name}: likeness of layers")]


def weights(folder: Path) -> list[Figure]:
    """Returns the histograms of weights and biases."""
    table = read_explained(folder, explained.WEIGHTS_FILE, explained.WEIGHTS_SCHEMA)
    return [draw_weights(table, f"{Told.of(table).name}: weights and biases")]


def filters(folder: Path) -> list[Figure]:
    """Returns filters of the first and of a deep layer; none for nets without convolutions."""
    table = read_explained(folder, explained.FILTERS_FILE, explained.FILTERS_SCHEMA)
    return [draw_filters(table, f"{Told.of(table).name}: filters")] if table.num_rows else []


def feature_maps(folder: Path) -> list[Figure]:
    """Returns the feature maps of each chosen layer."""
    table = read_explained(folder, explained.FEATURE_MAPS_FILE, explained.FEATURE_MAPS_SCHEMA)
    return list(draw_feature_maps(table, Told.of(table).name))


KINDS: Final[Mapping[str, Callable[[Path], list[Figure]]]] = {
    "activations": activations,
    "cka": cka,
    "weights": weights,
    "filters": filters,
    "feature-maps": feature_maps,
}


def write(kind: str, folder: Path, out: Path) -> dict[str, Path]:
    """Writes the figures of one kind into `out`, which is made if it is not there; returns paths by file name.

    Several figures of one kind end with their number, from 1.

    Raises:
        LedgerError: the folder holds no explanation, or one of another study.
        OSError: a file cannot be read or written.
    """
    drawn = KINDS[kind](folder)
    out.mkdir(parents=True, exist_ok=True)
    for old in [path for ending in ENDINGS for path in out.glob(f"{kind}-[0-9]*.{ending}")]:
        old.unlink()  # may be of nets with more layers
    names = [kind] if len(drawn) == 1 else [f"{kind}-{place}" for place in range(1, len(drawn) + 1)]
    paths: dict[str, Path] = {}
    for name, figure in zip(names, drawn, strict=True):
        paths |= save(figure, out, name)
    return paths
