"""Writes the figures and tables of docs/search-quality.md, which stand between marks there."""

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from matplotlib.figure import Figure

from analysis.printing import save
from analysis.replacing import replacing
from benchmarks.search_quality.charts import attainment_panels, history_panels
from benchmarks.search_quality.comparing import ASKED, KINDS, SOONER, Compared
from benchmarks.search_quality.figures import draw_attainment, draw_histories
from benchmarks.search_quality.measures import SHARES, Searches, highest, soonest
from benchmarks.search_quality.methods import METHODS
from robustune.replaying import SHARE, quartiles

DOCS: Final = Path("docs")
NAME: Final = "search-quality"
MOMENT: Final = 1 / 8
"""Of the horizon, when attainment is drawn: half a full trial for each configuration of the table."""
CAPTIONS: Final = {
    "history": "share of the best hypervolume over virtual time",
    "attainment": "attainment surfaces of two objectives at a time",
}
_BEGINS, _ENDS = "<!-- written: {} -->", "<!-- end of what is written -->"


def write(compared: Compared, docs: Path = DOCS) -> list[Path]:
    """Writes figures and tables, and returns the paths of the figures.

    Args:
        compared: the searches by table and workers.
        docs: the folder with search-quality.md; a table without marks there is left out.
    """
    tables: dict[str, dict[int, Mapping[str, Searches]]] = {}
    for (name, workers), searches in compared.items():
        tables.setdefault(name, {})[workers] = searches
    folder = docs / NAME
    paths: list[Path] = []
    folder.mkdir(parents=True, exist_ok=True)
    text = (docs / f"{NAME}.md").read_text()
    for name, by_workers in tables.items():
        figures = {f"{name}-{figure}": drawn for figure, drawn in _figures(name, by_workers).items()}
        for file, figure in figures.items():
            paths += save(figure, folder, file).values()
        parts = [targets_table(by_workers), methods_table(by_workers), shares_table(by_workers)]
        shown = [
            line for file in figures for line in (f"![{CAPTIONS[file.rpartition('-')[2]]}]({NAME}/{file}.svg)", "")
        ]
        text = filled(text, name, [*shown, *parts[0], "", *parts[1], "", *parts[2]])
    with replacing(docs / f"{NAME}.md") as aside:
        aside.write_text(text)
    return paths


def _figures(name: str, by_workers: Mapping[int, Mapping[str, Searches]]) -> dict[str, Figure]:
    some = next(iter(next(iter(by_workers.values())).values()))
    seeds = f"median and quartiles of {len(some.ended)} seeds"
    drawn = {
        "history": draw_histories(
            history_panels(by_workers), f"Searches of the table {name}", f"{seeds}; dashed: {SHARE:.0%} of the best"
        )
    }
    count = ASKED[-1]
    if count in by_workers:
        searches = by_workers[count]
        seconds = searches["ours"].horizon * MOMENT
        title = f"What searches of the table {name} attain in the time of {told(seconds, searches['ours'])} full trials"
        drawn["attainment"] = draw_attainment(
            attainment_panels(searches, seconds), title, f"{_workers(count)}; surfaces, {seeds}"
        )
    return drawn


def filled(text: str, name: str, lines: Sequence[str]) -> str:
    """Returns the text with the lines between the marks of the name, in place of what stood there."""
    begins = _BEGINS.format(name)
    law = re.compile(re.escape(begins) + r".*?" + re.escape(_ENDS), re.DOTALL)
    return law.sub(lambda found: "\n".join([begins, "", *lines, "", _ENDS]), text)


def methods_table(by_workers: Mapping[int, Mapping[str, Searches]]) -> list[str]:
    """Returns lines of Markdown: time to the share and final share of each method, for each count of workers."""
    heads = [f"{SHARE:.0%}, {_workers(count)} | final" for count in by_workers]
    found = [f"| method | {' | '.join(heads)} |", f"| --- |{' --- |' * (2 * len(by_workers))}"]
    for name, method in METHODS.items():
        if all(name in searches for searches in by_workers.values()):
            cells = [cell for searches in by_workers.values() for cell in _cells(searches[name])]
            found.append(f"| {method.label} | {' | '.join(cells)} |")
    return found


def _cells(searches: Searches) -> tuple[str, str]:
    low, middle, high = (told(time, searches) for time in quartiles(searches.times()))
    worst, final, best = quartiles(searches.finals)
    return f"**{middle}** ({low} to {high})", f"**{final:.3f}** ({worst:.3f} to {best:.3f})"


def shares_table(by_workers: Mapping[int, Mapping[str, Searches]]) -> list[str]:
    """Returns lines of Markdown: of each method the median times to several shares, and how many seeds had the one."""
    count = ASKED[-1] if ASKED[-1] in by_workers else next(iter(by_workers))
    searches = by_workers[count]
    heads = [*(f"{share:.0%}" for share in SHARES), f"seeds with {SHARE:.0%}"]
    found = [f"| method, {_workers(count)} | {' | '.join(heads)} |", f"| --- |{' --- |' * len(heads)}"]
    for name in METHODS:
        if (one := searches.get(name)) is not None:
            times = [told(one.median_time(share), one) for share in SHARES]
            found.append(f"| {one.method.label} | {' | '.join(times)} | {one.reached} of {len(one.ended)} |")
    return found


def targets_table(by_workers: Mapping[int, Mapping[str, Searches]]) -> list[str]:
    """Returns lines of Markdown: ours beside the best peer of each kind, and what was asked."""
    found = ["| | ours | best peer | ours / peer | asked |", "| --- | --- | --- | --- | --- |"]
    for count, searches in by_workers.items():
        ours = searches["ours"]
        for kind, factor in SOONER.items():
            peer = soonest(searches, kind)
            asked = f"at most {1 / factor:g}" if count in ASKED else "beside"
            names = f"{_workers(count)}, time to {SHARE:.0%}, {KINDS[kind]} peer"
            times = [told(one.median_time(), one) for one in (ours, peer)]
            cells = [names, times[0], f"{times[1]} ({peer.method.label})", _ratio(ours, peer), asked]
            found.append(f"| {' | '.join(cells)} |")
        peer = highest(searches)
        both = f"{ours.median_final:.3f} | {peer.median_final:.3f} ({peer.method.label})"
        found.append(
            f"| {_workers(count)}, final | {both} | {ours.median_final / peer.median_final:.3f} | at least 1 |"
        )
    return found


def _ratio(ours: Searches, peer: Searches) -> str:
    """Ours in shares of the peer's time: a bound where one of the two was never there."""
    own, other = ours.median_time(), peer.median_time()
    if own == other == math.inf:
        return "neither was there"
    sign = "below " if other == math.inf else "above " if own == math.inf else ""
    return f"{sign}{min(own, ours.horizon) / min(other, peer.horizon):.2f}"


def told(seconds: float, searches: Searches) -> str:
    """Returns a time in full trials that fit into it, of all workers together; "never" where it is infinite."""
    unit = searches.table.trial_seconds / searches.workers
    return "never" if seconds == math.inf else f"{seconds / unit:.0f}"


def _workers(count: int) -> str:
    return f"{count} worker{'' if count == 1 else 's'}"
