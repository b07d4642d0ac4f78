"""The page of a comparison in a real browser: pointing, keys, sorting, phone and dark; hostile names stay text."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analysis import comparison_report
from analysis.compared import read

pytestmark = pytest.mark.browser

HOSTILE = ("<script>window.hurt = 1</script>", "<img src=x onerror='window.hurt = 1'>")


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory, grid: Callable[..., Path], grid_of: Callable[..., Any]) -> Path:
    """Two methods of two seeds each; one of them holds hostile texts in its content."""
    from search_spaces.domains import Choice
    from search_spaces.study import Budget, Objective

    trade = (Objective("clean_accuracy", "max", 0.3), Objective("mce", "min", 1.2))
    places = []
    for better, name in enumerate(("plain", "fair")):
        for seed in (0, 1):
            study = grid_of(
                {"batch_size": Choice((1, 2, 3, 4))},
                name=f"{name}-{seed}",
                seed=seed,
                objectives=trade,
                measure=(),
                budget=Budget(4, 1),
                options={HOSTILE[0]: HOSTILE[1], "better": better},
            )
            study = replace(study, options={**study.options, "note": HOSTILE[better]})
            gain = 0.05 * better + 0.01 * seed
            score = lambda config, metric, _, gain=gain: (  # noqa: E731
                0.5 + config["batch_size"] / 20 + (gain if metric == "clean_accuracy" else 0.2 - gain)
            )
            places.append(str(grid(study, score)))
    out = tmp_path_factory.mktemp("compared")
    return comparison_report.write([read(place) for place in places], out, {})[1]["compare.html"]


def test_pointing_at_a_mark_tells_its_trial_and_a_click_leads_to_its_row(
    page_file: Path, opened: Callable[..., Any]
) -> None:
    page = opened(page_file)
    said = page.locator(".marked .said")
    assert said.inner_text().startswith("Point at a mark")
    mark = page.locator(".marked .mark").nth(2)
    mark.locator(".target").hover()
    assert said.inner_text() == mark.get_attribute("data-said")
    assert "seed" in said.inner_text()
    mark.locator(".target").click()
    assert page.evaluate("document.querySelector('tr:target').id") == mark.get_attribute("href")[1:]
    page.mouse.move(2, 2)
    page.keyboard.press("Escape")
    assert said.inner_text().startswith("Point at a mark")


def test_the_keyboard_reaches_every_mark(page_file: Path, opened: Callable[..., Any]) -> None:
    page = opened(page_file)
    marks = page.locator(".marked .mark")
    page.locator(".marked .mark[tabindex='0']").focus()
    seen = set()
    for _ in range(marks.count()):
        seen.add(page.evaluate("document.activeElement.getAttribute('href')"))
        assert page.locator(".marked .mark.on").count() == 1
        page.keyboard.press("ArrowRight")
    assert len(seen) == marks.count()


def test_the_first_tap_tells_and_the_second_leads_to_the_row(page_file: Path, opened: Callable[..., Any]) -> None:
    page = opened(page_file, 390, has_touch=True, is_mobile=True)
    mark = page.locator(".marked .mark").nth(2)
    mark.locator(".target").tap()
    assert page.locator(".marked .said").inner_text() == mark.get_attribute("data-said")
    assert "#" not in page.url
    mark.locator(".target").tap()
    assert page.url.endswith(mark.get_attribute("href"))


def test_a_mark_leads_to_its_row_on_whatever_page_of_the_table(
    tmp_path: Path, grid: Callable[..., Path], grid_of: Callable[..., Any], opened: Callable[..., Any]
) -> None:
    from search_spaces.domains import Choice
    from search_spaces.study import Budget, Objective

    trade = (Objective("clean_accuracy", "max", 0.3), Objective("mce", "min", 1.2))
    sizes = {"batch_size": Choice(tuple(range(1, 61)))}
    study = grid_of(sizes, name="long", objectives=trade, measure=(), budget=Budget(60, 1))
    place = str(grid(study, lambda config, *_: 0.4 + config["batch_size"] / 120))
    page = opened(comparison_report.write([read(place)], tmp_path, {})[1]["compare.html"])
    row = page.locator("#point-55")
    assert row.is_hidden()
    link = page.locator('.marked .mark[href="#point-55"]')
    link.dispatch_event("click")
    row.wait_for(state="visible")
    page.get_by_label("Pages of the table").get_by_text("First").click()
    assert row.is_hidden()
    link.dispatch_event("click")
    row.wait_for(state="visible")
    assert row.evaluate("one => one.matches(':target')")


def test_a_title_sorts_the_searches(page_file: Path, opened: Callable[..., Any]) -> None:
    page = opened(page_file)
    head = page.locator("section[aria-label='Hypervolume'] th", has_text="Hypervolume").first
    place = head.evaluate("cell => cell.cellIndex")
    rows = "[...document.querySelector(\"section[aria-label='Hypervolume'] tbody\").rows]"
    head.locator("button").click()
    values = page.evaluate(f"{rows}.map(row => Number(row.cells[{place}].textContent))")
    assert values == sorted(values)


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_and_hostile_texts_stay_text(
    page_file: Path, opened: Callable[..., Any], width: int, scheme: str
) -> None:
    page = opened(page_file, width, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("window.hurt") is None
    assert page.locator("img, iframe, [onerror]").count() == 0
    assert HOSTILE[0] in page.locator("section[aria-label='What differs in their studies']").inner_text()
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    lines = page.evaluate("[...document.querySelectorAll('.value')].map(line => getComputedStyle(line).stroke)")
    assert len(set(lines)) == 2
    assert paper not in lines
    assert page.locator(".more").count() > 0
