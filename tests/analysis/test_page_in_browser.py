"""The page in a real browser: pointing, keys, sorting, and nothing hostile comes to life."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis import records, report
from analysis.front import front
from search_spaces.domains import Choice, Uniform, Whole

pytestmark = pytest.mark.browser

HOSTILE = (
    "<script>window.hurt = 1</script>",
    "</script><img src=x onerror='window.hurt = 1'>",
    '" onmouseover="window.hurt = 1" x=\'',
    "=cmd()|'/c calc'!A0",
)


@pytest.fixture
def hostile(search: Callable[..., Path], study_of: Callable[..., Any]) -> Path:
    folder = search(study_of(transforms=HOSTILE), reason="\x1b[31mred\u202e </td><script>window.hurt = 1</script>")
    report.write(folder, {number: {HOSTILE[0]: "javascript:window.hurt=1"} for number in range(24)})
    return folder / "report.html"


def test_pointing_at_a_trial_tells_its_scores_and_options(made_up: Path, opened: Callable[..., Any]) -> None:
    page = opened(report.write(made_up)["report.html"])
    best = front(records.trials(made_up), records.read_study(made_up)).to_pylist()[0]
    tip = page.locator(".fronts .tip")
    assert tip.is_hidden()
    page.locator(f'.point[data-trial="{best["number"]}"] .target').hover()
    told = tip.inner_text()
    assert told.startswith(f"Trial {best['number']}, complete")
    assert f"{best['metrics.clean_accuracy']:.4g}" in told
    assert f"{best['options.learning_rate']:.4g}" in told
    assert best["options.transform"] in told
    page.mouse.move(2, 2)
    assert tip.is_hidden()


def test_the_keyboard_reaches_every_trial(made_up: Path, opened: Callable[..., Any]) -> None:
    page = opened(report.write(made_up)["report.html"])
    page.locator(".contents a").last.focus()
    page.keyboard.press("Tab")
    seen = set()
    points = page.locator(".fronts path.dots").evaluate_all(
        "all => all.flatMap(path => path.dataset.trials.split(' '))"
    )
    points += page.locator(".fronts a.point").evaluate_all("all => all.map(point => point.dataset.trial)")
    assert len(points) > 12
    for _ in points:
        seen.add(page.evaluate("document.activeElement.dataset.trial"))
        assert (
            f"Trial {page.evaluate('document.activeElement.dataset.trial')},"
            in page.locator(".fronts .tip").inner_text()
        )
        page.keyboard.press("ArrowRight")
    assert seen == set(points)
    page.keyboard.press("Escape")
    assert page.locator(".fronts .tip").is_hidden()


def test_a_click_on_a_title_sorts_by_number_and_a_second_one_turns_it(
    made_up: Path, opened: Callable[..., Any]
) -> None:
    page = opened(report.write(made_up)["report.html"])
    head = page.locator("#all th", has_text="Learning rate")
    place = head.evaluate("cell => cell.cellIndex")
    read = f"[...document.querySelector('#all').tBodies[0].rows].map(row => Number(row.cells[{place}].textContent))"
    assert page.evaluate(read) != sorted(page.evaluate(read))
    head.locator("button").click()
    assert page.evaluate(read) == sorted(page.evaluate(read))
    assert head.get_attribute("aria-sort") == "ascending"
    head.locator("button").click()
    assert page.evaluate(read) == sorted(page.evaluate(read), reverse=True)


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_hostile_name_is_shown_and_stays_text(
    hostile: Path, opened: Callable[..., Any], width: int, scheme: str
) -> None:
    page = opened(hostile, width, color_scheme=scheme)
    for point in page.locator(".fronts .point.front").all():
        point.focus()
    assert page.evaluate("window.hurt") is None
    assert page.locator("script:not([type])").count() == 1
    assert page.locator("img, iframe, object, link, [onmouseover], [onerror], a[href^='javascript']").count() == 0
    assert page.locator("#all").inner_text().count(HOSTILE[0]) > 0
    assert "\\u202e" in page.locator("body").inner_text()


def test_a_phone_needs_no_sideways_scrolling_of_the_page(made_up: Path, opened: Callable[..., Any]) -> None:
    page = opened(report.write(made_up)["report.html"], 360)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    for point in page.locator(".fronts .point.front").all():
        point.focus()
        box = page.locator(".fronts .tip").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360


def test_a_tap_tells_and_stays_where_it_is(made_up: Path, opened: Callable[..., Any]) -> None:
    page = opened(report.write(made_up)["report.html"], 390, has_touch=True, is_mobile=True)
    page.locator(".fronts .point.front .target").first.tap()
    assert page.locator(".fronts .tip").is_visible()
    assert "#" not in page.url


@pytest.fixture(scope="module")
def gridded(grid: Callable[..., Path], grid_of: Callable[..., Any]) -> Path:
    """The page of a grid over hostile names and sizes, with a failed trial and one that is not there."""
    space = {"transform": Choice(HOSTILE), "batch_size": Choice((8, 16, 32))}
    folder = grid(grid_of(space), lambda config, *_: config["batch_size"] / 64, failed=2, left=1)
    return report.write(folder)["report.html"]


def test_the_arrow_keys_walk_a_heat_map_row_by_row(gridded: Path, opened: Callable[..., Any]) -> None:
    page = opened(gridded)
    cells = page.locator(".maps figure").first.locator(".point")
    assert cells.count() == 11
    page.locator(".contents a").last.focus()
    page.keyboard.press("Tab")
    best = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert best.endswith("clean accuracy 0.500, best")
    page.keyboard.press("ArrowLeft")
    assert "Batch size 16" in page.evaluate("document.activeElement.getAttribute('aria-label')")
    before = page.evaluate("document.activeElement.getAttribute('aria-label')")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    if page.evaluate("document.activeElement.getAttribute('aria-label')") != before:
        page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == before
    seen = set()
    for _ in range(cells.count()):
        seen.add(page.evaluate("document.activeElement.dataset.trial"))
        page.keyboard.press("ArrowRight")
    assert len(seen) == 11
    assert page.locator(".maps figure").first.locator(".point[tabindex='0']").count() == 1


def test_pointing_at_a_cell_shows_its_trial_everywhere(gridded: Path, opened: Callable[..., Any]) -> None:
    page = opened(gridded)
    cell = page.locator(".maps .point").nth(3)
    trial = cell.get_attribute("data-trial")
    cell.locator(".target").hover()
    assert page.locator(".maps figure").first.locator(".tip").inner_text().startswith(f"Trial {trial}, ")
    assert page.locator(f".maps .point.on[data-trial='{trial}']").count() == page.locator(".maps figure").count()
    assert "on" in (page.locator(f"#trial-{trial}").get_attribute("class") or "")


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_grids_and_knobs_fit_and_stay_text(gridded: Path, opened: Callable[..., Any], width: int, scheme: str) -> None:
    page = opened(gridded, width, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("window.hurt") is None
    assert page.locator("script:not([type])").count() == 1
    assert page.locator("img, iframe, [onmouseover], [onerror]").count() == 0
    for summary in page.locator("summary").all():
        summary.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    tables = page.locator("[aria-label='Grid'] details table, [aria-label='Knob'] details table")
    assert tables.count() == 5 + len(HOSTILE)
    assert tables.first.inner_text().count("failed") == 1
    marks = page.evaluate(
        "[...document.querySelectorAll('[aria-label=Knob] .bar')].map(bar => getComputedStyle(bar).fill)"
    )
    assert len(set(marks)) == 3


@pytest.fixture(scope="module")
def noisy(grid: Callable[..., Path], grid_of: Callable[..., Any]) -> Path:
    """The page of curves over weight noise whose nets differ in a hostile option."""
    noise = Uniform(0, 1, points=(0, 0.1, 0.4))
    study = grid_of({"noise_scale": noise, "transform": Choice(HOSTILE), "replicate": Whole(0, 1)}, trials=24)
    return report.write(grid(study, lambda config, *_: 0.7 - config["noise_scale"]))["report.html"]


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_curves_over_weight_noise_fit_and_stay_text(
    noisy: Path, opened: Callable[..., Any], width: int, scheme: str
) -> None:
    page = opened(noisy, width, color_scheme=scheme)
    assert page.locator(".noise figure").count() == 2
    for summary in page.locator(".noise summary").all():
        summary.click()
    assert page.locator(".noise tbody tr").count() == 2 * 3 * len(HOSTILE)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("window.hurt") is None
    assert page.locator("img, iframe, [onmouseover], [onerror]").count() == 0
    assert HOSTILE[0] in page.locator(".noise .legend").inner_text()
