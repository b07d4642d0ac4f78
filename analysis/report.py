"""Writes everything that a study's folder shows besides its ledger."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from analysis import attainment, confirmation, figure, page, printing, records
from analysis.bar_figure import DEVIATIONS, draw_evaluation
from analysis.bars import Bars
from analysis.class_iou import CLASS_BARS, ClassIoU, table_of
from analysis.class_iou_figure import draw_class_iou
from analysis.confirmation_section import confirmation_section
from analysis.corruption import Errors, chosen
from analysis.corruption_figure import save_errors
from analysis.corruption_section import corruption_section
from analysis.ending import ended
from analysis.endings import endings
from analysis.endings_section import endings_section
from analysis.fitting import (
    fitting_class_iou,
    fitting_errors,
    fitting_evaluation,
    fitting_inference,
    fitting_maps,
    fitting_masks,
    fitting_miou,
    fitting_noise,
    fitting_sweep,
)
from analysis.front import front
from analysis.grid_figure import draw_grid
from analysis.heat_maps import HeatMap
from analysis.importance import importances
from analysis.importance_section import importance_section, partial_section
from analysis.knob_figure import draw_knob
from analysis.mask_figure import draw_masks
from analysis.masks import Sheet
from analysis.noise_chart import NoiseChart
from analysis.noise_figure import save_noise
from analysis.noise_section import noise_section
from analysis.page_sections import evaluation_section, grid_section, knob_section, miou_section
from analysis.parallel import parallel
from analysis.parallel_section import parallel_section
from analysis.progress_curves import progress
from analysis.progress_section import progress_section
from analysis.replacing import replacing
from analysis.segmentation_section import class_section, mask_section
from analysis.sweep import Sweep
from search_spaces.study import Study


@dataclass(frozen=True)
class _Fitting:
    """What some studies alone have, as `analysis.fitting` finds it; falsy where this one does not.

    `noise` has each chart with its heading on the page, by file name.
    """

    maps: tuple[HeatMap, ...]
    sweep: Sweep | None
    evaluation: Bars | None
    miou: Bars | None
    errors: tuple[Errors, ...]
    masks: Sheet | None
    classes: tuple[ClassIoU, ...]
    noise: Mapping[str, tuple[str, NoiseChart]]


def write(folder: Path, links: page.Links | None = None) -> dict[str, Path]:
    """Writes the tables, the figure, the page and the study file into the folder; each replaces the old one whole.

    Args:
        folder: of the study; may be of a search that still runs.
        links: what leads on from each trial, besides its checkpoint.

    Returns:
        Paths by file name: trials.parquet, epochs.parquet, front.parquet, report.html and study.toml; and as PNG, SVG
        and PDF the figure front; of a grid over two knobs also grid, of one over a single knob, or a second one of
        named values, knob; of one over the weight noise of training, or evaluated under noise, noise-curve with
        noise-curve-points.parquet, and the same of noise-curve-test and noise-curve-trials; evaluation where trials
        were evaluated, and where that was under corruptions, corruption-errors and corruption-ratios; and where it was
        of segmentation, masks, and class-iou-bars with class-iou-bars.parquet.

    Raises:
        LedgerError: no ledger in the folder, or one that cannot be read.
        OSError: a file cannot be written, or a file of an evaluation cannot be read.
    """
    return write_to(folder, folder, links)


def write_to(folder: Path, target: Path, links: page.Links | None = None) -> dict[str, Path]:
    """Writes the same files into `target`, which is made if it is not there."""
    records.check(folder)
    study, trials, epochs = records.tables(folder)
    best, fits = front(trials, study), _fitting(folder, study, trials, epochs)
    target.mkdir(parents=True, exist_ok=True)
    tables = {"trials.parquet": trials, "epochs.parquet": epochs, "front.parquet": best}
    paths = {name: records.write_parquet(table, target / name) for name, table in tables.items()}
    paths |= printing.save(figure.draw_front(trials, best, study), target, "front")
    paths |= _figures(fits, study, target)
    leads = {
        number: {**(links or {}).get(number, {}), **({"checkpoint": _within(folder, path, target)} if path else {})}
        for number, path in zip(trials["number"].to_pylist(), trials["checkpoint"].to_pylist(), strict=True)
    }
    extra = (
        noise_section(dict(fits.noise.values())),
        grid_section(fits.maps, study),
        knob_section(fits.sweep),
        evaluation_section(fits.evaluation),
        miou_section(fits.miou),
    )
    matters = importances(trials, study)
    later = [
        confirmation_section(confirmation.read(folder, study), study, confirmation.recorded_failures(folder, study)),
        progress_section(progress(trials, study), study),
        attainment.section(attainment.siblings(folder)),
        parallel_section(parallel(trials, best, study)),
        importance_section(matters),
        partial_section(matters, study),
        endings_section(endings(trials, epochs, study)),
        corruption_section(study, records.sets(folder), records.measured(folder), fits.errors),
        mask_section(fits.masks),
        class_section(fits.classes),
    ]
    texts = {
        "report.html": page.render(trials, epochs, best, study, leads, extra, later, ended(folder)),
        "study.toml": study.source,
    }
    return paths | {name: _write(target / name, text) for name, text in texts.items()}


def _fitting(folder: Path, study: Study, trials: pa.Table, epochs: pa.Table) -> _Fitting:
    return _Fitting(
        maps=fitting_maps(trials, study),
        sweep=fitting_sweep(trials, epochs, study),
        evaluation=fitting_evaluation(folder, study),
        miou=fitting_miou(folder, study),
        errors=fitting_errors(folder, study),
        masks=fitting_masks(folder, study),
        classes=fitting_class_iou(folder, study),
        noise=_noise(folder, study),
    )


def _figures(fits: _Fitting, study: Study, target: Path) -> dict[str, Path]:
    """Writes what is drawn of some studies alone."""
    paths: dict[str, Path] = {}
    title = study.description or study.name
    if fits.maps:
        paths |= printing.save(draw_grid(fits.maps, study), target, "grid")
    if fits.sweep:
        paths |= printing.save(draw_knob(fits.sweep, title), target, "knob")
    for name, (_, chart) in fits.noise.items():
        paths |= save_noise(chart, target, name)
    if fits.evaluation:
        paths |= printing.save(draw_evaluation(fits.evaluation, title), target, "evaluation")
    if fits.miou:
        paths |= printing.save(draw_evaluation(fits.miou, title, DEVIATIONS), target, "evaluation")
    if fits.errors:
        paths |= save_errors(chosen(fits.errors, None, study), title, target)
    if fits.masks:
        paths |= printing.save(draw_masks(fits.masks, title), target, "masks")
    if fits.classes:
        paths |= printing.save(draw_class_iou(fits.classes, title), target, CLASS_BARS)
        file = f"{CLASS_BARS}.parquet"
        paths[file] = records.write_parquet(table_of(fits.classes), target / file)
    return paths


def _noise(folder: Path, study: Study) -> dict[str, tuple[str, NoiseChart]]:
    """What fits of scores over weight noise, by file name, each with its heading on the page."""
    found = {
        "noise-curve": ("Over the noise of training", fitting_noise(folder)),
        "noise-curve-test": ("Over the noise of training, on test images", fitting_noise(folder, "test")),
        "noise-curve-trials": ("Single nets over the noise at inference", fitting_inference(folder, study)),
    }
    return {name: (heading, chart) for name, (heading, chart) in found.items() if chart is not None}


def _within(folder: Path, path: str, target: Path) -> str:
    """A path below the page's folder as the page can link to it; any other whole, which no page links to."""
    if "://" in path:  # in a storage
        return path
    whole = folder.absolute() / path
    inside = target.absolute()
    return whole.relative_to(inside).as_posix() if whole.is_relative_to(inside) else str(whole)


def _write(path: Path, text: str) -> Path:
    with replacing(path) as aside:
        aside.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")
    return path
