"""Parallel coordinates in a real browser: pointing, keys, ranges, and no sideways scrolling on a phone."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analysis import records, report
from analysis.envelope import enveloped
from analysis.front import front
from analysis.page_parts import STYLE
from analysis.parallel import parallel
from analysis.parallel_section import parallel_section

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def written(made_up: Path) -> Path:
    return report.write(made_up)["report.html"]


def test_the_keyboard_walks_the_lines_front_first_and_enter_leads_to_the_trial(
    written: Path, made_up: Path, opened: Callable[..., Any]
) -> None:
    page = opened(written)
    page.wait_for_selector(".stage[data-drawn]")
    best = set(front(records.trials(made_up), records.read_study(made_up))["number"].to_pylist())
    page.locator(".stage").focus()
    seen = set()
    for _ in best:
        page.keyboard.press("ArrowRight")
        told = page.locator(".ranges output").inner_text()
        assert told.endswith(", front")
        seen.add(int(told.split()[1].rstrip(",")))
        assert page.locator("#tip-parallel").inner_text().startswith(f"Trial {told.split()[1].rstrip(',')}, complete")
    assert seen == best
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash").startswith("#trial-")


def test_a_range_keeps_the_trials_within_it(written: Path, made_up: Path, opened: Callable[..., Any]) -> None:
    page = opened(written)
    trials = records.trials(made_up)
    page.wait_for_selector(f'.stage[data-drawn="{trials.num_rows}"]')
    page.get_by_label("Axis").select_option(label="Noise scale")
    page.get_by_label("From").fill("50")
    kept = sum(value >= 0.1 for value in trials["options.noise_scale"].to_pylist())
    page.wait_for_selector(f'.stage[data-drawn="{kept}"]')
    assert f"of {trials.num_rows} within the ranges" in page.locator(".ranges output").inner_text()
    page.get_by_role("button", name="Clear ranges").click()
    page.wait_for_selector(f'.stage[data-drawn="{trials.num_rows}"]')


def test_a_line_that_is_pointed_at_tells_its_trial_and_a_left_click_leads_to_it(
    written: Path, opened: Callable[..., Any]
) -> None:
    page = opened(written)
    page.wait_for_selector(".stage[data-drawn]")
    stage = page.locator(".stage")
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    points = page.locator(".threads .front").last.get_attribute("points").split()
    ends = [[float(part) for part in point.split(",")] for point in points[-2:]]
    x, y = (sum(parts) / 2 for parts in zip(*ends, strict=True))  # between two axes: on one of them a range begins
    scale = box["width"] / float(page.locator(".stage > svg").get_attribute("viewBox").split()[2])
    where = box["x"] + x * scale, box["y"] + y * scale
    page.mouse.move(*where)
    tip = page.locator("#tip-parallel")
    tip.wait_for(state="visible")
    trial = tip.inner_text().split()[1].rstrip(",")
    page.mouse.click(*where, button="right")
    assert page.evaluate("location.hash") == ""
    page.mouse.click(*where)
    assert page.evaluate("location.hash") == f"#trial-{trial}"


def test_a_phone_in_the_dark_scrolls_the_lines_and_not_the_page(written: Path, opened: Callable[..., Any]) -> None:
    page = opened(written, width=390, color_scheme="dark")
    page.wait_for_selector(".stage[data-drawn]")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("width", [1200, 390])
def test_few_axes_are_not_drawn_larger_than_they_are(
    made_up: Path, opened: Callable[..., Any], tmp_path: Path, width: int
) -> None:
    study, trials, _ = records.tables(made_up)
    drawn = parallel(trials, front(trials, study), study)
    few = replace(drawn, axes=drawn.axes[-3:], heights=drawn.heights[:, -3:])
    path = tmp_path / "few.html"
    path.write_text(enveloped("few", [parallel_section(few)], STYLE, ""), "utf-8")
    page = opened(path, width=width)
    assert page.locator(".stage > svg").bounding_box()["width"] == 78 + 2 * 118 + 56
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_lines_of_stopped_trials_look_other_than_whole_ones_and_labels_have_a_casing(
    written: Path, opened: Callable[..., Any], scheme: str
) -> None:
    page = opened(written, color_scheme=scheme)
    read = "(one, name) => getComputedStyle(one)[name]"
    whole, stopped = (page.locator(f".legend .thread.{fate}") for fate in ("complete", "stopped"))
    for name in ("stroke", "strokeDasharray", "opacity"):
        assert whole.evaluate(read, name) != stopped.evaluate(read, name)
    label = page.locator(".stage .tick").first
    assert label.evaluate(read, "paintOrder").startswith("stroke")
    assert label.evaluate(read, "stroke") == page.locator("body").evaluate(read, "backgroundColor")
