"""The page's sections on segmentation: pictures within it, names that stay text, and classes told where one points."""

import base64
import io
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest

from analysis import records, report
from analysis.figure_files import figure_files
from analysis.fitting import fitting_class_iou, fitting_masks, fitting_miou
from analysis.mask_pictures import mask_picture
from analysis.masks import read_masks
from analysis.segmentation_section import class_section, mask_section
from search_spaces.study import Study

HOSTILE = ("<script>window.hurt = 1</script>", "' onerror='window.hurt = 1", "\x1b[31mred\u202e", "long " * 40)
FIGURES = set(figure_files("masks", "class-iou-bars", "evaluation"))


@pytest.fixture(scope="module")
def hostile(grid: Callable[..., Path], study: Study, segmentation: Callable[..., None]) -> Path:
    """The page of a study whose classes have names that would like to be more than that."""
    folder = grid(study, lambda config, *_: config["batch_size"] / 64)
    segmentation(folder, study, records.trials(folder).to_pylist(), classes=HOSTILE, images=2)
    paths = report.write(folder)
    assert set(paths) >= FIGURES | {"class-iou-bars.parquet"}
    return paths["report.html"]


def test_a_study_without_such_an_evaluation_has_no_such_sections(grid: Callable[..., Path], study: Study) -> None:
    made = grid(study, lambda config, *_: config["batch_size"] / 64)
    found = fitting_masks(made, study), fitting_class_iou(made, study)
    assert found == (None, ())
    assert (fitting_miou(made, study), mask_section(found[0]), class_section(found[1])) == (None, "", "")


def test_pictures_lie_in_the_page_and_say_what_they_show(folder: Path, study: Study) -> None:
    sheet = read_masks(folder, study, [1], 2)
    assert sheet is not None
    text = mask_section(sheet)
    found = re.findall(r'src="data:image/png;base64,([^"]+)" width="(\d+)" height="(\d+)" alt="([^"]+)"', text)
    assert len(found) == text.count("<img") == 2 * 4
    told = [alt for *_, alt in found[:4]]
    assert told[0] == "Image 3 of the test split"
    assert told[1].startswith("True classes of image 3: ")
    assert told[3].startswith("Classes that trial 1 predicts of image 3 under noise, mIoU 0.400: ")
    assert "%, and " in told[3]
    one = sheet.images[0]
    for (data, width, height, _), mask in zip(found[1:4], one.masks, strict=True):
        picture = matplotlib.image.imread(io.BytesIO(base64.b64decode(data)))[..., :3]
        assert picture.shape == (int(height), int(width), 3)
        assert (np.rint(picture * 255) == mask_picture(mask, one.truth)).all()
    assert text.count("data-colour=") == len(sheet.occurring)


def test_the_page_allows_pictures_within_it_and_no_others(hostile: Path) -> None:
    text = hostile.read_text()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert not set(re.findall(r'<img[^>]+src="([^"]{0,22})', text)) - {"data:image/png;base64,"}
    assert "<script>window" not in text
    assert "\x1b" not in text
    assert "onerror='" not in text


def test_where_trials_have_no_image_in_common_the_page_goes_without(
    folder: Path, study: Study, masks: Callable[..., Path]
) -> None:
    masks(folder, study, [0, 2], change=lambda row: row.update(row=row["row"] + row["trial"]))
    assert fitting_masks(folder, study) is None


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
in_browser = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as running:
        found = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield found
        found.close()


@pytest.mark.parametrize("width", [pytest.param(width, marks=in_browser) for width in (1280, 360)])
def test_pointing_at_a_mask_tells_the_class_there(hostile: Path, browser: Any, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, offline=True)
    complaints: list[str] = []
    page = context.new_page()
    page.on("console", lambda said: complaints.append(said.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith(("file:", "data:")) else complaints.append(asked.url))
    page.goto(hostile.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    study = records.read_study(hostile.parent)
    sheet = read_masks(hostile.parent, study)
    assert sheet is not None
    tip, mask = page.locator("#tip-masks"), page.locator("img.mask").first
    mask.scroll_into_view_if_needed()
    box = mask.bounding_box()
    seen = set()
    for row, column in ((8, 8), (8, 40), (40, 24), (40, 56)):
        page.mouse.move(box["x"] + box["width"] * (column + 0.3) / 64, box["y"] + box["height"] * (row + 0.3) / 64)
        number = int(sheet.images[0].truth[row, column])
        assert tip.inner_text() == sheet.classes[number].rstrip()
        seen.add(number)
    assert len(seen) > 1
    page.mouse.move(2, 2)
    assert tip.is_hidden()
    assert page.evaluate("window.hurt") is None
    assert page.locator("script:not([type])").count() == 1
    assert complaints == []
    context.close()
