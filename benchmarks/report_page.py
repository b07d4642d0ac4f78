"""`report-page`: the page of a study of 2,000 and of 10,000 trials, written, opened and used in a Chromium of its own.

Each trial has 9 epochs of three metrics, unless one of two rungs stopped it. Opened is the file itself, without a
network. Measured are the time from the start of the navigation until front chart and curves have been painted and the
script has run (the later of both), the longest time in which the page could not answer while it opened and while it was
used, and how long it takes to answer: to a pointer over the chart, to a filter, to a sort, and to a point that leads to
its row. Times are wall clock, of the median of REPEATS openings, and a busy machine shows in them.
"""

import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from analysis import report
from benchmarks.histories import a_study, write
from benchmarks.rows import Row, row

LIMITS: Final = {2_000: 2.0, 10_000: 5.0}
"""Seconds until the page is there, by trials."""
ANSWER: Final = 1.0
"""Seconds within which the page answers, whatever it is asked."""
REPEATS: Final = 3
MOVES: Final = 20
_WATCH: Final = """
window.longest = 0;
new PerformanceObserver(list => {
  for (const task of list.getEntries()) window.longest = Math.max(window.longest, task.duration);
}).observe({ type: 'longtask', buffered: true });
"""
_OPENED: Final = """() => new Promise(done => requestAnimationFrame(() => setTimeout(() => {
  const [started] = performance.getEntriesByType('navigation');
  const [painted] = performance.getEntriesByName('first-contentful-paint');
  done(Math.max(started.loadEventEnd, painted ? painted.startTime : 0));
})))"""
_ANSWERED: Final = "() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))"

Measured = dict[str, float]


def rows(device: str) -> list[Row]:
    """Measures both sizes.

    Args:
        device: stands in no row: nothing is trained.
    """
    found = []
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        for trials, limit in LIMITS.items():
            place = made(Path(folder), trials)
            began = time.perf_counter()
            path = report.write(place)["report.html"]
            written = time.perf_counter() - began
            every = [measured(browser, path) for _ in range(REPEATS)]
            median = {name: statistics.median(one[name] for one in every) for name in every[0]}
            found.append(row(f"written, {trials} trials", written, None, "s", 1.0, "none"))
            size = path.stat().st_size / 1e6
            found.append(row(f"size, {trials} trials", size, None, "MB", 1.0, "none"))
            for name, value in median.items():
                most = limit if name == "opened" else ANSWER
                found.append(row(f"{name}, {trials} trials", value, None, "s", most / value, f"at most {most:g} s"))
    return found


def made(folder: Path, trials: int) -> Path:
    """Returns the folder of a finished search of as many trials."""
    place = folder / str(trials) / "history"
    write(a_study("tpe", trials), trials, place)
    return place


@contextmanager
def chromium() -> Iterator[Any]:
    """Yields a Chromium of this machine without a window.

    Raises:
        RuntimeError: there is none.
    """
    from playwright.sync_api import sync_playwright

    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        raise RuntimeError("report-page: there is no Chromium on this machine; install the package `chromium`")
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def measured(browser: Any, path: Path) -> Measured:
    """Opens a page once and uses it; returns seconds by what was done, none of them 0."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    page = context.new_page()
    page.add_init_script(_WATCH)
    page.goto(path.as_uri())
    found = {"opened": page.evaluate(_OPENED) / 1000}
    found["pointer, a move"] = _pointed(page)
    found["filter"] = _timed(page, _type, "transform=augmix clean_accuracy>0.5")
    found["sort"] = _timed(page, _click, "#all th:nth-child(4) button")
    found["click through to a row"] = _timed(page, _click, ".fronts a.point:last-of-type")
    page.wait_for_selector("tr.sought")
    found["longest without an answer"] = max(page.evaluate("window.longest"), 1.0) / 1000
    context.close()
    return found


def _pointed(page: Any) -> float:
    box = page.locator(".fronts svg").first.bounding_box()
    began = time.perf_counter()
    for place in range(MOVES):
        page.mouse.move(box["x"] + box["width"] * (0.2 + 0.03 * place), box["y"] + box["height"] * 0.6)
        page.evaluate(_ANSWERED)
    return (time.perf_counter() - began) / MOVES


def _timed(page: Any, act: Any, what: str) -> float:
    began = time.perf_counter()
    act(page, what)
    page.evaluate(_ANSWERED)
    return time.perf_counter() - began


def _type(page: Any, text: str) -> None:
    page.locator("input[type=search]").fill(text)
    page.locator("output", has_text=" of ").wait_for()


def _click(page: Any, selector: str) -> None:
    page.locator(selector).first.dispatch_event("click")
