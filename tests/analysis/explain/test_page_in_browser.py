"""The page of an explanation in a real browser: figures are there, sections are reached, a phone needs no scrolling."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from analysis import explain_figures, explained, records
from analysis.explain_page import Part, render
from analysis.explained import Told, read_explained

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")]

HOSTILE = "</p><script>window.hurt = 1</script>"


@pytest.fixture
def written(made_up: Path, tables: Path, tmp_path: Path) -> Path:
    """A page of filters and weights, whose names try to come to life."""
    study, trials, _ = records.tables(made_up)
    pictures = read_explained(tables, explained.PICTURES_FILE, explained.PICTURES_SCHEMA)
    parts = []
    for kind in ("filters", "weights"):
        paths = explain_figures.write(kind, tables, tmp_path)
        parts.append(Part(kind.title(), HOSTILE, [path for name, path in paths.items() if name.endswith(".svg")]))
    told = Told(study.digest, study.name, (0,), (HOSTILE,))
    page = tmp_path / "explanation.html"
    page.write_text(render(study, told, trials.slice(0, 2), pictures, 2, parts), "utf-8")
    return page


@pytest.fixture
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as running:
        found = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield found
        found.close()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_figures_are_shown_sections_are_reached_and_nothing_hostile_lives(
    written: Path, browser: Any, width: int, scheme: str
) -> None:
    complaints: list[str] = []
    context = browser.new_context(viewport={"width": width, "height": 900}, offline=True, color_scheme=scheme)
    page = context.new_page()
    page.on("console", lambda said: complaints.append(said.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith(("file:", "data:")) else complaints.append(asked.url))
    page.goto(written.as_uri())
    drawn = page.evaluate(
        "[...document.images].map(image => [image.complete, image.naturalWidth > 0, image.alt != ''])"
    )
    assert drawn == [[True, True, True]] * 4  # two pictures, two figures
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator("nav a", has_text="Weights").click()
    assert page.evaluate("document.querySelector('#weights').getBoundingClientRect().top < innerHeight")
    page.locator(".paper").first.focus()  # a figure wider than a phone is scrolled by keys
    assert page.evaluate("document.activeElement.className") == "paper"
    assert page.evaluate("window.hurt") is None
    assert HOSTILE in page.locator("body").inner_text()
    assert complaints == []
    context.close()
