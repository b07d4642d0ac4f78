"""The section of a page that shows how far a search had come after each trial."""

from typing import Final

import pyarrow as pa

from analysis.chart import curve_chart
from analysis.page_sections import plain_table
from analysis.progress_curves import gains, measure, progress_curves
from analysis.wording import escaped, readable, shown, within
from search_spaces.study import Study

ROWS_MOST: Final = 100
"""Gains that the table lists; of more, the last ones."""


def progress_section(reached: pa.Table, study: Study) -> str:
    """Returns the curves over trials, wall clock and epochs, and the trials that got the search farther as a table.

    Args:
        reached: as `analysis.progress_curves.progress` gives it.
        study: whose progress it is.
    """
    charts = progress_curves(reached, study)
    if not charts:
        what = "completed within the constraints" if reached.num_rows else "ended"
        told = f"No trial has {what} yet."
        return f'<section aria-label="Progress"><h2>Progress</h2><p>{told}</p></section>'
    figures = "".join(
        f"<figure><figcaption>{escaped(chart.title)}</figcaption>{curve_chart(chart, f'progress-{place}')}</figure>"
        for place, chart in enumerate(charts)
    )
    return (
        f'<section aria-label="Progress"><h2>Progress</h2><p class="quiet">{escaped(gained(reached, study))}</p>'
        f'<div class="curves">{figures}</div><details><summary>Trials that got it farther</summary>'
        f"{_table(gains(reached, study), study)}</details></section>"
    )


def gained(reached: pa.Table, study: Study) -> str:
    """Returns what the curves count, and when the last gain came, in sentences."""
    farther = gains(reached, study)
    what = "Pauses in which no trial was at work are left out of the wall clock."
    if not farther.num_rows:
        return f"No trial lies within the reference point, so the hypervolume is 0. {what}"
    last = farther["finished"].to_pylist()[-1]
    trial = farther["trial"].to_pylist()[-1]
    which = f"last of {farther.num_rows} gains" if farther.num_rows > 1 else "only gain"
    told = f"The {which} came with trial {trial}, which ended as number {last}"
    return f"{told} of {reached.num_rows}. {what}"


def _table(farther: pa.Table, study: Study) -> str:
    rows = farther.slice(max(0, farther.num_rows - ROWS_MOST)).to_pylist()
    name = measure(study)
    title = "Hypervolume" if name != "best" else f"Best {within(study.objectives[0].metric)}"
    heads = '<th scope="col">Trial</th>' + "".join(
        f'<th scope="col" class="num">{escaped(readable(text))}</th>'
        for text in ("Trials ended", "Wall clock, s", "Epochs spent", title)
    )
    lines = "".join(
        f'<tr><th scope="row"><a href="#trial-{row["trial"]}">{row["trial"]}</a></th>'
        + "".join(
            f'<td class="num">{escaped(shown(value))}</td>'
            for value in (row["finished"], round(row["seconds"], 1), row["epochs"], row[name])
        )
        + "</tr>"
        for row in rows
    )
    left = farther.num_rows - len(rows)
    return plain_table(f"The last {ROWS_MOST}; {left} earlier ones are left out" if left else "", heads, lines)
