"""The table of all trials in a real browser: pages, filters, downloads, and ways from a chart to a row and back."""

import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

from analysis import page, records
from analysis.front import front
from search_spaces.study import Study

pytestmark = pytest.mark.browser
HOSTILE = ("<script>window.hurt = 1</script>", "=cmd()|'/c calc'!A0", '", "\r\n', "ü\u202e\x1b\u2029\U000e0001 é")
ODD = (0.78125, 1e-5, 0.0, -0.0, 123456.0, 9999.5, 0.1 + 0.2, 1e300, 5e-324, math.nan, math.inf, -math.inf, -2.5e-7)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory, study_of: Callable[..., Study], write_search: Any) -> Any:
    """A page of 130 trials with hostile options and odd scores: its path, study and table of trials."""
    study = study_of(trials=130)
    folder = tmp_path_factory.mktemp("many")
    study, trials, epochs = records.tables(write_search(folder / study.name, study, reason="of\n<b>"))
    scores = [*ODD, *trials["metrics.pgd_accuracy"].to_pylist()[len(ODD) :]]
    texts = [HOSTILE[number % len(HOSTILE)] for number in range(130)]
    for name, values in (("metrics.pgd_accuracy", scores), ("options.transform", texts)):
        place = trials.column_names.index(name)
        trials = trials.set_column(place, trials.schema.field(place), pa.array(values))
    links = {number: {"MLflow run": f"http://127.0.0.1:5000/#/runs/{number:032x}"} for number in range(130)}
    links[7] = {"MLflow run (deleted there)": "", HOSTILE[0]: "javascript:window.hurt=1"}
    path = folder / "report.html"
    path.write_text(page.render(trials, epochs, front(trials, study), study, links), encoding="utf-8", newline="\n")
    return path, study, trials


def cells(opened_page: Any) -> list[list[str]]:
    read = "all => all.map(row => [...row.cells].map(cell => cell.textContent))"
    return list(opened_page.locator("#all tbody tr").evaluate_all(read))


def numbers(opened_page: Any) -> list[int]:
    return [int(row[0]) for row in cells(opened_page)]


def sifted(opened_page: Any, text: str) -> None:
    """Types a filter, and waits until it has been heeded."""
    opened_page.locator("input[type=search]").fill(text)
    opened_page.wait_for_timeout(250)


def test_the_table_says_the_same_with_its_script_and_without(many: Any, opened: Callable[..., Any]) -> None:
    path, _, _ = many
    live, still = opened(path), opened(path, java_script_enabled=False)
    assert cells(live) == cells(still)
    assert len(cells(still)) == 50
    assert still.locator("noscript").inner_text().startswith("The first 50 of 130 trials")
    assert still.locator(".fronts a.point").count() > 0
    assert still.locator(".bar-of-table").count() == 0
    heads = "all => all.map(head => head.textContent)"
    assert live.locator("#all th").evaluate_all(heads) == still.locator("#all th").evaluate_all(heads)
    assert live.evaluate("window.hurt") is None


def test_every_page_of_the_table_is_reached(many: Any, opened: Callable[..., Any]) -> None:
    here = opened(many[0])
    pager = here.get_by_label("Pages of all trials")
    assert numbers(here) == list(range(50))
    pager.get_by_text("Next").click()
    assert numbers(here) == list(range(50, 100))
    pager.get_by_text("Last").click()
    assert numbers(here) == list(range(100, 130))
    assert "101–130 of 130" in pager.inner_text()
    assert pager.get_by_text("Next").is_disabled()
    pager.get_by_text("First").click()
    assert numbers(here)[0] == 0


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("clean_accuracy>0.8", lambda row: (row["metrics.clean_accuracy"] or 0) > 0.8),
        ("State=STOPPED epochs<=3", lambda row: row["state"] == "stopped" and row["epochs"] <= 3),
        ("extra_share=", lambda row: row["options.extra_share"] is None),
        ("extra_share!=", lambda row: row["options.extra_share"] is not None),
        ("batch_size=64 batch_size!=8", lambda row: row["options.batch_size"] == 64),
        ("=CMD()|'/c", lambda row: row["options.transform"] == HOSTILE[1]),
        ("pgd_accuracy>1e299", lambda row: row["metrics.pgd_accuracy"] in (1e300, math.inf)),
        ("nothing-is-called-so", lambda row: False),
    ],
)
def test_a_filter_leaves_what_it_says(
    many: Any, opened: Callable[..., Any], text: str, holds: Callable[[dict[str, Any]], bool]
) -> None:
    path, _, trials = many
    here = opened(path)
    sifted(here, text)
    wanted = [row["number"] for row in trials.to_pylist() if holds(row)]
    assert numbers(here) == wanted[:50]
    assert here.locator("output").inner_text() == f"{len(wanted)} of 130 trials"
    assert here.locator(".complaint").inner_text() == ""


def test_a_filter_that_cannot_be_read_says_why_and_changes_nothing(many: Any, opened: Callable[..., Any]) -> None:
    here = opened(many[0])
    sifted(here, "accuracy>0.8")
    assert here.locator(".complaint").inner_text().startswith("Filter: no column is called accuracy; there is number,")
    sifted(here, "epochs>many")
    assert here.locator(".complaint").inner_text() == "Filter: epochs is a number, and many is none."
    for text, why in (
        ("clean_accuracy>", "after clean_accuracy> a value is missing, with no space before it"),
        ("clean_accuracy> 0.8", "after clean_accuracy> a value is missing, with no space before it"),
        ("clean_accuracy >0.8", "before >0.8 a column is missing, with no space after it"),
        ('"crop', "the quote before crop is not closed"),
    ):
        sifted(here, text)
        assert here.locator(".complaint").inner_text() == f"Filter: {why}."
        assert here.locator("output").first.inner_text() == "130 trials"
    assert len(numbers(here)) == 50
    sifted(here, "epochs>8")
    assert here.locator(".complaint").is_hidden()


def test_the_states_are_counted_and_chosen_from(many: Any, opened: Callable[..., Any]) -> None:
    path, study, trials = many
    here = opened(path)
    best = front(trials, study)["number"].to_pylist()
    here.locator("select").select_option("front")
    assert numbers(here) == sorted(best)
    failed = trials["state"].to_pylist().count("failed")
    assert f"failed ({failed})" in here.locator("select").inner_text()


def test_the_parquet_file_is_the_table_of_the_ledger(many: Any, opened: Callable[..., Any], tmp_path: Path) -> None:
    path, _, trials = many
    here = opened(path)
    with here.expect_download() as download:
        here.get_by_role("button", name="Parquet").click()
    assert download.value.suggested_filename == "trials.parquet"
    made = pq.read_table(download.value.path())
    assert made.schema.equals(trials.schema, check_metadata=False)
    for name in trials.column_names:  # a table of nan equals no other
        assert [repr(value) for value in made[name].to_pylist()] == [repr(value) for value in trials[name].to_pylist()]
    assert made.schema.metadata[b"record"] == trials.schema.metadata[b"record"]
    sifted(here, "number>=60 number<60")
    with here.expect_download() as download:
        here.get_by_role("button", name="Parquet").click()
    empty = pq.read_table(download.value.path())
    assert (empty.num_rows, empty.schema.names) == (0, trials.column_names)


def test_the_downloaded_file_is_a_study_that_scripts_read(
    made_up: Path, opened: Callable[..., Any], tmp_path: Path
) -> None:
    from analysis.sources import opened as source

    study, trials, epochs = records.tables(made_up)
    path = tmp_path / "report.html"
    path.write_text(page.render(trials, epochs, front(trials, study), study), encoding="utf-8", newline="\n")
    with (here := opened(path)).expect_download() as download:
        here.get_by_role("button", name="Parquet").click()
    download.value.save_as(tmp_path / "trials.parquet")
    with source(str(tmp_path / "trials.parquet")) as folder:
        again, copied, _ = records.tables(folder)
    assert again == study
    assert front(copied, again)["number"].equals(front(trials, study)["number"])


def test_the_csv_file_has_the_rows_that_are_left_and_no_formula(many: Any, opened: Callable[..., Any]) -> None:
    path, _, trials = many
    here = opened(path)
    sifted(here, "state=complete")
    here.locator("#all th", has_text="Clean accuracy").locator("button").click()
    with here.expect_download() as download:
        here.get_by_role("button", name="CSV").click()
    text = Path(download.value.path()).read_bytes()
    options = pc.ParseOptions(newlines_in_values=True)
    strings = pc.ConvertOptions(strings_can_be_null=True, quoted_strings_can_be_null=False)
    made = pc.read_csv(io.BytesIO(text), parse_options=options, convert_options=strings)
    wanted = sorted(
        (row for row in trials.to_pylist() if row["state"] == "complete"), key=lambda row: row["metrics.clean_accuracy"]
    )
    assert made["number"].to_pylist() == [row["number"] for row in wanted]
    assert made["metrics.clean_accuracy"].to_pylist() == [row["metrics.clean_accuracy"] for row in wanted]
    assert set(made["options.transform"].to_pylist()) == {"'" + one if one[0] == "=" else one for one in HOSTILE}


def test_a_point_leads_to_its_row_wherever_that_is(many: Any, opened: Callable[..., Any]) -> None:
    path, study, trials = many
    here = opened(path)
    sifted(here, "state=failed")
    trial = max(front(trials, study)["number"].to_pylist())
    here.locator(f'a.point[data-trial="{trial}"] .target').click()
    row = here.locator(f"#trial-{trial}")
    assert row.evaluate("row => row === document.activeElement && row.classList.contains('sought')")
    box = row.bounding_box()
    assert 0 <= box["y"] <= 900
    assert here.locator("input[type=search]").input_value() == ""
    assert row.locator("a").get_attribute("href") == f"http://127.0.0.1:5000/#/runs/{trial:032x}"
    again = here.evaluate("location.hash")
    assert again == f"#trial-{trial}"


def test_an_address_with_a_trial_opens_at_its_row(many: Any, opened: Callable[..., Any], tmp_path: Path) -> None:
    here = opened(many[0])
    here.goto(f"{many[0].as_uri()}#trial-129")
    here.reload()
    assert here.evaluate("document.activeElement.id") == "trial-129"


def test_a_point_that_shares_its_path_is_told_and_leads_on(many: Any, opened: Callable[..., Any]) -> None:
    here = opened(many[0])
    path = here.locator("path.dots").first
    trial = path.get_attribute("data-trials").split(" ")[0]
    x, y = (float(part) for part in path.get_attribute("d")[1:].split("a")[0].split(" "))
    y += float(path.get_attribute("data-radius"))
    svg = here.locator(".fronts svg").first
    box = svg.bounding_box()
    scale = box["width"] / 720
    here.mouse.move(box["x"] + x * scale, box["y"] + y * scale)
    told = here.locator(".fronts .tip").inner_text()
    assert told.startswith("Trial ")
    made = here.locator("a.point.made, a.point.on").first
    trial = made.get_attribute("data-trial")
    assert here.locator(f'.curves [data-trial="{trial}"].on, .curves .line.on').count() >= 1
    here.mouse.click(box["x"] + x * scale, box["y"] + y * scale)
    assert here.evaluate("document.activeElement.id") == f"trial-{trial}"


def test_what_is_no_address_is_told_as_text(many: Any, opened: Callable[..., Any]) -> None:
    here = opened(many[0])
    row = here.locator("#trial-7")
    assert "MLflow run (deleted there)" in row.inner_text()
    assert row.locator("a").count() == 0
    assert row.locator("code").inner_text() == "javascript:window.hurt=1"


def test_print_has_no_buttons(many: Any, opened: Callable[..., Any]) -> None:
    here = opened(many[0])
    here.emulate_media(media="print")
    assert here.locator(".bar-of-table").is_hidden()
    assert here.get_by_label("Pages of all trials").is_hidden()
    assert here.locator("#all").is_visible()


@pytest.mark.parametrize("width", [390, 1280])
def test_the_table_is_worked_by_keyboard_alone(many: Any, opened: Callable[..., Any], width: int) -> None:
    here = opened(many[0], width)
    here.locator("input[type=search]").focus()
    here.keyboard.type("state=failed")
    here.wait_for_timeout(250)
    assert here.locator("output").inner_text() == "14 of 130 trials"
    here.keyboard.press("Tab")
    assert here.evaluate("document.activeElement.tagName") == "SELECT"
    here.keyboard.press("Tab")
    assert here.evaluate("document.activeElement.textContent") == "CSV"
    assert here.evaluate("document.documentElement.scrollWidth") <= width


def test_a_second_tap_on_a_trial_leads_to_its_row(many: Any, opened: Callable[..., Any]) -> None:
    here = opened(many[0], 390, has_touch=True, is_mobile=True)
    target = here.locator(".fronts a.point .target").last
    trial = here.locator(".fronts a.point").last.get_attribute("data-trial")
    target.tap()
    assert here.locator(".fronts .tip").inner_text().startswith(f"Trial {trial}, complete")
    assert "#" not in here.url
    target.tap()
    assert here.evaluate("document.activeElement.id") == f"trial-{trial}"
