"""Writes everything that an explanation shows: its figures, errors under corruptions, learning curves, and the page."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from analysis import explain_figures, explained, printing, records
from analysis.corruption import Errors, errors_of, read_errors
from analysis.corruption_figure import save_errors
from analysis.explain_page import Part, likeness_table, render
from analysis.explained import Told, read_explained
from analysis.learning_curves import learning_curves
from analysis.learning_figure import draw_learning
from analysis.replacing import replacing
from search_spaces.study import Study

PAGE: Final = "explanation.html"
_PARTS: Final[Mapping[str, tuple[str, str]]] = {
    "activations": (
        "Activations",
        "the mean over channels of every convolutional and linear layer, in the order in which they compute, before "
        "norm and activation function; a layer without positions shows its units",
    ),
    "cka": (
        "Likeness of layers",
        "CKA is 1 where two layers tell the same images apart in the same way, and near 0 where they have nothing in "
        "common; unbiased, over batches of validation images that all nets see; up and to the right layers come later",
    ),
    "weights": (
        "Weights and biases",
        "histograms over up to 60 bins; norm layers and down-sampling layers together where there are several",
    ),
    "filters": ("Filters", "up to 64 equally spaced filters of the first convolution and kernels of a deep one"),
    "feature-maps": (
        "Feature maps",
        "up to 64 equally spaced channels of up to four layers, for the perturbed image",
    ),
}


def write(folder: Path, place: Path) -> dict[str, Path]:
    """Writes every figure and the page of the tables in a folder; returns paths by file name, the page first.

    Args:
        folder: of the study.
        place: where the tables of `analysis.explained` lie, and where figures and page go.

    Raises:
        LedgerError: a table is missing or of another study.
        OSError: a file cannot be read or written.
    """
    study, trials, epochs = records.tables(folder)
    pictures = read_explained(place, explained.PICTURES_FILE, explained.PICTURES_SCHEMA)
    cka = read_explained(place, explained.CKA_FILE, explained.CKA_SCHEMA)
    told = Told.of(pictures)
    paths: dict[str, Path] = {}
    parts = []
    for kind, (title, note) in _PARTS.items():
        drawn = explain_figures.write(kind, place, place)
        paths |= drawn
        said = note if drawn else "these networks have no convolution"
        parts.append(Part(title, said, _svg(drawn), likeness_table(cka) if kind == "cka" else ""))
    for part, drawn in (_corruptions(folder, study, told.trials, place), _curves(study, epochs, told.trials, place)):
        parts.append(part)
        paths |= drawn
    chosen = trials.filter(pc.is_in(trials["number"], pa.array(told.trials, trials.schema.field("number").type)))
    nets = len(set(cka["net"].to_pylist()))
    with replacing(place / PAGE) as aside:
        aside.write_text(render(study, told, chosen, pictures, nets, parts), "utf-8")
    return {PAGE: place / PAGE, **paths}


def _corruptions(folder: Path, study: Study, trials: Sequence[int], place: Path) -> tuple[Part, dict[str, Path]]:
    """Errors under corruptions of those trials that were evaluated."""
    table = read_errors(folder, study)
    every: Sequence[Errors] = () if table is None else errors_of(table, study)
    there = [one for one in every if one.trial in trials]
    paths: dict[str, Path] = {}
    for one in there:
        paths |= save_errors(one, study.name, place, f"-{one.trial}")
    note = "errors by corruption and severity, and their ratio to the baseline's by group, on test images"
    if left := [str(number) for number in trials if number not in {one.trial for one in there}]:
        ask = " ".join(f"--trial {number}" for number in left)
        lacking = f"trial {', '.join(left)} was not evaluated under corruptions; where the study has such scores, "
        note = f"{note}; {lacking}" if there else lacking
        note += f"`robustune evaluate {study.name} {ask}` does it"
    return Part("Corruptions", note, _svg(paths)), paths


def _curves(study: Study, epochs: pa.Table, trials: Sequence[int], place: Path) -> tuple[Part, dict[str, Path]]:
    drawn = learning_curves(epochs, study, trials)
    paths = printing.save(draw_learning(drawn, study.name), place, "learning-curves")
    return Part("Learning curves", "scores of the search after each epoch", _svg(paths)), paths


def _svg(paths: Mapping[str, Path]) -> list[Path]:
    return [path for name, path in paths.items() if name.endswith(".svg")]
