"""Writes everything that a study's folder shows besides its ledger."""

from pathlib import Path

from analysis import figure, page, printing, records
from analysis.bar_figure import draw_evaluation
from analysis.corruption import chosen
from analysis.corruption_figure import save_errors
from analysis.corruption_section import corruption_section
from analysis.fitting import fitting_errors, fitting_evaluation, fitting_maps, fitting_sweep
from analysis.front import front
from analysis.grid_figure import draw_grid
from analysis.knob_figure import draw_knob
from analysis.page_sections import evaluation_section, grid_section, knob_section
from analysis.replacing import replacing


def write(folder: Path, links: page.Links | None = None) -> dict[str, Path]:
    """Writes the tables, the figure, the page and the study file into the folder; each replaces the old one whole.

    Args:
        folder: of the study; may be of a search that still runs.
        links: what leads on from each trial, besides its checkpoint.

    Returns:
        Paths by file name: trials.parquet, epochs.parquet, front.parquet, front.png, front.svg, report.html and
        study.toml; of a grid over two knobs also grid.png and grid.svg, of one over a single knob, or a second one of
        named values, knob.png and knob.svg; evaluation.png and evaluation.svg where trials were evaluated, and where
        that was under corruptions, corruption-errors.png and .svg, corruption-ratios.png and .svg.

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
    target.mkdir(parents=True, exist_ok=True)
    tables = {"trials.parquet": trials, "epochs.parquet": epochs, "front.parquet": best}
    paths = {name: records.write_parquet(table, target / name) for name, table in tables.items()}
    title = study.description or study.name
    paths |= printing.save(figure.draw_front(trials, best, study), target, "front")
    if maps:
        paths |= printing.save(draw_grid(maps, study), target, "grid")
    if sweep:
        paths |= printing.save(draw_knob(sweep, title), target, "knob")
    if evaluation:
        paths |= printing.save(draw_evaluation(evaluation, title), target, "evaluation")
    if errors:
        paths |= save_errors(chosen(errors, None, study), title, target)
    leads = {
        number: {**(links or {}).get(number, {}), **({"checkpoint": _within(folder, path)} if path else {})}
        for number, path in zip(trials["number"].to_pylist(), trials["checkpoint"].to_pylist(), strict=True)
    }
    corrupted = corruption_section(study, records.sets(folder), records.measured(folder), errors)
    extra = (grid_section(maps, study), knob_section(sweep), evaluation_section(evaluation))
    texts = {
        "report.html": page.render(trials, epochs, best, study, leads, extra, [corrupted]),
        "study.toml": study.source,
    }
    return paths | {name: _write(target / name, text) for name, text in texts.items()}


def _within(folder: Path, path: str) -> str:
    """A path below the folder as the page there can link to it; any other as it is."""
    inside = Path(folder).absolute()
    return Path(path).relative_to(inside).as_posix() if Path(path).is_relative_to(inside) else path


def _write(path: Path, text: str) -> Path:
    with replacing(path) as aside:
        aside.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")
    return path
