"""The command as a user meets it: its help, its lists, and one clear message for every mistake."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest
import typer

from robustune import search
from robustune.cli import app, main
from robustune.errors import EXIT_CODES, Mistake
from robustune.ledger import Ledger
from search_spaces import read_study, shipped
from trainables.registry import vocabularies

Curves = Callable[..., Path]
HEAVY = {"torch", "torchvision", "ray", "mlflow", "optuna", "matplotlib", "sklearn", "pyarrow"}
REFUSED_PORT = "127.0.0.1:1"  # nothing listens below 1024 on a machine that runs tests


@dataclass(frozen=True)
class Ended:
    """What a command left: its exit status, and the lines on both streams."""

    status: int
    out: str
    err: str


Call = Callable[..., Ended]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Call:
    """Runs the command's own `main` in this process, in an empty folder; what is no mistake of a user is raised."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr("signal.signal", lambda signum, handler: None)

    def run(*arguments: str | Path) -> Ended:
        monkeypatch.setattr(sys, "argv", ["robustune", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Ended(int(ended.value.code or 0), said.out, said.err)

    return run


def commands() -> list[list[str]]:
    """Every command and group, as the words that name it."""
    root = typer.main.get_command(app)
    found: list[list[str]] = [[]]
    for words in found:
        inner = root
        for word in words:
            inner = inner.commands[word]  # type: ignore[attr-defined]
        found += [[*words, name] for name in getattr(inner, "commands", {})]
    return found


def files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.suffix != ".toml"}


def complained(ended: Ended, code: str, *told: str) -> None:
    """Holds a complaint to its law: documented status, one message that says where, nothing a terminal obeys."""
    assert ended.status == EXIT_CODES[code]
    assert ended.err.startswith(f"{code}: ")
    assert ended.err.count("\n") == 1
    assert ended.err[:-1].isprintable()
    assert "Traceback" not in ended.err
    for part in told:
        assert part in ended.err


# Help and lists


def test_every_help_has_an_example_and_loads_nothing_heavy() -> None:
    asked = [[*words, "--help"] for words in commands()]
    code = (
        "import json, sys\nfrom robustune.cli import main\n"
        "for words in json.loads(sys.argv[1]):\n"
        "    sys.argv[1:] = words\n"
        "    try:\n        main()\n"
        "    except SystemExit as ended:\n        assert not ended.code, words\n"
        "    print('\\0')\n"
        "print(json.dumps(sorted(sys.modules)))\n"
    )
    told = subprocess.run([sys.executable, "-c", code, json.dumps(asked)], check=True, capture_output=True, text=True)
    *helps, modules = told.stdout.split("\0")
    assert not HEAVY & set(json.loads(modules))
    assert len(helps) == len(asked) >= 12
    for words, text in zip(asked, helps, strict=True):
        assert f"Example: robustune {' '.join(words[:-1])}" in text, words


def test_the_help_documents_every_exit_status(call: Call) -> None:
    told = re.sub(r"\s+", " ", call("--help").out)
    for status in (0, 1, *EXIT_CODES.values(), 130, 143):
        assert re.search(rf"[:;] {status} ", told), status


def test_a_command_alone_shows_its_help(call: Call) -> None:
    told = call()
    assert told.status == 2
    assert "Usage: " in told.err


def test_shipped_studies_are_listed_on_a_line_each(call: Call) -> None:
    ended = call("studies")
    lines = ended.out.splitlines()
    assert ended.status == 0
    assert [line.split()[0] for line in lines] == sorted(shipped())
    assert all(len(line) < 140 and len(line.split()) > 3 for line in lines)


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_study_passes_the_check_and_leaves_no_trace(call: Call, tmp_path: Path, name: str) -> None:
    ended = call("check", name)
    assert ended.status == 0
    assert ended.err == ""
    told = [line for line in ended.out.splitlines() if not line.startswith("warning: ")]
    assert told[0].startswith(f"{name}: ")
    assert told[-1] == "ok"
    assert not files(tmp_path)


def test_the_printed_schema_fits_every_shipped_study(call: Call) -> None:
    schema = json.loads(call("schema").out)
    jsonschema.Draft202012Validator.check_schema(schema)
    for path in shipped().values():
        jsonschema.Draft202012Validator(schema).validate(tomllib.loads(path.read_text()))


def test_data_sets_are_listed_on_a_line_each(call: Call) -> None:
    names = [line.split()[0] for line in call("data", "list").out.splitlines()]
    assert "embedded-digits" in names


# Mistakes in a study file


@pytest.mark.parametrize(
    ("part", "instead", "told"),
    [
        (
            "[budget]",
            "[bugdet]",
            ["bugdet: the key is unknown", "did you mean 'budget'?", "budget: the key is missing"],
        ),
        ("epochs = 4", "epochs = 4\nepoch = 5", ["budget.epoch: the key is unknown", "did you mean 'epochs'?"]),
        ("trials = 8", "trials = '8'", ["budget.trials: '8' is not a whole number"]),
        ("trials = 8", "trials = 0", ["budget.trials: 0 is not at least 1"]),
        ("angle = { uniform = [0, 1] }", "angle = { uniform = [1, 0] }", ["space.angle.uniform", "low", "[1.0, 0.0]"]),
        ("angle = { uniform = [0, 1] }", "angle = { choice = [] }", ["space.angle.choice", "empty"]),
        ("angle = {", "angel = {", ["space.angel: 'angel' is not an option of the trainer", "did you mean 'angle'?"]),
        ('"accuracy"', '"acuracy"', ["objectives[0].metric: 'acuracy'", "did you mean 'accuracy'?"]),
        ('goal = "max"', 'goal = "min"', ["objectives[0].goal", 'write goal = "max"']),
        ('name = "tpe"', 'name = "tep"', ["sampler.name: 'tep' is not a sampler", "did you mean 'tpe'?"]),
        ('"pareto_halving"', '"halving"', ["early_stopping.name: 'halving'", "did you mean 'pareto_halving'?"]),
        ('data = "none"', 'data = "digits"', ["data: 'digits' is not a data set of the trainer"]),
        ("[sampler]", "[sampler", ["curves.toml: line", "(not TOML)"]),
    ],
)
def test_a_mistake_in_a_study_file_is_told_with_its_key(
    call: Call, curves: Curves, tmp_path: Path, part: str, instead: str, told: list[str]
) -> None:
    path = curves()
    assert part in path.read_text()
    path.write_text(path.read_text().replace(part, instead, 1))
    for command in ("check", "search"):
        ended = call(command, path)
        assert ended.status == 2
        assert ended.err.startswith("STUDY_INVALID: ")
        assert all(f"{path}: " in line for line in ended.err.splitlines())
        for words in told:
            assert words in ended.err
        assert ended.out == ""
    assert not files(tmp_path)


def test_all_mistakes_come_at_once_a_line_each(call: Call, curves: Curves) -> None:
    path = curves()
    path.write_text(path.read_text().replace("trials = 8", "trials = -1").replace("loss = {", "los = {"))
    assert len(call("check", path).err.splitlines()) == 2


def test_a_study_that_is_not_there_is_told_with_the_shipped_ones(call: Call, tmp_path: Path) -> None:
    complained(call("check", "qickstart"), "STUDY_INVALID", "'qickstart'", "did you mean 'quickstart'?")
    complained(call("check", "nowhere/mine.toml"), "STUDY_INVALID", "'nowhere/mine.toml'", "neither a file nor")
    complained(call("check", tmp_path), "STUDY_INVALID", str(tmp_path), "it is a directory")


def test_a_grid_without_points_names_the_options_that_lack_them(call: Call, curves: Curves) -> None:
    ended = call("check", curves(sampler="grid"))
    assert ended.status == 2
    assert "space.angle" in ended.err
    assert "space.loss" in ended.err
    assert "points = [" in ended.err


# Mistakes on the command line


@pytest.mark.parametrize(
    ("option", "value", "code", "told"),
    [
        ("--trials", "0", "STUDY_INVALID", "trials"),
        ("--epochs", "-3", "STUDY_INVALID", "epochs"),
        ("--seed", "-1", "STUDY_INVALID", "seed"),
        ("--cpus-per-trial", "0", "OPTION_INVALID", "--cpus-per-trial 0"),
        ("--cpus-per-trial", "nan", "OPTION_INVALID", "--cpus-per-trial nan"),
        ("--gpus-per-trial", "-1", "OPTION_INVALID", "--gpus-per-trial -1"),
        ("--concurrency", "0", "OPTION_INVALID", "--concurrency 0"),
        ("--address", REFUSED_PORT, "CLUSTER_UNREACHABLE", "no Ray head node answers there (Connection refused)"),
        ("--address", "head-node", "CLUSTER_UNREACHABLE", "expected HOST:PORT"),
        ("--address", "head-node:99999", "CLUSTER_UNREACHABLE", "expected HOST:PORT"),
        ("--address", "ray://head-node:10001", "CLUSTER_UNREACHABLE", "`ray job submit`"),
        ("--tracking-uri", "file:///tmp/mlruns", "TRACKING_UNREACHABLE", "give sqlite:///"),
        ("--tracking-uri", "ftp://server/mlflow", "TRACKING_UNREACHABLE", "give sqlite:///"),
        ("--gpus-per-trial", "inf", "OPTION_INVALID", "--gpus-per-trial inf"),
        ("--results", "/proc/results", "RESULTS_UNWRITABLE", "name another folder with --results"),
        ("--storage", "/proc/storage", "CACHE_UNWRITABLE", "name another folder with --storage"),
    ],
)
def test_an_option_that_cannot_be_is_told_before_anything_starts(
    call: Call, curves: Curves, tmp_path: Path, option: str, value: str, code: str, told: str
) -> None:
    path = curves()
    for command in ("check", "search"):
        complained(call(command, path, option, value), code, told)
    assert not files(tmp_path)


def test_what_is_no_number_is_refused_by_name(call: Call) -> None:
    ended = call("search", "smoke", "--trials", "many")
    assert ended.status == 2
    assert "Invalid value for '--trials'" in ended.err


def test_a_results_folder_that_is_a_file_is_told(call: Call, curves: Curves, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    complained(call("search", curves(), "--results", "taken"), "RESULTS_UNWRITABLE", f"{tmp_path}/taken", "--results")
    assert (tmp_path / "taken").read_text() == "mine"


def test_a_folder_without_write_permission_is_told(call: Call, curves: Curves, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    try:
        (closed / "probe").touch()
    except PermissionError:
        complained(
            call("search", curves(), "--results", closed), "RESULTS_UNWRITABLE", str(closed), "Permission denied"
        )
    else:
        pytest.skip("this user may write anywhere")


def test_a_tracking_server_that_is_not_there_is_a_warning_alone(call: Call, curves: Curves) -> None:
    ended = call("check", curves(), "--tracking-uri", f"http://user:secret@{REFUSED_PORT}")
    assert ended.status == 0
    warning = ended.out.splitlines()[0]
    assert warning.startswith(f"warning: http://{REFUSED_PORT}: no MLflow server answers")
    assert "secret" not in ended.out
    assert ended.out.splitlines()[-1] == "ok"


def test_a_study_of_that_name_with_another_content_is_left_alone(call: Call, curves: Curves, tmp_path: Path) -> None:
    path = curves()
    folder = tmp_path / "results" / "curves"
    Ledger.create(folder, read_study(path, vocabularies()), {}).close()
    before = (folder / "ledger.sqlite").read_bytes()
    ended = call("search", path, "--trials", "9", "--seed", "5")
    complained(
        ended, "STUDY_MISMATCH", str(folder), "budget.trials: 8 became 9", "seed: 0 became 5", "robustune resume"
    )
    assert (folder / "ledger.sqlite").read_bytes() == before
    assert call("check", path).status == 0


def test_nothing_to_go_on_with_is_told_with_what_was_begun(call: Call, curves: Curves, tmp_path: Path) -> None:
    for command in ("resume", "status", "front"):
        complained(call(command, "curves"), "STUDY_MISSING", "no study 'curves'", "none was begun there")
    assert not files(tmp_path)
    Ledger.create(tmp_path / "results" / "curves", read_study(curves(), vocabularies()), {}).close()
    complained(call("resume", "other"), "STUDY_MISSING", "begun there: curves")
    complained(call("front", "curves"), "NO_FRONT", "no trial has spent its full epochs yet")
    assert call("status", "curves").out.startswith("0/8 trials (0 running, 0 complete, 0 stopped, 0 failed)")
    assert call("status", "results/curves").out == call("status", "curves.toml").out == call("status", "curves").out


def test_a_study_that_takes_no_baseline_is_told(call: Call, curves: Curves, tmp_path: Path) -> None:
    Ledger.create(tmp_path / "results" / "curves", read_study(curves(), vocabularies()), {}).close()
    complained(call("check", curves("other"), "--baseline-from", "curves"), "OPTION_INVALID", "closed-form", "baseline")
    complained(call("check", "smoke", "--baseline-from", "curves"), "BASELINE_UNFIT", "curves", "accuracy")


def test_pictures_that_cannot_be_written_or_asked_for_are_told(call: Call, tmp_path: Path) -> None:
    assert "--out" in call("sets", "show", "smoke").err
    complained(
        call("sets", "show", "smoke", "--out", "pictures", "--set", "none"),
        "OPTION_INVALID",
        "--set 'none'",
        "hold-out",
    )
    assert not files(tmp_path)


def test_nothing_to_show_in_mlflow_is_told(call: Call, tmp_path: Path) -> None:
    complained(call("ui"), "STUDY_MISSING", "mlflow.db", "robustune search")
    assert not files(tmp_path)


def test_a_data_set_that_is_not_there_is_told_with_those_that_are(call: Call, tmp_path: Path) -> None:
    complained(call("data", "build", "digits"), "DATA_UNKNOWN", "'digits'", "embedded-digits")
    complained(call("data", "build", "embedded-digits", "--storage", "/proc/store"), "CACHE_UNWRITABLE", "/proc/store")
    assert not files(tmp_path)


def test_a_data_set_is_built_once_and_then_found(call: Call, tmp_path: Path) -> None:
    first = call("data", "build", "embedded-digits")
    assert [line.split(":")[0].strip() for line in first.out.splitlines()] == [
        "embedded-digits",
        "train",
        "validation",
        "test",
        "holdout",
    ]
    built = {path: path.stat().st_mtime_ns for path in files(tmp_path)}
    assert call("data", "build", "embedded-digits").out == first.out
    assert {path: path.stat().st_mtime_ns for path in files(tmp_path)} == built
    assert "to be built first: nothing; there already: data" in call("check", "smoke").out


def test_a_damaged_ledger_is_told_and_left_as_it_is(call: Call, curves: Curves, tmp_path: Path) -> None:
    path = curves()
    ledger = tmp_path / "results" / "curves" / "ledger.sqlite"
    Ledger.create(ledger.parent, read_study(path, vocabularies()), {}).close()
    ledger.write_bytes(b"not a ledger at all" * 100)
    before = ledger.read_bytes()
    for words in (["search", path], ["check", path], ["resume", "curves"], ["status", "curves"], ["front", "curves"]):
        complained(call(*words), "STATE_CORRUPT", str(ledger))
    assert ledger.read_bytes() == before


# Hostile names

HOSTILE = {
    "escapes": "\x1b[31mred\x1b[0m",
    "newline": "two\nlines",
    "direction": "right\u202eleft",
    "above": "../../../etc/passwd",
    "300 bytes": "x" * 300,
    "400 bytes": "é" * 200,
    "nothing": "",
    "here": ".",
    "parent": "..",
    "root": "/",
}


NAMING = ("check", "search", "resume", "status", "front", "evaluate", "register")


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("command", [*NAMING, "data build", "sets build", "choose --knee", "reproduce --trial 0"])
def test_a_hostile_name_steers_no_terminal_and_writes_nothing(
    call: Call, tmp_path: Path, command: str, name: str
) -> None:
    ended = call(*command.split(), name)
    code = {**dict.fromkeys(("check", "search", "sets build"), "STUDY_INVALID"), "data build": "DATA_UNKNOWN"}
    complained(ended, code.get(command, "STUDY_MISSING"))
    assert "\x1b" not in ended.err
    assert not files(tmp_path)


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_baseline_steers_no_terminal_and_writes_nothing(call: Call, tmp_path: Path, name: str) -> None:
    for command in ("check", "search", "sets build"):
        complained(call(*command.split(), "smoke", "--baseline-from", name), "STUDY_MISSING", "none was begun there")
    assert not files(tmp_path)


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("option", ["--results", "--storage", "--address", "--tracking-uri"])
def test_a_hostile_place_steers_no_terminal_and_writes_nothing(
    call: Call, curves: Curves, tmp_path: Path, option: str, name: str
) -> None:
    ended = call("check", curves(), option, name)
    assert ended.status in (0, *EXIT_CODES.values())
    assert (ended.out + ended.err).replace("\n", "").isprintable()
    assert len(ended.out.splitlines()) <= 8
    assert not files(tmp_path)


def test_a_hostile_file_name_is_no_study_name(call: Call, curves: Curves, tmp_path: Path) -> None:
    hostile = tmp_path / "\x1b[31mred\n.toml"
    hostile.write_text(curves().read_text())
    complained(call("search", hostile), "STUDY_INVALID", "a name has 1 to 64 letters")
    hostile.unlink()


# The whole command, in a process of its own


def test_the_installed_command_ends_with_the_status_of_its_mistake(
    robustune: Callable[..., "subprocess.CompletedProcess[str]"], tmp_path: Path
) -> None:
    ended = robustune("resume", "nothing", timeout=60)
    complained(Ended(ended.returncode, ended.stdout, ended.stderr), "STUDY_MISSING")
    assert ended.stdout == ""
    assert not files(tmp_path)


@pytest.mark.ray
def test_a_search_goes_on_without_its_tracking_server(
    robustune: Callable[..., "subprocess.CompletedProcess[str]"], curves: Curves, tmp_path: Path
) -> None:
    ended = robustune("search", curves(trials=3), "--tracking-uri", f"http://{REFUSED_PORT}")
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr
    assert f"warning: http://{REFUSED_PORT}: no MLflow server answers" in ended.stdout
    assert "MLflow lacks some of it; `robustune resume curves` sends the rest" in ended.stdout
    assert (tmp_path / "results" / "curves" / "report.html").is_file()


@pytest.mark.parametrize(
    ("storage", "code", "said"),
    [("nosuch://x", "OPTION_INVALID", "nosuch"), ("s3://", "OPTION_INVALID", "s3")],
)
def test_a_storage_that_no_file_system_knows_is_said_before_anything_is_written(
    storage: str, code: str, said: str, curves: Callable[..., Path], tmp_path: Path
) -> None:
    with pytest.raises(Mistake) as raised:
        search(curves(), storage=storage, results=tmp_path / "results", progress=False)
    assert raised.value.code == code
    assert said in raised.value.message
    assert not (tmp_path / "results").exists()
