"""What the parent run shows when a search has ended: its files, and a note that leads to the front's runs."""

import json
import re
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from pyarrow.csv import write_csv

from analysis import ending, records
from analysis.front import front, hypervolume_history
from robustune.relative import reached
from search_spaces import Study

EVALUATION_FIGURES: Final = (
    *("evaluation", "corruption-errors", "corruption-ratios"),
    *("noise-curve", "noise-curve-test", "noise-curve-trials", "masks", "class-iou-bars"),
)
"""Names of the figures that may show what was evaluated."""
_FIGURES: Final = ("front", "grid", "knob", *EVALUATION_FIGURES)
FILES: Final = (
    "front.parquet",
    *(f"{name}.{kind}" for name in _FIGURES for kind in ("png", "svg")),
    "report.html",
)
VERSIONED: Final = ("front.parquet", "front.png", "report.html")
_UNSHOWN: Final = ("state", "code", "reason", "ended_seq")
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
    """Returns the front as comma-separated values, which MLflow shows as a table."""
    table = front(records.trials(folder), records.read_study(folder))
    kept = [name for name in table.column_names if name not in _UNSHOWN]
    with BytesIO() as written:
        write_csv(table.select(kept), written)
        return written.getvalue().decode()


def best(folder: Path) -> dict[str, float]:
    """Returns the best value of each objective on the front and how many trials stand there, for charts of searches."""
    study, rows = records.read_study(folder), _front(folder)
    if not rows:
        return {}
    found = {"front_trials": float(len(rows))}
    for one in study.objectives:
        values = [row[f"metrics.{one.metric}"] for row in rows]
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


def note(folder: Path, experiment: str, runs: Mapping[int, str]) -> str:
    """Returns the parent run's description in Markdown; everything that a user named is escaped."""
    study, counts = records.read_study(folder), records.counts(folder)
    ended = ", ".join(f"{number} {state}" for state, number in counts.items() if number) or "no trials yet"
    # The UI shows only the first lines until "show more" is pressed, so the link comes first.
    lines = [f"**{_escaped(study.name)}**: {ended}. {_summary(folder, study, experiment, runs)}", ""]
    if told := _how_it_ended(folder):
        lines += [told, ""]
    if study.description:
        lines += [_escaped(study.description), ""]
    for told in reached(folder):
        lines += [_escaped(told), ""]
    names = [objective.metric for objective in study.objectives]
    rows = [_line(row, names, experiment, runs) for row in _front(folder)[:MOST_LISTED]]
    if rows:
        lines += [_cells("trial", *(_escaped(name) for name in names)), _cells("---", *("---" for _ in names)), *rows]
    return "\n".join(lines)


def _how_it_ended(folder: Path) -> str:
    """What ended the search, and how many trials early stopping ended after which epoch; "" where there is neither."""
    end, stopped = ending.ended(folder), ending.stopped_after(records.trials(folder))
    counts = [f"{len(numbers)} after epoch {epoch}" for epoch, numbers in stopped.items()]
    told = [f"The search ended: {_escaped(end.words)}."] if end else []
    return " ".join([*told, *([f"Stopped early: {', '.join(counts)}."] if counts else [])])


def _summary(folder: Path, study: Study, experiment: str, runs: Mapping[int, str]) -> str:
    link = compare_fragment(experiment, front_runs(folder, runs))
    if link is None:
        return "The front is empty: no trial has finished within the constraints."
    history = hypervolume_history(records.trials(folder), study).to_pylist()
    volume = f"{history[-1]['hypervolume']:.4g}"
    return f"[Compare the {len(_front(folder))} trials of the front]({link}) (hypervolume {volume})."


def _line(row: Mapping[str, Any], names: list[str], experiment: str, runs: Mapping[int, str]) -> str:
    trial = f"trial {row['number']}"
    run = runs.get(row["number"])
    shown = f"[{trial}](#/experiments/{experiment}/runs/{run}?{MODEL_PAGES})" if run else trial
    return _cells(shown, *(f"{row[f'metrics.{name}']:.4g}" for name in names))


def _cells(*texts: str) -> str:
    return f"| {' | '.join(texts)} |"


def _front(folder: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = front(records.trials(folder), records.read_study(folder)).to_pylist()
    return rows


def _packed(names: list[str]) -> str:
    return quote(json.dumps(names, separators=(",", ":")), safe="")


def _escaped(text: str) -> str:
    printable = "".join(letter if letter.isprintable() else " " for letter in text)[:1000]
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~&-])", r"\\\1", printable)
