"""A run that somebody deleted in MLflow is told in the page of its study, read from the ledger or from MLflow."""

from analysis.plot_front import main
from robustune.ledger import Ledger
from robustune.reporting import report
from robustune.settings import Settings
from robustune.tracking import Tracking, deleted_runs, run_links


def test_the_page_says_which_runs_were_deleted_and_still_opens(results, study, tmp_path, capsys):
    uri = f"sqlite:///{results / 'mlflow.db'}"
    with Ledger.create(results / study.name, study, {}) as ledger:
        for number in range(3):
            ledger.ask(number, {"learning_rate": 1e-3, "fooling_rates": [5], "batch_size": 8}, number, {})
            for epoch in (1, 2):
                scores = {"clean_accuracy": number / 10, "mce": 0.3 + number / 10}
                ledger.report(number, epoch, scores, 1.0, 0.1, None, "complete" if epoch == 2 else None)
        folder = ledger.folder
        assert deleted_runs(folder, uri) == frozenset()  # nothing was sent yet
        tracking = Tracking(folder, uri)
        tracking.start()
        assert tracking.finish(120)
    from mlflow.tracking import MlflowClient

    gone = run_links(folder, uri)[1].partition("/runs/")[2].partition("?")[0]
    MlflowClient(tracking_uri=uri).delete_run(gone)
    assert deleted_runs(folder, uri) == {1}
    assert deleted_runs(folder, "http://127.0.0.1:9") == frozenset()
    text = report(study.name, Settings(str(results)))["report.html"].read_text()
    assert text.count("MLflow run (deleted there)") == 3  # in the front's table, in all trials', and as data
    assert f"/runs/{gone}" not in text
    assert main([uri, "--out", str(tmp_path)]) == 0
    assert "The record lacks trial 1: deleted in MLflow, or never sent there." in (tmp_path / "report.html").read_text()
    assert "report.html" in capsys.readouterr().out
