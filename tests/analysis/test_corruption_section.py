"""The page's section on corruptions: what it says, that hostile names stay text, and how it looks in a browser."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from analysis import records, report
from analysis.corruption import errors_of
from analysis.corruption_section import corruption_section
from analysis.figure_files import figure_files
from robustune.ledger import Ledger
from search_spaces.domains import Choice
from search_spaces.study import Budget, Objective, Study

HOSTILE = "<script>window.hurt = 1</script>"
ERRORS = {
    "table": {"corruptions": ["fog", "speckle_noise"], "severities": [1, 5], "errors": [[0.1, 0.3], [0.2, 0.6]]},
    "mean_error": 0.3,
    "clean_error": 0.05,
    "images": 1449,
    "overlap": {"speckle_noise": {"gaussian": f"starts from normal noise {HOSTILE}"}},
}
SETS = {"baseline": {"validation_accuracy": 0.8125, "epochs": 9}, "baseline-errors/validation": ERRORS}
WAYS = {
    "mce": [(1, "fog at severity 5"), (4, "fog, speckle_noise at severities 1, 5")],
    "relative_mce": [(1, "fog at severity 5"), (4, "fog, speckle_noise at severities 1, 5")],
    "ce/fog": [(1, "fog at severity 5")],
}


@pytest.fixture(scope="module")
def study(grid_of: Callable[..., Study]) -> Study:
    return grid_of(
        {"batch_size": Choice((8, 16, 32))},
        objectives=(Objective("mce", "min", 1.2), Objective("clean_accuracy", "max", 0.1)),
        measure=("ce/fog",),
        budget=Budget(3, 2),
        options={"baseline_start": "pretext", "early_corruption_severities": (3,)},
    )


def test_a_study_without_relative_scores_has_no_such_section(study: Study) -> None:
    assert corruption_section(study, {"baseline": {"validation_accuracy": 0.8}}, {}, ()) == ""


def test_it_names_the_baseline_the_ways_and_what_overlaps(study: Study) -> None:
    text = corruption_section(study, SETS, WAYS, ())
    assert (
        "trained for this study (start pretext); validation accuracy 0.8125; mean error under corruptions 0.3" in text
    )
    assert "(1,449 validation images)" in text
    assert "<li>mCE, relative mCE: from epoch 1 on fog at severity 5; from epoch 4 on fog, speckle noise at" in text
    assert "<li>CE fog: fog at severity 5</li>" in text
    assert "The search saw fog, speckle noise" in text
    assert 'data-value="0.2">0.2</td>' in text  # fog's mean
    assert 'data-value="0.4">0.4</td>' in text  # speckle noise's
    assert HOSTILE not in text
    assert "&lt;script&gt;" in text
    assert "Evaluated trials" not in text


def test_scores_that_are_relative_to_nothing_name_no_baseline(study: Study) -> None:
    text = corruption_section(study, {"data": {}}, {"corrupted_miou": [(1, "fog at severity 3")]}, ())
    assert "fog at severity 3" in text
    assert "baseline" not in text


def test_an_adopted_baseline_is_called_so(study: Study) -> None:
    text = corruption_section(study, {**SETS, "baseline": {"adopted": "0123456789ab"}}, WAYS, ())
    assert "adopted from the checkpoint 0123456789ab" in text


def test_after_an_evaluation_every_trial_and_corruption_is_there(
    study: Study, error_rows: Callable[..., pa.Table], error_rate: Callable[..., float]
) -> None:
    table = error_rows(study, [0, 2], overlap={"fog": HOSTILE})
    text = corruption_section(study, SETS, WAYS, errors_of(table, study))
    assert text.count("<tr><td") == 2 + 2
    assert "Fog ‡" in text
    assert "Spatter †" in text
    assert "mCE, all without overlap" in text
    assert "Trial 2: errors by corruption and severity" in text  # the higher the number, the fewer the errors
    assert text.count('class="dash"') == 19 * 5 + 1
    assert HOSTILE not in text
    told = f"severity 5, fog ‡: {error_rate(2, 'fog', 5):.4g}, baseline {error_rate(-1, 'fog', 5):.4g}"
    assert told in text


@pytest.fixture(scope="module")
def page(grid: Callable[..., Path], study: Study, evaluation: Callable[..., pa.Table]) -> Path:
    folder = grid(study, lambda config, metric, epoch: config["batch_size"] / 64 + epoch / 10)
    with Ledger.open(folder) as ledger:
        for name, summary in SETS.items():
            ledger.record_set(name, "ab" * 32, summary)
    evaluation(folder, study, records.trials(folder).to_pylist(), overlap={"fog": HOSTILE})
    paths = report.write(folder)
    assert set(figure_files("corruption-errors", "corruption-ratios")) <= set(paths)
    return paths["report.html"]


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
in_browser = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as running:
        found = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield found
        found.close()


@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        pytest.param(width, scheme, marks=in_browser)
        for width, scheme in ((1280, "light"), (1280, "dark"), (360, "light"))
    ],
)
def test_the_section_fits_sorts_and_can_be_told_apart(page: Path, browser: Any, width: int, scheme: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
    complaints: list[str] = []
    shown = context.new_page()
    shown.on("console", lambda said: complaints.append(said.text))
    shown.on("pageerror", lambda error: complaints.append(str(error)))
    shown.goto(page.as_uri())
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    section = shown.locator("section[aria-label=Corruptions]")
    fills = "[...document.querySelectorAll('.groups .bar')].map(bar => getComputedStyle(bar).fill)"
    assert len(set(shown.evaluate(fills))) == 5
    dash = "getComputedStyle(document.querySelector('.groups .dash')).stroke"
    assert shown.evaluate(dash) not in shown.evaluate(fills)
    head = section.locator("th", has_text="mCE, unseen")
    head.locator("button").click()
    table = section.locator("table", has=head)
    cells = [float(text) for text in table.locator("tbody tr td:nth-child(2)").all_inner_texts()]
    assert cells == sorted(cells)
    small = "[...document.querySelectorAll('.groups svg text')].map(text => text.getBoundingClientRect().height)"
    assert min(shown.evaluate(small)) > 8
    assert shown.evaluate("window.hurt") is None
    assert complaints == []
    context.close()
