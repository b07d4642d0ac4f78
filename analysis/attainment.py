"""What several seeds of one study attain, as a section of its page."""

from collections.abc import Sequence
from pathlib import Path

from analysis.compared import Method, Searched, methods, read
from analysis.comparison import Standing, compare
from analysis.comparison_chart import surfaces_chart
from analysis.comparison_objectives import agreed
from analysis.comparison_panels import surfaces_panels
from analysis.knob_chart import colour_legend
from analysis.measuring import ways_of
from analysis.records import LEDGER_FILE, LedgerError, read_study
from analysis.table import Column, listing, numbers
from analysis.wording import escaped, remark, shown


def siblings(folder: Path) -> tuple[Searched, ...]:
    """Returns a study, and those in its folder of results that differ from it in name and seed alone, by seed.

    Each seed comes once. Passed over is a ledger beside it that cannot be read, or whose scores were measured in other
    ways.

    Raises:
        LedgerError: the study's own ledger is not there, or cannot be read.
    """
    own = read(str(folder))
    wanted = own.study.override(seed=0).digest
    found = {own.study.seed: own}
    for ledger in sorted(folder.resolve().parent.glob(f"*/{LEDGER_FILE}")):
        try:
            study = read_study(ledger.parent)
            if study.seed in found or study.override(seed=0).digest != wanted:
                continue
            other = read(str(ledger.parent))
        except (LedgerError, ValueError):  # the latter of a study that another version froze
            continue
        if ways_of(other.trials) == ways_of(own.trials):
            found[study.seed] = other
    return tuple(found[seed] for seed in sorted(found))


def section(searched: Sequence[Searched]) -> str:
    """Returns a section with the attained surfaces of studies that differ in name and seed alone; "" of one alone.

    Args:
        searched: as `siblings` gives them.
    """
    if len(searched) < 2:
        return ""
    (method,) = methods(agreed(searched, {}))
    (standing,) = compare([method]).standings
    charts = [
        f"<figure>{surfaces_chart(panel, f'attainment-{place}')}</figure>"
        for place, panel in enumerate(surfaces_panels([method]))
    ]
    return (
        '<section aria-label="Over seeds"><h2>Over seeds</h2>'
        f'<p>{escaped(_told(standing))}</p><div class="fronts{" several" if len(charts) > 1 else ""}">{"".join(charts)}'
        f"</div>{colour_legend(('n0',), (_line_told(method),))}{_note(method)}"
        f"<details><summary>Each search</summary>{_table(standing)}</details></section>"
    )


def _told(one: Standing) -> str:
    return (
        f"The study was searched under {len(one.volumes)} seeds: the hypervolume is {shown(one.mean)} on average "
        f"(95 % interval {shown(one.low)} to {shown(one.high)})."
    )


def _line_told(method: Method) -> str:
    if len(method.searches[0].study.objectives) == 1:
        return "share of the searches that attain a score"
    return "attained by at least half of the searches; band: by one to by all"


def _note(method: Method) -> str:
    several = len(method.searches[0].study.objectives) > 2
    return remark("of two objectives at a time, whatever the others are") if several else ""


def _table(one: Standing) -> str:
    searches = one.method.searches
    return listing(
        [
            Column("Study", [escaped(search.study.name) for search in searches]),
            numbers("Seed", [search.study.seed for search in searches]),
            numbers("Hypervolume", list(one.volumes)),
            numbers("On the front", [len(search.front) for search in searches]),
            numbers("Trials", [search.ended for search in searches]),
        ]
    )
