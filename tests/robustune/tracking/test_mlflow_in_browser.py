"""MLflow's own pages of a recorded search, in a real browser: what its description leads to, and what is previewed."""

import json
import random
import shutil
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import quote

import pytest

from analysis import report
from robustune.ledger import Ledger
from robustune.tracking import Tracking
from robustune.tracking.attaching import attach, place
from robustune.tracking.closing import MODEL_PAGES

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]
MILLISECONDS = 120_000  # MLflow's pages are megabytes of script; a busy machine takes long to run them


def search(folder, study, trials):
    draw = random.Random(0)
    with Ledger.create(folder, study, {}) as ledger:
        ledger.record_set("data", "ab" * 32, {"images": 9})
        for number in range(trials):
            ledger.ask(number, {"learning_rate": 10 ** draw.uniform(-5, -2), "fooling_rates": [5]}, number, {})
            for epoch in (1, 2):
                scores = {"clean_accuracy": number / 10, "mce": 0.3 + number / 10 + epoch / 100}
                ledger.report(number, epoch, scores, 1.0, 0.1, None, "complete" if epoch == 2 else None)
        return report.write(folder)


@pytest.fixture
def recorded(results, study, port, server):
    """A server over searches of eight and three trials; yields its address and the two runs of the searches."""
    address = f"http://127.0.0.1:{port}"
    with server(results, port):
        for name, trials in (("demo", 8), ("other", 3)):
            folder = results / name
            paths = search(folder, replace(study, name=name), trials)
            tracking = Tracking(folder, address)
            tracking.start()
            assert tracking.finish(300)
            assert attach(folder, address, [paths["trials.parquet"]], "the trials", pytest.fail, under="more")
        yield address, *(place(results / name, address) for name in ("demo", "other"))


@contextmanager
def opened():
    """Yields a page, and at the end holds that no script of a user's name ran."""
    dialogs = []
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1500, "height": 1000})
        page.set_default_timeout(MILLISECONDS)
        page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        yield page
        browser.close()
    assert dialogs == []


def test_a_search_is_found_compared_and_previewed(recorded):
    address, (experiment, parent), others = recorded
    run = f"{address}/#/experiments/{experiment}/runs/{parent}"
    with opened() as page:
        page.goto(f"{run}?{MODEL_PAGES}")
        link = page.get_by_role("link", name="Compare the 8 trials of the front")
        front = link.evaluate("one => one.href")  # a click opens another tab
        charts = page.get_by_role("link", name="charts of all complete trials").evaluate("one => one.href")
        page.goto(front)
        page.get_by_text("Comparing 8 Runs from 1 Experiment").wait_for()
        page.get_by_text("Scatter Plot").click()
        page.goto(charts)
        for trial in ("trial 7", "trial 0"):  # not folded up under their search
            page.get_by_role("link", name=trial, exact=True).wait_for()
        page.get_by_text("8 matching runs").wait_for()
        runs, experiments = (quote(json.dumps(ids)) for ids in zip((parent, experiment), others[::-1], strict=True))
        page.goto(f"{address}/#/compare-runs?runs={runs}&experiments={experiments}&{MODEL_PAGES}")
        page.get_by_text("Comparing 2 Runs from 2 Experiments").wait_for()
        page.locator("svg .axis-title", has_text="hypervolume").first.wait_for()  # chosen, not a metric of the machine
        page.goto(f"{run}/artifacts/front.png?{MODEL_PAGES}")
        page.locator("img[src^='blob:'], img[src*='front.png'], .js-plotly-plot").first.wait_for()
        page.get_by_text("front.csv", exact=True).first.click()
        page.get_by_text("Previewing the first 8 rows").wait_for()
        page.get_by_text("clean_accuracy").first.wait_for()
        page.goto("about:blank")  # within one page MLflow stays with the file that was clicked
        page.goto(f"{run}/artifacts/more/trials.csv?{MODEL_PAGES}")
        page.get_by_text("Previewing the first 8 rows").wait_for()
        page.get_by_text("number", exact=True).first.wait_for()
