"""Decides which figures fit a study, so that its report shows them without being asked."""

from pathlib import Path

import pyarrow as pa

from analysis.arms import Recorded
from analysis.bars import MIOU, Bars, evaluation_bars, miou_bars
from analysis.class_iou import ClassIoU, read_class_iou
from analysis.corruption import Errors, errors_of, read_errors
from analysis.evaluated import EVALUATION_FILE, evaluated
from analysis.heat_maps import HeatMap, heat_maps
from analysis.knobs import NotDrawable
from analysis.masks import Sheet, read_masks
from analysis.noise_chart import NoiseChart, evaluated_trials, inference_chart, training_chart
from analysis.noise_nets import Split, read
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

    A file of another study, as after the folder was used anew, is left alone, and so is one without accuracies.

    Raises:
        OSError: the file cannot be read, or is no whole Parquet file.
    """
    table = evaluated(folder, EVALUATION_FILE, study)
    told = table is not None and any(name.startswith("accuracy.") for name in table.column_names)
    return evaluation_bars(table) if told else None


def fitting_miou(folder: Path, study: Study) -> Bars | None:
    """Returns the mean IoU by set that `robustune evaluate` left in the study's folder; None where it left none.

    Raises:
        OSError: as `fitting_evaluation`.
    """
    table = evaluated(folder, EVALUATION_FILE, study)
    told = table is not None and any(name.startswith(MIOU) for name in table.column_names)
    return miou_bars(table) if told else None


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


def fitting_masks(folder: Path, study: Study) -> Sheet | None:
    """Returns the images and masks that `robustune evaluate` left in the study's folder; None where it left none.

    None also where the trials to be shown have no image in common.

    Raises:
        OSError: as `analysis.masks.read_masks`.
    """
    try:
        return read_masks(folder, study)
    except NotDrawable:
        return None


def fitting_class_iou(folder: Path, study: Study) -> tuple[ClassIoU, ...]:
    """Returns the IoU per class that `robustune evaluate` left in the study's folder; () where it left none.

    Raises:
        OSError: as `analysis.class_iou.read_class_iou`.
    """
    try:
        return read_class_iou(folder, study)
    except NotDrawable:
        return ()


def fitting_noise(folder: Path, split: Split | None = None) -> NoiseChart | None:
    """Returns both curves over the weight noise of training, where nets differ in it and their seed alone; else None.

    Args:
        folder: of the study.
        split: as `analysis.noise_nets.read` takes it.

    Raises:
        OSError: a file of an evaluation cannot be read.
    """
    try:
        found = read([folder], split)
        return training_chart(found) if len({net.scale for net in found.nets}) > 1 else None
    except NotDrawable:
        return None


def fitting_inference(folder: Path, study: Study) -> NoiseChart | None:
    """Returns what evaluated trials score on test images over the noise of inference; None where none has such scores.

    Of many trials it shows some, evenly chosen by the noise of their training.

    Raises:
        OSError: the file cannot be read, is no whole Parquet file, or lacks a column.
    """
    try:
        return inference_chart(folder, evaluated_trials(folder, study))
    except NotDrawable:
        return None
