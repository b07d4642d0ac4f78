"""What is made after a search hangs on its run in MLflow, and is read from there again; nothing else changes."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pyarrow as pa

from analysis import confirmation, ending, records, sources
from analysis.confirmation import Confirmation
from analysis.ending import End
from analysis.evaluated import ERRORS_FILE, EVALUATION_FILE, evaluated
from robustune.ledger import Ledger
from robustune.tracking import Tracking
from robustune.tracking.attaching import attach
from search_spaces import Study

NOBODY = "http://127.0.0.1:9"


def an_evaluation(folder: Path, study: Study) -> list[Path]:
    table = pa.table({"number": [0], "accuracy.test": [0.5]}).replace_schema_metadata({"study": study.digest})
    return [records.write_parquet(table, folder / name) for name in (EVALUATION_FILE, ERRORS_FILE)]


def test_an_evaluation_is_read_from_mlflow_and_runs_stay_as_they_are(searched: Path, uri: str, study: Study) -> None:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=uri)

    def runs() -> list[dict[str, object]]:
        (experiment,) = (one.experiment_id for one in client.search_experiments() if one.name == study.name)
        return [run.to_dictionary() for run in client.search_runs([experiment])]

    before, said = runs(), list[str]()
    made = an_evaluation(searched, study)
    assert attach(searched, uri, [*made, searched / "never.png"], "the evaluation", said.append)
    assert attach(searched, uri, made[:1], "the page", said.append, under="explain")
    assert (runs(), said) == (before, [])
    (parent,) = {run["data"]["tags"].get("mlflow.parentRunId") for run in before} - {None}  # type: ignore[index]
    shown = {f"explain/{EVALUATION_FILE}", "explain/evaluation.csv"}  # MLflow previews no Parquet
    assert {file.path for file in client.list_artifacts(parent, "explain")} == shown
    told = Path(client.download_artifacts(parent, "explain/evaluation.csv", str(searched)))
    assert told.read_text() == "number,accuracy.test\n0,0.5\n"
    with sources.opened(uri, study.name) as copy:
        for name in (EVALUATION_FILE, ERRORS_FILE):
            found = evaluated(copy, name, study)
            assert found is not None
            assert found.to_pylist() == [{"number": 0, "accuracy.test": 0.5}]


def test_a_confirmation_is_read_from_a_parquet_file_and_from_mlflow(
    searched: Path, uri: str, study: Study, confirmation_of: Callable[..., Confirmation]
) -> None:
    made = confirmation_of(records.trials(searched), study)
    paths = confirmation.write(searched, study, made)
    assert attach(searched, uri, paths, "the confirmation", str, under=confirmation.FOLDER)
    records.export(searched)
    for place in (str(searched / "trials.parquet"), uri):
        with sources.opened(place, study.name) as folder:
            found = confirmation.read(folder, study)
        assert found is not None, place
        assert found.points.equals(made.points)
        assert found.hypervolume.equals(made.hypervolume)


def test_what_ended_a_search_is_told_by_mlflow_as_by_the_ledger(searched: Path, uri: str, study: Study) -> None:
    with Ledger.open(searched) as ledger:
        ledger.fail(1, "NONFINITE", "the loss is nan")
        ledger.conclude(End("budget.trials", "all 4 trials"))
        tracking = Tracking(ledger.folder, uri)
        tracking.start()
        assert tracking.finish(300.0)
    records.export(searched)
    an_evaluation(searched, study)
    for place in (str(searched), str(searched / "trials.parquet"), uri):
        with sources.opened(place, study.name) as folder:
            assert ending.ended(folder) == End("budget.trials", "all 4 trials"), place


def test_a_study_that_mlflow_does_not_know_is_not_sent(results: Path, begun: Callable[[], Ledger], uri: str) -> None:
    with begun() as ledger:
        folder = ledger.folder
    said: list[str] = []
    assert not attach(folder, uri, [folder / "ledger.sqlite"], "the ledger", said.append)
    (folder / "tracking.sqlite").write_text("torn")
    assert not attach(folder, uri, [folder / "ledger.sqlite"], "the ledger", said.append)
    assert said == []


def test_where_mlflow_takes_nothing_one_line_says_so_and_where_the_files_are(searched: Path) -> None:
    said: list[str] = []
    with closing(sqlite3.connect(searched / "tracking.sqlite")) as cursor, cursor:
        cursor.execute("UPDATE destinations SET uri = ?", (NOBODY,))
    assert not attach(searched, NOBODY, [searched / "ledger.sqlite"], "the evaluation", said.append)
    (told,) = said
    assert told.startswith("MLflow did not take the evaluation (")
    assert told.endswith("); all of it is in the study's folder")
    assert "\n" not in told
