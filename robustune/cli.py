"""The command `robustune`. Only what a command needs is imported, when it runs: `--help` must answer at once."""

import _thread
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from robustune.arguments import (
    Address,
    BaselineFrom,
    BegunName,
    Concurrency,
    CpusPerTrial,
    Epochs,
    GpusPerTrial,
    Results,
    Seed,
    Storage,
    StudyName,
    TrackingUri,
    Trials,
)
from robustune.cli_budget import extend, stop
from robustune.cli_choose import choose
from robustune.cli_compare import compare
from robustune.cli_confirm import confirm
from robustune.cli_corrupt import corrupt
from robustune.cli_data import data_app
from robustune.cli_explain import explain
from robustune.cli_models import register
from robustune.cli_replay import replay
from robustune.cli_report import report
from robustune.cli_reproduce import reproduce
from robustune.cli_sets import evaluate, sets_app
from robustune.cli_styles import styles_app
from robustune.errors import Mistake, printable, readable

if TYPE_CHECKING:
    from robustune.running import SearchResult
    from robustune.standing import Standing

DELIVERED_AGAIN_SECONDS = 0.05
INTERRUPTED = 128 + signal.SIGINT  # as a shell reports it; Typer ends with it
TERMINATED = 128 + signal.SIGTERM

app = typer.Typer(
    name="robustune",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: robustune search quickstart",
    help=(
        "Search hyperparameters of robust deep networks.\n\n"
        "Exit status: 0 done; 1 a fault of ours; 2 a mistake in the study or the options; 3 the results or the store "
        "cannot be used; 4 a cluster or server does not answer; 5 the search ended without a front; "
        "6 it was stopped; 7 a trial could not be reproduced; 130 Ctrl-C; 143 terminated."
    ),
)


@app.command(epilog="Example: robustune search quickstart --trials 8 --seed 1")
def search(
    study: StudyName,
    trials: Trials = None,
    epochs: Epochs = None,
    seed: Seed = None,
    baseline_from: BaselineFrom = None,
    address: Address = None,
    storage: Storage = None,
    tracking_uri: TrackingUri = None,
    cpus_per_trial: CpusPerTrial = 1.0,
    gpus_per_trial: GpusPerTrial = 0.0,
    concurrency: Concurrency = None,
    results: Results = "results",
) -> None:
    """Run a study to its front; one that was begun with the same content goes on."""
    from robustune.api import search as run

    show_result(
        run(
            study,
            trials=trials,
            epochs=epochs,
            seed=seed,
            baseline_from=baseline_from,
            address=address,
            storage=storage,
            tracking_uri=tracking_uri,
            cpus_per_trial=cpus_per_trial,
            gpus_per_trial=gpus_per_trial,
            concurrency=concurrency,
            results=results,
        )
    )


@app.command(epilog="Example: robustune resume quickstart")
def resume(
    study: BegunName,
    address: Address = None,
    storage: Storage = None,
    tracking_uri: TrackingUri = None,
    cpus_per_trial: CpusPerTrial = 1.0,
    gpus_per_trial: GpusPerTrial = 0.0,
    concurrency: Concurrency = None,
    results: Results = "results",
) -> None:
    """Go on with a study that was interrupted, from its ledger."""
    from robustune.api import resume as run

    show_result(
        run(
            study,
            address=address,
            storage=storage,
            tracking_uri=tracking_uri,
            cpus_per_trial=cpus_per_trial,
            gpus_per_trial=gpus_per_trial,
            concurrency=concurrency,
            results=results,
        )
    )


app.command(epilog="Example: robustune extend quickstart --trials 100")(extend)
app.command(epilog="Example: robustune stop quickstart")(stop)


@app.command(epilog="Example: robustune status quickstart")
def status(study: BegunName, results: Results = "results") -> None:
    """Show where a study stands, also while it runs."""
    from rich.console import Console

    from robustune.checks import stored
    from robustune.screen import line
    from robustune.settings import Settings
    from robustune.standing import standing

    with readable():
        now = standing(stored(study, Settings(results)))
    console = Console(highlight=False, markup=False)
    for told in (line(now), *(f"warning: {printable(one.words)}" for one in now.unmet)):
        console.print(told, soft_wrap=True)


@app.command(epilog="Example: robustune front quickstart")
def front(study: BegunName, results: Results = "results") -> None:
    """Show the front of a study as a table and write its figure, page and Parquet files anew."""
    from robustune.checks import stored
    from robustune.running import write_report
    from robustune.settings import Settings
    from robustune.standing import standing

    with readable():
        folder = stored(study, Settings(results))
        now = standing(folder)
        if not now.front:
            raise Mistake(
                "NO_FRONT", f"{folder}: no trial has spent its full epochs yet; see `robustune status {study}`"
            )
        paths = write_report(folder, Settings(str(folder.parent)).tracking)
    _show_front(now, folder)
    _show_paths(paths)


app.command(epilog="Example: robustune report quickstart --out report")(report)
app.command(epilog="Example: robustune evaluate quickstart --trial 3 --trial 7")(evaluate)
app.command(epilog="Example: robustune confirm quickstart --seeds 5")(confirm)
app.command(epilog="Example: robustune reproduce quickstart --trial 3")(reproduce)
app.command(epilog="Example: robustune register quickstart --trial 3")(register)
app.command(epilog="Example: robustune choose quickstart --max-clean-drop 0.02")(choose)
app.command(epilog="Example: robustune compare weight-noise weight-noise-random")(compare)
app.command(epilog="Example: robustune explain quickstart --trials 3 7")(explain)
app.command(epilog="Example: robustune replay benchmarks/tables/classification.parquet --workers 4")(replay)
app.command(epilog="Example: robustune corrupt photos --severity 3 --out photos-c")(corrupt)


@app.command(epilog="Example: robustune studies")
def studies() -> None:
    """List the shipped studies, a line each."""
    from robustune.checks import read
    from search_spaces import shipped

    names = sorted(shipped())
    width = max(len(name) for name in names)
    for name in names:
        typer.echo(f"{name:{width}}  {read(name).description}")


@app.command(epilog="Example: robustune check my-study.toml --address 10.0.0.5:6379")
def check(
    study: StudyName,
    trials: Trials = None,
    epochs: Epochs = None,
    seed: Seed = None,
    baseline_from: BaselineFrom = None,
    address: Address = None,
    storage: Storage = None,
    tracking_uri: TrackingUri = None,
    cpus_per_trial: CpusPerTrial = 1.0,
    gpus_per_trial: GpusPerTrial = 0.0,
    concurrency: Concurrency = None,
    results: Results = "results",
) -> None:
    """Tell everything that can be known before a worker starts."""
    from robustune import checks
    from robustune.baseline import with_baseline
    from robustune.settings import Settings
    from search_spaces.complaints import plain_text

    settings = Settings(results, address, storage, tracking_uri, cpus_per_trial, gpus_per_trial, concurrency)
    told: list[str] = []
    chosen = with_baseline(checks.read(study, trials, epochs, seed), baseline_from, settings, told.append)
    for line in told:
        typer.echo(plain_text(line))
    for warning in checks.check(chosen, settings):
        typer.echo(f"warning: {warning}")
    for line in checks.describe(chosen, settings):
        typer.echo(line)


@app.command(epilog="Example: robustune ui --port 5001")
def ui(
    tracking_uri: TrackingUri = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 5000,
    results: Results = "results",
) -> None:
    """Open the MLflow UI on 127.0.0.1 until Ctrl-C."""
    from robustune.settings import Settings
    from robustune.ui import serve

    raise typer.Exit(serve(Settings(results, tracking_uri=tracking_uri).tracking, "127.0.0.1", port))


@app.command(epilog="Example: robustune schema > study.schema.json")
def schema() -> None:
    """Print the JSON Schema of study files, for editors that check TOML."""
    import json

    from search_spaces.schema import json_schema
    from trainables.registry import vocabularies

    typer.echo(json.dumps(json_schema(vocabularies()), indent=2))


app.add_typer(sets_app, name="sets")
app.add_typer(data_app, name="data")
app.add_typer(styles_app, name="styles")


def main() -> None:
    """Runs the command line: a mistake ends in one message and its exit status, never in a traceback.

    Raises:
        SystemExit: always.
    """
    terminated = threading.Event()

    def end(signum: int, frame: object) -> NoReturn:
        terminated.set()  # says nothing here: a handler may interrupt whoever writes just now
        sys.exit(TERMINATED)

    signal.signal(signal.SIGTERM, end)
    sys.unraisablehook = _deliver_interrupts(sys.unraisablehook)
    try:
        app()
    except Mistake as mistake:
        _complain(str(mistake), mistake.exit_code)
    except SystemExit as ended:
        if ended.code == INTERRUPTED:
            _complain(f"interrupted; {_kept()}", INTERRUPTED)
        # Ray makes a status of its own of an exit that comes while it waits, and while it starts its handler is there.
        if terminated.is_set() or ended.code == signal.SIGTERM:
            _complain(f"terminated; {_kept()}", TERMINATED)
        raise
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has gone, `| head` for one
        sys.exit(1)


def _deliver_interrupts(
    hook: Callable[["sys.UnraisableHookArgs"], object],
) -> Callable[["sys.UnraisableHookArgs"], None]:
    """Wraps a hook so that a Ctrl-C which comes inside a callback of the garbage collector is not printed and lost."""

    def deliver(unraised: "sys.UnraisableHookArgs") -> None:
        if issubclass(unraised.exc_type, KeyboardInterrupt):
            again = threading.Timer(DELIVERED_AGAIN_SECONDS, _thread.interrupt_main)  # here it would be lost once more
            again.daemon = True
            again.start()
        else:
            hook(unraised)

    return deliver


def _kept() -> str:
    if sys.argv[1:2] == ["stop"]:
        return "the driver was asked to end, and does so without being waited for"
    if sys.argv[1:2] in (["search"], ["resume"], ["extend"]):
        return "what was recorded is kept: go on with `robustune resume STUDY`"
    if sys.argv[1:2] == ["corrupt"]:
        return "what was finished is kept: start the same command with --resume to go on"
    if sys.argv[1:2] in (["styles"], ["choose"], ["reproduce"]):
        return "nothing was written"
    return "what was finished is kept: start the same command again to go on"


def _complain(message: str, status: int) -> NoReturn:
    typer.echo(message, err=True)
    sys.exit(status)


def show_result(result: "SearchResult") -> None:
    """Shows what a search left.

    Raises:
        Mistake: SEARCH_STOPPED where `robustune stop` ended it before its budget.
    """
    from robustune.standing import standing

    now = standing(result.folder)
    if now.front:
        _show_front(now, result.folder)
    _show_paths(result.paths)
    if not result.tracked:
        typer.echo(f"MLflow lacks some of it; `robustune resume {result.study.name}` sends the rest")
    elsewhere = "" if result.folder.parent == Path("results").absolute() else f" --results {result.folder.parent}"
    typer.echo(f"open the MLflow UI: {_command()} ui{elsewhere}")
    if result.compare:
        typer.echo(f"compare the front's runs there: {result.compare}")
    if result.stopped:
        from robustune.stopping import told

        raise Mistake("SEARCH_STOPPED", told(result.folder))


def _command() -> str:
    """The command as this user's shell finds it: by its name, or by the path it was called with."""
    return "robustune" if shutil.which("robustune") else os.path.relpath(sys.argv[0])


def _show_front(now: "Standing", folder: Path) -> None:
    from rich.console import Console

    from robustune.relative import reached
    from robustune.screen import front_table

    console = Console(highlight=False, markup=False)
    Console(highlight=False).print(front_table(now))
    typer.echo(f"front of {len(now.front)} trials, hypervolume {now.hypervolume:.4f}")
    for line in reached(folder):
        console.print(printable(line))


def _show_paths(paths: Mapping[str, Path]) -> None:
    for name, path in paths.items():
        typer.echo(f"{name}: {path}")
