"""The Python face: `search("quickstart").front` is an Arrow table."""

from dataclasses import replace
from pathlib import Path

from robustune import checks
from robustune.baseline import with_baseline
from robustune.errors import readable
from robustune.extending import extended, grown
from robustune.ledger import Ledger
from robustune.running import SearchResult, run, versions
from robustune.screen import Screen
from robustune.settings import Settings
from robustune.teachers import wanting
from search_spaces import Study


@readable()
def search(
    study: str | Path | Study,
    *,
    trials: int | None = None,
    epochs: int | None = None,
    seed: int | None = None,
    baseline_from: str | Path | None = None,
    address: str | None = None,
    storage: str | None = None,
    tracking_uri: str | None = None,
    cpus_per_trial: float = 1.0,
    gpus_per_trial: float = 0.0,
    concurrency: int | None = None,
    results: str | Path = "results",
    progress: bool = True,
) -> SearchResult:
    """Runs a study to its front; a study that was begun with the same content goes on where it stopped.

    Args:
        study: name of a shipped study, path of a study file, or a `Study`.
        trials: budget of trials, instead of the study's.
        epochs: budget of epochs a trial, instead of the study's.
        seed: seed of the search, instead of the study's.
        baseline_from: a finished study, whose best trial by clean accuracy is the baseline that sets are made for; it
            becomes part of this study.
        address: HOST:PORT of a Ray head node, "auto", or None for this machine alone.
        storage: path or `pyarrow.fs` URI that every node reaches, for sets and checkpoints.
        tracking_uri: MLflow tracking URI; None for `mlflow.db` in the results folder.
        cpus_per_trial: CPUs of each trial; its number of threads.
        gpus_per_trial: GPUs of each trial; may be a fraction.
        concurrency: trials at a time; None for as many as fit.
        results: folder that holds one folder for every study.
        progress: whether to show the search on the terminal.

    Raises:
        Mistake: anything that the user can mend, with a code and one clear message.
    """
    settings = Settings(str(results), address, storage, tracking_uri, cpus_per_trial, gpus_per_trial, concurrency)
    screen = Screen(progress)
    chosen = with_baseline(checks.read(study, trials, epochs, seed), baseline_from, settings, screen.say)
    for warning in checks.check(chosen, settings):
        screen.say(f"warning: {warning}")
    wanting(chosen, settings)  # before anything is made: a teacher may be refused
    with Ledger.create(
        settings.results_folder / chosen.name, chosen, versions(), settings.segments, screen.say
    ) as ledger:
        _teach(ledger, settings, screen)
        return run(ledger, settings, screen)


@readable()
def resume(
    study: str,
    *,
    results: str | Path = "results",
    address: str | None = None,
    storage: str | None = None,
    tracking_uri: str | None = None,
    cpus_per_trial: float = 1.0,
    gpus_per_trial: float = 0.0,
    concurrency: int | None = None,
    progress: bool = True,
) -> SearchResult:
    """Goes on with a study that was interrupted, from its ledger alone; a finished one is reported again.

    The study, with its budget and seed, is the one that the ledger holds. The arguments are those of `search`.

    Raises:
        Mistake: STUDY_MISSING where nothing was begun, and what `search` raises.
    """
    settings = Settings(str(results), address, storage, tracking_uri, cpus_per_trial, gpus_per_trial, concurrency)
    folder = checks.stored(study, settings)
    settings = replace(settings, results=str(folder.parent))
    screen = Screen(progress)
    with Ledger.open(folder, versions(), settings.segments, screen.say) as ledger:
        for warning in checks.check(ledger.study, settings):
            screen.say(f"warning: {warning}")
        _teach(ledger, settings, screen)
        return run(ledger, settings, screen)


@readable()
def extend(
    study: str,
    *,
    trials: int | None = None,
    hours: float | None = None,
    total_epochs: int | None = None,
    results: str | Path = "results",
    address: str | None = None,
    storage: str | None = None,
    tracking_uri: str | None = None,
    cpus_per_trial: float = 1.0,
    gpus_per_trial: float = 0.0,
    concurrency: int | None = None,
    progress: bool = True,
) -> SearchResult:
    """Adds to the budget of a finished study and goes on with it; what it has tried teaches what follows.

    Where this is interrupted, `resume` goes on with the larger budget. The other arguments are those of `search`.

    Args:
        study: name of a study that was begun, or its folder.
        trials: to add.
        hours: to add to the budget's own.
        total_epochs: to add to the budget's own.

    Raises:
        Mistake: STUDY_UNFINISHED, BUDGET_UNFIT, OPTION_INVALID, and what `resume` raises.
    """
    settings = Settings(str(results), address, storage, tracking_uri, cpus_per_trial, gpus_per_trial, concurrency)
    folder = checks.stored(study, settings)
    settings = replace(settings, results=str(folder.parent))
    screen = Screen(progress)
    with Ledger.open(folder, versions(), settings.segments, screen.say) as ledger:
        larger = extended(folder, ledger.study, trials, hours, total_epochs)
        for warning in checks.check(ledger.study, settings):
            screen.say(f"warning: {warning}")
        screen.say(f"{folder.name}: {grown(ledger.study, larger)}")
        ledger.extend(larger)
        return run(ledger, settings, screen)


def _teach(ledger: Ledger, settings: Settings, screen: Screen) -> None:
    """Commits what other studies teach, before the first trial and once."""
    taught = wanting(ledger.study, settings)
    if taught is not None:
        ledger.teach(taught.rows)
        for line in taught.told:
            screen.say(line)
