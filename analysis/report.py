"""Writes everything that a study's folder shows besides its ledger."""

from pathlib import Path

from analysis import attainment, confirmation, figure, page, printing, records
from analysis.bar_figure import DEVIATIONS, draw_evaluation
from analysis.class_iou import CLASS_BARS, table_of
from analysis.class_iou_figure import draw_class_iou
from analysis.confirmation_section import confirmation_section
from analysis.corruption import chosen
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
from analysis.importance import importances
from analysis.importance_section import importance_section, partial_section
from analysis.knob_figure import draw_knob
from analysis.mask_figure import draw_masks
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
from search_spaces.study import Study


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
    best = front(trials, study)
    maps, sweep = fitting_maps(trials, study), fitting_sweep(trials, epochs, study)
    evaluation, errors = fitting_evaluation(folder, study), fitting_errors(folder, study)
    miou, masks, classes = fitting_miou(folder, study), fitting_masks(folder, study), fitting_class_iou(folder, study)
    noise = _noise(folder, study)
    target.mkdir(parents=True, exist_ok=True)
    tables = {"trials.parquet": trials, "epochs.parquet": epochs, "front.parquet": best}
    paths = {name: records.write_parquet(table, target / name) for name, table in tables.items()}
    title = study.description or study.name
    paths |= printing.save(figure.draw_front(trials, best, study), target, "front")
    if maps:
        paths |= printing.save(draw_grid(maps, study), target, "grid")
    if sweep:
        paths |= printing.save(draw_knob(sweep, title), target, "knob")
    for name, (_, chart) in noise.items():
        paths |= save_noise(chart, target, name)
    if evaluation:
        paths |= printing.save(draw_evaluation(evaluation, title), target, "evaluation")
    if miou:
        paths |= printing.save(draw_evaluation(miou, title, DEVIATIONS), target, "evaluation")
    if errors:
        paths |= save_errors(chosen(errors, None, study), title, target)
    if masks:
        paths |= printing.save(draw_masks(masks, title), target, "masks")
    if classes:
        paths |= printing.save(draw_class_iou(classes, title), target, CLASS_BARS)
        file = f"{CLASS_BARS}.parquet"
        paths[file] = records.write_parquet(table_of(classes), target / file)
    leads = {
        number: {**(links or {}).get(number, {}), **({"checkpoint": _within(folder, path, target)} if path else {})}
        for number, path in zip(trials["number"].to_pylist(), trials["checkpoint"].to_pylist(), strict=True)
    }
    corrupted = corruption_section(study, records.sets(folder), records.measured(folder), errors)
    matters = importances(trials, study)
    later = [
        confirmation_section(confirmation.read(folder, study), study, confirmation.recorded_failures(folder, study)),
        progress_section(progress(trials, study), study),
        attainment.section(attainment.siblings(folder)),
        parallel_section(parallel(trials, best, study)),
        importance_section(matters),
        partial_section(matters, study),
        endings_section(endings(trials, epochs, study)),
        corrupted,
        mask_section(masks),
        class_section(classes),
    ]
    extra = (
        noise_section(dict(noise.values())),
        grid_section(maps, study),
        knob_section(sweep),
        evaluation_section(evaluation),
        miou_section(miou),
    )
    texts = {
        "report.html": page.render(trials, epochs, best, study, leads, extra, later, ended(folder)),
        "study.toml": study.source,
    }
    return paths | {name: _write(target / name, text) for name, text in texts.items()}


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
