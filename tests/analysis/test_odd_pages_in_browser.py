"""Studies of which a page can show little: it opens without a complaint, says what is missing, and can be used."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from analysis import page, records
from analysis.front import front
from search_spaces.study import Study

pytestmark = pytest.mark.browser
Tables = tuple[Study, pa.Table, pa.Table]


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory, study_of: Callable[..., Study], write_search: Any) -> Any:
    """Tables of a study by its number of objectives."""
    folder = tmp_path_factory.mktemp("odd")
    names = {count: f"odd-{count}" for count in (1, 2, 3)}
    made = {count: study_of(count, name=names[count], trials=12) for count in names}
    return {count: records.tables(write_search(folder / names[count], study)) for count, study in made.items()}


def changed(table: pa.Table, **columns: Any) -> pa.Table:
    for name, value in columns.items():
        kind = table.schema.field(name)
        table = table.set_column(table.column_names.index(name), kind, pa.array([value] * table.num_rows, kind.type))
    return table


def scored(tables: Tables, value: float | None) -> pa.Table:
    study, trials, _ = tables
    return changed(trials, **{f"metrics.{one.metric}": value for one in study.objectives})


ODD: dict[str, tuple[int, Callable[[Tables], pa.Table], str]] = {
    "no trial": (2, lambda one: one[1].slice(0, 0), "No trial has begun"),
    "none ended": (2, lambda one: changed(scored(one, None), state="running", ended_seq=None), "No trial has finished"),
    "all stopped": (2, lambda one: changed(one[1], state="stopped"), "No trial has finished its 9 epochs"),
    "all failed": (2, lambda one: changed(one[1], state="failed"), "All 12 trials failed"),
    "a single trial": (2, lambda one: front(one[1], one[0]).slice(0, 1), "One trial has ended"),
    "one objective": (1, lambda one: one[1], "Best so far"),
    "one objective, a single trial": (1, lambda one: front(one[1], one[0]), "One trial has ended"),
    "all points equal": (2, lambda one: scored(one, 0.75), "complete trials have the same scores"),
    "all points equal, of three objectives": (3, lambda one: scored(one, 0.75), "complete trials have the same"),
    "no score is a number": (2, lambda one: scored(one, math.nan), "no finite number keep trials 0, 1"),
    "every score is infinite": (2, lambda one: scored(one, -math.inf), "no finite number keep trials 0, 1"),
    "scores of 1e308": (2, lambda one: scored(one, 1e308), "complete trials have the same scores"),
    "runs deleted": (2, lambda one: one[1].take(pa.array([0, 2, 5, 11])), "The record lacks trials 1, 3, 4, 6"),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_study_has_a_page_that_says_so(
    tables: dict[int, Tables], opened: Callable[..., Any], tmp_path: Path, name: str
) -> None:
    count, change, words = ODD[name]
    study, _, epochs = tables[count]
    trials = change(tables[count])
    path = tmp_path / "report.html"
    path.write_text(page.render(trials, epochs, front(trials, study), study), encoding="utf-8", newline="\n")
    here = opened(path, 390)
    assert words in here.locator("body").inner_text()
    assert here.evaluate("document.documentElement.scrollWidth") <= 390
    assert here.locator("svg [d*=NaN], svg [points*=nan], svg [d*=nan], svg [cx*=nan], svg [d*=inf]").count() == 0
    here.keyboard.press("Tab")
    here.keyboard.press("ArrowRight")
    assert here.locator("#all tbody tr").count() == trials.num_rows
    if trials.num_rows:
        with here.expect_download():
            here.get_by_role("button", name="Parquet").click()
