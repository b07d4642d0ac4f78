"""500 trials, 10 parameters, 20 metrics, 10 epochs, told to a real server and read back: nothing missing or twice."""

import sqlite3
import statistics
import time
from contextlib import closing

import pytest

from analysis import records, sources
from robustune.ledger import Ledger
from robustune.tracking import Tracking
from search_spaces import Budget, Objective, Study, Uniform

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

TRIALS, OPTIONS, METRICS, EPOCHS = 500, 10, 20, 10
AT_ONCE = 8
LEDGER_SAYS = """
SELECT trial, epochs.epoch, recorded * 1000, key, value
FROM epochs, json_each(epochs.metrics) ORDER BY 1, 2, 4
"""
MLFLOW_SAYS = """
SELECT CAST(tags.value AS INTEGER), step, metrics.timestamp, metrics.key, metrics.value FROM metrics
JOIN tags ON tags.run_uuid = metrics.run_uuid AND tags.key = 'robustune.trial'
WHERE metrics.key NOT LIKE '%_seconds' ORDER BY 1, 2, 4
"""
PARAMETERS = """
SELECT CAST(tags.value AS INTEGER), params.key, params.value FROM params
JOIN tags ON tags.run_uuid = params.run_uuid AND tags.key = 'robustune.trial'
WHERE params.key LIKE 'option%' ORDER BY 1, 2
"""


@pytest.fixture
def study():
    names = [f"metric_{number:02d}" for number in range(METRICS)]
    return Study(
        name="demo",
        trainer="classification",
        data="digits",
        space={f"option_{number}": Uniform(0, 1) for number in range(OPTIONS)},
        objectives=tuple(Objective(name, "max", 0.0) for name in names[:2]),
        measure=tuple(names[2:]),
        budget=Budget(TRIALS, EPOCHS),
        source="",
    )


def search(ledger, tracking):
    """Runs trials side by side as a driver would; returns the seconds that each word to the tracking took."""
    waits = []
    for first in range(0, TRIALS, AT_ONCE):
        numbers = range(first, min(TRIALS, first + AT_ONCE))
        for epoch in range(EPOCHS + 1):
            for number in numbers:
                if epoch == 0:
                    config = {f"option_{one}": (number * OPTIONS + one) / TRIALS / OPTIONS for one in range(OPTIONS)}
                    ledger.ask(number, config, number, {})
                else:
                    scores = {f"metric_{one:02d}": number + epoch / 100 + one / 10_000 for one in range(METRICS)}
                    ledger.report(number, epoch, scores, 1.0, 0.1, None, "complete" if epoch == EPOCHS else None)
                began = time.perf_counter()
                tracking.wake()
                waits.append(time.perf_counter() - began)
    return waits


def rows(path, query):
    with closing(sqlite3.connect(path)) as database:
        return database.execute(query).fetchall()


def without_times(folder):
    """Trials and epochs as a ledger tells them, but for times, which MLflow has to a millisecond."""
    _, *tables = records.tables(folder)
    return [table.drop_columns(list({"started", "ended", "recorded"} & set(table.column_names))) for table in tables]


def test_a_long_search_is_recorded_whole_and_waits_for_nothing(results, study, port, server):
    with server(results, port), Ledger.create(results / "demo", study, {}) as ledger:
        tracking = Tracking(ledger.folder, f"http://127.0.0.1:{port}")
        tracking.start()
        waits = search(ledger, tracking)
        assert tracking.finish(1500)
        ledger_says = rows(ledger.folder / "ledger.sqlite", LEDGER_SAYS)
        wanted = without_times(ledger.folder)
        began = time.perf_counter()
        with sources.opened(f"http://127.0.0.1:{port}") as folder:
            print(f"read in {time.perf_counter() - began:.1f} s")
            assert without_times(folder) == wanted
        by_file = f"sqlite:///{results / 'mlflow.db'}"
        with pytest.raises(records.LedgerError, match=r"lie with the server.*give the server's address"):
            sources.opened(by_file).__enter__()
    database = results / "mlflow.db"
    mlflow_says = rows(database, MLFLOW_SAYS)
    assert len(mlflow_says) == TRIALS * EPOCHS * METRICS
    told, wanted = ([(row[:2], row[3:]) for row in said] for said in (mlflow_says, ledger_says))
    assert told == wanted
    # MLflow has whole milliseconds; a half of one may be rounded either way.
    times = zip(mlflow_says, ledger_says, strict=True)
    assert max(abs(one[2] - other[2]) for one, other in times) <= 0.501
    parameters = rows(database, PARAMETERS)
    assert len(parameters) == TRIALS * OPTIONS
    assert all(
        float(value) == (trial * OPTIONS + int(name[-1])) / TRIALS / OPTIONS for trial, name, value in parameters
    )
    states = "SELECT status, count(*) FROM runs WHERE lifecycle_stage = 'active' GROUP BY status"
    assert rows(database, states) == [("FINISHED", TRIALS + 1)]
    # One answer of a server takes milliseconds. A busy machine may put this process aside at any word.
    assert statistics.median(waits) < 0.001
    assert max(waits) < 2
