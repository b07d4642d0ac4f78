"""Decides which figures fit a study, so that its report shows them without being asked."""

from pathlib import Path

import pyarrow as pa

from analysis.arms import Recorded
from analysis.bars import Bars, evaluation_bars
from analysis.corruption import Errors, errors_of, read_errors
from analysis.evaluated import EVALUATION_FILE, evaluated
from analysis.heat_maps import HeatMap, heat_maps
from analysis.knobs import NotDrawable
from analysis.sweep import Sweep, sweep
from search_spaces.study import Study


def fitting_maps(trials: pa.Table, study: Study) -> tuple[HeatMap, ...]:
    """Returns the heat maps of a grid over two knobs; none of any other study."""
    try:
        return heat_maps(trials, study)
    except NotDrawable:
        return ()


def fitting_sweep(trials: pa.Table, epochs: pa.Table, study: Study) -> Sweep | None:
    """Returns lines and bars of a grid over one knob, or over one and a second of named values; None otherwise."""
    if study.sampler.name != "grid":
        return None
    try:
        return sweep([Recorded(study, trials, epochs)])
    except NotDrawable:
        return None


def fitting_evaluation(folder: Path, study: Study) -> Bars | None:
    """Returns the accuracies that `robustune evaluate` left in the study's folder; None where it left none.

    A file of another study, as after the folder was used anew, is left alone.

    Raises:
        OSError: the file cannot be read, or is no whole Parquet file.
    """
    table = evaluated(folder, EVALUATION_FILE, study)
    return None if table is None else evaluation_bars(table)


def fitting_errors(folder: Path, study: Study) -> tuple[Errors, ...]:
    """Returns the errors under corruptions that `robustune evaluate` left in the study's folder, by trial.

    None where it left none, or where cells are missing.

    Raises:
        OSError: as `analysis.corruption.read_errors`.
    """
    table = read_errors(folder, study)
    try:
        return errors_of(table, study) if table is not None else ()
    except NotDrawable:
        return ()
