"""What the parent run shows when a search has ended: its files, and a note that leads to the front's runs."""

import csv
import json
import re
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from analysis import ending, records
from analysis.evaluated import EVALUATION_FILE, OTHER_FILES
from analysis.figure_files import figure_files
from analysis.front import front, hypervolume_history, rows
from robustune.relative import reached
from search_spaces import Objective, Study

EVALUATION_FIGURES: Final = (
    *("evaluation", "corruption-errors", "corruption-ratios"),
    *("noise-curve", "noise-curve-test", "noise-curve-trials", "masks", "class-iou-bars"),
)
"""Names of the figures that may show what was evaluated."""
_FIGURES: Final = ("front", "grid", "knob", *EVALUATION_FIGURES)
FILES: Final = (
    "front.parquet",
    *(EVALUATION_FILE, *OTHER_FILES),
    *figure_files(*_FIGURES),
    "report.html",
)
VERSIONED: Final = ("front.parquet", "front.png", "report.html")
# A tag takes 8,000 letters; a run's id takes 41 of them inside a link.
MOST_COMPARED: Final = 40
MOST_LISTED: Final = 20
# MLflow 3 opens its pages for language models unless an address asks for the others.
MODEL_PAGES: Final = "workflowType=machine_learning"


def artifacts(folder: Path) -> Iterator[Path]:
    """Yields the files of the report that are there."""
    return (folder / name for name in FILES if (folder / name).is_file())


def versioned(folder: Path) -> Iterator[Path]:
    """Yields those of them that are kept for each state of the front: table, figure and page."""
    return (folder / name for name in VERSIONED if (folder / name).is_file())


def version(folder: Path) -> str:
    """Returns the artifacts' folder of the front as it is now: by how many trials have ended."""
    ended = sum(number for state, number in records.counts(folder).items() if state != "running")
    return f"fronts/after-{ended:05d}-trials"


def front_csv(folder: Path) -> str:
    """Returns the front as comma-separated values for people, which MLflow shows as a table: trial, scores, options."""
    study = records.read_study(folder)
    lines = rows(front(records.trials(folder), study), study)
    with StringIO() as written:
        table = csv.DictWriter(written, list(lines[0]) if lines else ["trial"], lineterminator="\n")
        table.writeheader()
        table.writerows(lines)
        return written.getvalue()


def best(folder: Path) -> dict[str, float]:
    """Returns the best value of each objective on the front and how many trials stand there, for charts of searches."""
    study, members = records.read_study(folder), _front(folder)
    if not members:
        return {}
    found = {"front_trials": float(len(members))}
    for one in study.objectives:
        values = [row[f"metrics.{one.metric}"] for row in members]
        found[f"best_{one.metric}"] = max(values) if one.goal == "max" else min(values)
    return found


def front_runs(folder: Path, runs: Mapping[int, str]) -> list[str]:
    """Returns the runs of the front's trials, in the order of the front."""
    return [runs[row["number"]] for row in _front(folder) if row["number"] in runs]


def compare_fragment(experiment: str, runs: list[str]) -> str | None:
    """Returns the address, within the MLflow UI, of the page that compares these runs; None without any."""
    if not runs:
        return None
    chosen, where = _packed(runs[:MOST_COMPARED]), _packed([experiment])
    return f"#/compare-runs?runs={chosen}&experiments={where}&{MODEL_PAGES}"


def charts_fragment(experiment: str, first: Objective) -> str:
    """Returns the address, within the MLflow UI, of charts over the complete trials, the best by one objective first.

    Sorted by time, as without an order, MLflow folds the trials up under their search, also where only they are sought.
    """
    wanted = quote("tags.`robustune.state` = 'complete'", safe="")
    order = f"orderByKey={quote(f'metrics.`{first.metric}`', safe='')}&orderByAsc={str(first.goal == 'min').lower()}"
    return f"#/experiments/{experiment}/runs?searchFilter={wanted}&{order}&compareRunsMode=CHART&{MODEL_PAGES}"


def note(folder: Path, experiment: str, runs: Mapping[int, str]) -> str:
    """Returns the parent run's description in Markdown; everything that a user named is escaped."""
    study, counts = records.read_study(folder), records.counts(folder)
    ended = ", ".join(f"{number} {state}" for state, number in counts.items() if number) or "no trials yet"
    # The UI shows only the first lines until "show more" is pressed, so the link comes first.
    lines = [f"**{escaped(study.name)}**: {ended}. {_summary(folder, study, experiment, runs)}", ""]
    if told := _how_it_ended(folder):
        lines += [told, ""]
    if study.description:
        lines += [escaped(study.description), ""]
    for told in reached(folder):
        lines += [escaped(told), ""]
    names = [objective.metric for objective in study.objectives]
    listed = [_line(row, names, experiment, runs) for row in _front(folder)[:MOST_LISTED]]
    if listed:
        lines += [_cells("trial", *(escaped(name) for name in names)), _cells("---", *("---" for _ in names)), *listed]
    return "\n".join(lines)


def _how_it_ended(folder: Path) -> str:
    """What ended the search, and how many trials early stopping ended after which epoch; "" where there is neither."""
    end, stopped = ending.ended(folder), ending.stopped_after(records.trials(folder))
    counts = [f"{len(numbers)} after epoch {epoch}" for epoch, numbers in stopped.items()]
    told = [f"The search ended: {escaped(end.words)}."] if end else []
    return " ".join([*told, *([f"Stopped early: {', '.join(counts)}."] if counts else [])])


def _summary(folder: Path, study: Study, experiment: str, runs: Mapping[int, str]) -> str:
    link = compare_fragment(experiment, front_runs(folder, runs))
    if link is None:
        return "The front is empty: no trial has finished within the constraints."
    history = hypervolume_history(records.trials(folder), study).to_pylist()
    volume = f"{history[-1]['hypervolume']:.4g}"
    charts = charts_fragment(experiment, study.objectives[0])
    return (
        f"[Compare the {len(_front(folder))} trials of the front]({link}) (hypervolume {volume}), or see "
        f"[charts of all complete trials]({charts})."
    )


def _line(row: Mapping[str, Any], names: list[str], experiment: str, runs: Mapping[int, str]) -> str:
    trial = f"trial {row['number']}"
    run = runs.get(row["number"])
    shown = f"[{trial}](#/experiments/{experiment}/runs/{run}?{MODEL_PAGES})" if run else trial
    return _cells(shown, *(f"{row[f'metrics.{name}']:.4g}" for name in names))


def _cells(*texts: str) -> str:
    return f"| {' | '.join(texts)} |"


def _front(folder: Path) -> list[dict[str, Any]]:
    members: list[dict[str, Any]] = front(records.trials(folder), records.read_study(folder)).to_pylist()
    return members


def _packed(names: list[str]) -> str:
    return quote(json.dumps(names, separators=(",", ":")), safe="")


def escaped(text: str) -> str:
    """Returns what a user named as Markdown that shows it as it is."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)[:1000]
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~&-])", r"\\\1", printable)
