"""From ledger, Parquet and MLflow analysis reads the same tables."""

import random

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from analysis import metric_histories, plot_front, records, report, sources
from robustune.comparing import compare
from robustune.ledger import Ledger
from robustune.settings import Settings
from robustune.tracking import Tracking
from search_spaces import Budget, Choice, LogUniform, Objective, Study, Subset, Whole

TIMES = ("started", "ended", "recorded")


@pytest.fixture
def uri(results):
    return f"sqlite:///{results / 'mlflow.db'}"


def a_study(name="demo", seed=7):
    return Study(
        name=name,
        trainer="classification",
        data="digits",
        options={"model": "resnet18"},
        space={
            "learning_rate": LogUniform(1e-5, 1e-2),
            "fooling_rates": Subset((5, 20)),
            "weight_decay": LogUniform(1e-5, 1e-2, when={"fooling_rates": "nonempty"}),
            "flip": Choice((True, False)),
            "width": Choice((8, 0.5, "whole")),
            "unfrozen_layers": Whole(0, 5),
        },
        objectives=(Objective("clean_accuracy", "max", 0.0), Objective("mce", "min", 1.2)),
        budget=Budget(12, 3),
        seed=seed,
        source='trainer = "classification"\n',
    )


def searched(folder, study, seed=0):
    """Trials side by side: each ends complete, stopped or failed; one is still in flight."""
    draw = random.Random(seed)
    with Ledger.create(folder, study, {}) as ledger:
        ledger.record_set("data", "ab" * 32, {"images": 9})
        for number in range(12):
            rates = [rate for rate in (5, 20) if draw.random() < 0.5]
            config = {
                "learning_rate": 10 ** draw.uniform(-5, -2),
                "fooling_rates": rates,
                "flip": draw.random() < 0.5,
                "width": draw.choice((8, 0.5, "whole")),
                "unfrozen_layers": draw.randint(0, 5),
                **({"weight_decay": draw.uniform(1e-5, 1e-2)} if rates else {}),
            }
            ledger.ask(number, config, 100 + number, {})
        lasts = dict.fromkeys(range(9), 3) | {9: 2, 10: 1, 11: 1}
        for epoch in (1, 2, 3):
            for number in (one for one, last in lasts.items() if epoch <= last):
                end = None if number > 9 or epoch < lasts[number] else "stopped" if number == 9 else "complete"
                path = {"path": f"checkpoints/{number:05d}/{epoch}", "sha256": "0" * 64, "bytes": 1}
                scores = {"clean_accuracy": draw.random(), "mce": draw.random()}
                ledger.report(number, epoch, scores, draw.random(), draw.random(), path, end)
        ledger.retried(10)
        ledger.fail(10, "NONFINITE", "loss was nan")
    return folder


def send(folder, uri):
    tracking = Tracking(folder, uri)
    tracking.start()
    assert tracking.finish(300.0)


def to_milliseconds(table):
    for name in set(TIMES) & set(table.column_names):
        place = table.column_names.index(name)
        table = table.set_column(place, name, pc.round(table[name], 3))
    return table


def assert_the_same(one, other):
    for left, right in zip(one[1:], other[1:], strict=True):
        left, right = to_milliseconds(left), to_milliseconds(right)
        assert left.schema == right.schema
        assert left.to_pylist() == right.to_pylist()
        assert left.schema.metadata == right.schema.metadata
    assert one[0] == other[0]


def test_ledger_parquet_and_mlflow_give_the_same_tables(results, uri):
    folder = searched(results / "demo", a_study())
    told = records.tables(folder)
    assert set(told[1]["state"].to_pylist()) == {"complete", "stopped", "failed", "running"}
    records.export(folder)
    send(folder, uri)
    (folder / "ledger.sqlite").rename(results / "ledger.sqlite")
    for place in (folder / "trials.parquet", uri):
        with sources.opened(str(place)) as copy:
            records.check(copy)
            assert_the_same(told, records.tables(copy))
            assert records.context(copy)["sets"]["data"]["digest"] == "ab" * 32


@pytest.mark.parametrize("most", [0, 7, 25_000])
def test_metrics_of_many_runs_are_those_of_each_run_however_little_one_answer_holds(results, uri, monkeypatch, most):
    send(searched(results / "demo", a_study()), uri)
    monkeypatch.setattr(metric_histories, "POINTS_AT_ONCE", most)
    with records.tracking(uri) as client:
        runs = [run for one in client.search_experiments() for run in client.search_runs([one.experiment_id])]
        trials = [run for run in runs if "robustune.trial" in run.data.tags and run.data.metrics]
        told = metric_histories.histories(client, trials)
        for run in trials:
            for name in run.data.metrics:
                wanted = client.get_metric_history(run.info.run_id, name)
                points = told[run.info.run_id][name]
                assert [(p.step, p.value, p.timestamp) for p in points] == [
                    (p.step, p.value, p.timestamp) for p in wanted
                ]


def test_trials_alone_tell_the_last_epochs(results):
    folder = searched(results / "demo", a_study())
    path = records.write_parquet(records.trials(folder), results / "elsewhere.parquet")
    with sources.opened(str(path)) as copy:
        told = records.trials(copy)
        assert told.to_pylist() == records.trials(folder).to_pylist()
        assert records.epochs(copy).num_rows == told.num_rows


def test_an_interrupted_search_that_went_on_is_told_as_its_ledger_tells_it(results, uri):
    folder = results / "demo"
    searched(folder, a_study())
    send(folder, uri)
    with Ledger.open(folder) as ledger:
        (again,) = ledger.requeue()
        for epoch in (1, 2, 3):
            end = "complete" if epoch == 3 else None
            ledger.report(again.number, epoch, {"clean_accuracy": 0.1, "mce": 0.9}, 1.0, 1.0, None, end)
    send(folder, uri)
    with sources.opened(uri) as copy:
        rows = records.epochs(copy).drop_columns(["recorded"]).to_pylist()
        assert rows == records.epochs(folder).drop_columns(["recorded"]).to_pylist()


@pytest.mark.slow
def test_figures_are_the_same_from_each(results, uri, tmp_path, capsys):
    folder = searched(results / "demo", a_study())
    report.write(folder)
    send(folder, uri)
    for name, place in {"ledger": folder, "parquet": folder / "trials.parquet", "mlflow": uri}.items():
        assert plot_front.main([str(place), "--out", str(tmp_path / name)]) == 0
    pictures = {name: (tmp_path / name / "front.svg").read_bytes() for name in ("ledger", "parquet", "mlflow")}
    assert len(set(pictures.values())) == 1
    assert "report.html" in capsys.readouterr().out


def test_a_comparison_says_the_same_from_folders_and_mlflow(results, uri, tmp_path):
    names = ("demo", "other")
    folders = [searched(results / name, a_study(name), seed) for seed, name in enumerate(names)]
    for folder in folders:
        send(folder, uri)
    one = compare([str(folder) for folder in folders], Settings(), apart="studies", out=tmp_path / "folders")
    other = compare([uri], Settings(), names, apart="studies", out=tmp_path / "mlflow")
    assert (one.verdict, one.pairs, one.notes) == (other.verdict, other.pairs, other.notes)
    assert one.paths.keys() == other.paths.keys()
    for name, path in one.paths.items():
        if path.suffix == ".svg":
            assert path.read_bytes() == other.paths[name].read_bytes()
        elif path.suffix == ".parquet":
            left, right = (pq.read_table(made) for made in (path, other.paths[name]))
            places = {"place"} & set(left.column_names)  # each says where it was read
            assert left.drop_columns(list(places)).equals(right.drop_columns(list(places)))


def test_one_of_several_studies_is_chosen_by_name_or_run(results, uri):
    folders = {name: searched(results / name, a_study(name)) for name in ("demo", "other")}
    for folder in folders.values():
        send(folder, uri)
    with sources.opened(uri, "other") as copy:
        assert records.read_study(copy).name == "other"
    with pytest.raises(records.LedgerError, match=r"--study.*demo, other"), sources.opened(uri):
        pass
    with pytest.raises(records.LedgerError, match=r"no study third"), sources.opened(uri, "third"):
        pass


@pytest.mark.parametrize("place", ["sqlite:///none.db", "http://127.0.0.1:9"])
def test_no_mlflow_is_one_line_and_makes_no_database(place, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert plot_front.main([place, "--out", str(tmp_path / "out")]) == 4
    assert capsys.readouterr().err.startswith("TRACKING_UNREACHABLE: ")
    assert not (tmp_path / "none.db").exists()


def test_a_ledger_is_not_taken_for_a_database_of_mlflow(results, capsys):
    folder = searched(results / "demo", a_study())
    before = (folder / "ledger.sqlite").read_bytes()
    assert plot_front.main([f"sqlite:///{folder / 'ledger.sqlite'}", "--out", str(results)]) == 4
    assert "not one of MLflow" in capsys.readouterr().err
    assert (folder / "ledger.sqlite").read_bytes() == before


def test_a_parquet_file_of_something_else_is_one_line(tmp_path, capsys):
    path = records.write_parquet(pa.table({"a": [1]}), tmp_path / "a.parquet")
    assert plot_front.main([str(path)]) == 3
    assert "does not tell of a study's trials" in capsys.readouterr().err
