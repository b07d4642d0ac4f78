"""The section of a page that shows options and objectives of all trials as parallel coordinates."""

from typing import Final

from analysis.parallel import FATES, Parallel
from analysis.parallel_chart import STILL, parallel_chart, plan, width_of
from analysis.wording import escaped

NOTE = (
    "A line for each trial; objectives are turned so that better is up, and a line without a value passes "
    "below the axis. Point at a line to see its trial, or walk through them with the arrow keys; drag along an axis, "
    "or set a range below, to keep the trials within it."
)

NARROW: Final = 720.0
"""Width in pixels below which a drawing is never made smaller, nor its letters."""


def parallel_section(drawn: Parallel) -> str:
    """Returns the chart with what its colours mean; without scripts it shows the front and some other lines."""
    if not drawn.numbers:
        told = "There is no trial to show yet."
        return f'<section aria-label="Parallel coordinates"><h2>Options and objectives</h2><p>{told}</p></section>'
    there = [fate for fate in FATES if fate in drawn.fates]
    keys = "".join(
        f'<li><svg class="wide" viewBox="0 0 28 16" aria-hidden="true"><path class="thread {fate}" d="M0 8H28"/></svg>'
        f"{FATES[fate]} ({drawn.fates.count(fate):,})</li>"
        for fate in there
    )
    few_axes = " few" if width_of(drawn) < NARROW else ""
    few = len(drawn.numbers) - len(drawn.sample(STILL))
    still = f'<p class="quiet still">{few:,} lines need scripts to be shown.</p>' if few else ""
    return (
        f'<section aria-label="Parallel coordinates"><h2>Options and objectives</h2>'
        f'<p class="quiet">{escaped(NOTE)}</p><div class="parallel"><div class="scroll-x">'
        f'<figure class="stage{few_axes}">{parallel_chart(drawn)}'
        f'<div class="tip" id="tip-parallel" role="tooltip" hidden></div></figure></div></div>'
        f'<ul class="legend">{keys}</ul>{still}{plan(drawn)}</section>'
    )
