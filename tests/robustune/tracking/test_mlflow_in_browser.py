"""MLflow's own pages of a recorded search, in a real browser: what its description leads to, and what is previewed."""

import random
import shutil

import pytest

from analysis import report
from robustune.ledger import Ledger
from robustune.tracking import Tracking

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]
MILLISECONDS = 120_000  # MLflow's pages are megabytes of script; a busy machine takes long to run them


@pytest.fixture
def recorded(results, study, port, server):
    """A server over a search of eight trials; yields its address and the ids of experiment and parent run."""
    draw = random.Random(0)
    with server(results, port), Ledger.create(results / study.name, study, {}) as ledger:
        ledger.record_set("data", "ab" * 32, {"images": 9})
        for number in range(8):
            ledger.ask(number, {"learning_rate": 10 ** draw.uniform(-5, -2), "fooling_rates": [5]}, number, {})
            for epoch in (1, 2):
                scores = {"clean_accuracy": number / 10, "mce": 0.3 + number / 10 + epoch / 100}
                ledger.report(number, epoch, scores, 1.0, 0.1, None, "complete" if epoch == 2 else None)
        report.write(ledger.folder)
        address = f"http://127.0.0.1:{port}"
        tracking = Tracking(ledger.folder, address)
        tracking.start()
        assert tracking.finish(300)
        from mlflow.tracking import MlflowClient

        client = MlflowClient(tracking_uri=address)
        experiment = client.get_experiment_by_name(study.name).experiment_id
        (parent,) = client.search_runs([experiment], "tags.`robustune.status` = 'complete'")
        yield address, experiment, parent.info.run_id


def test_a_search_is_found_compared_and_previewed(recorded):
    address, experiment, parent = recorded
    run = f"{address}/#/experiments/{experiment}/runs/{parent}"
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1500, "height": 1000})
        page.set_default_timeout(MILLISECONDS)
        dialogs = []
        page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        page.goto(f"{run}?workflowType=machine_learning")
        link = page.get_by_role("link", name="Compare the 8 trials of the front")
        page.goto(link.evaluate("one => one.href"))  # a click opens another tab
        page.get_by_text("Comparing 8 Runs from 1 Experiment").wait_for()
        page.get_by_text("Scatter Plot").click()
        page.goto(f"{run}/artifacts/front.png?workflowType=machine_learning")
        page.locator("img[src^='blob:'], img[src*='front.png'], .js-plotly-plot").first.wait_for()
        page.get_by_text("front.csv", exact=True).first.click()
        page.get_by_text("Previewing the first 8 rows").wait_for()
        page.get_by_text("clean_accuracy").first.wait_for()
        browser.close()
    assert dialogs == []
