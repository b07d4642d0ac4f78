"""One driver's run of a study: prepare, train, report, and leave nothing behind."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa

from analysis import ending, records, report
from analysis import front as fronts
from analysis.ending import STOPPED, End
from robustune.building import warn_of_unshared
from robustune.cluster import Cluster, connected
from robustune.driver import Driver
from robustune.errors import Mistake
from robustune.halving import rungs
from robustune.ledger import Ledger
from robustune.preparation import prepare, standing, steps
from robustune.screen import Screen
from robustune.settings import Settings
from robustune.stopping import Stop
from robustune.tracking import Tracking, run_links, ui_address
from search_spaces import Study
from trainables.code import code_digest

RECORDED_PACKAGES = ("robustune", "torch", "torchvision", "ray", "optuna", "mlflow", "pyarrow", "scikit-learn", "numpy")
LINKS_SECONDS = 10.0
LAST_SYNC_SECONDS = 60.0
BY_USER = End(STOPPED, "stopped by the user (robustune stop)")
LAST_WORD_SECONDS = 3.0  # who presses Ctrl-C, or a machine that goes down, does not wait for a server


@dataclass(frozen=True)
class SearchResult:
    """What a search left: its tables, its files, and whether MLflow has all of it.

    `front` holds the trials that no other dominates, `trials` one row a trial, `epochs` one row an epoch.
    `paths` names the files by what they are; `compare` is the page of the MLflow UI that compares the front's runs.
    `tracked` is False where MLflow still lacks something of the ledger, `stopped` True where `robustune stop` ended the
    search before its budget: trials may still be in flight, and `resume` goes on with them.
    """

    study: Study
    folder: Path
    front: pa.Table
    trials: pa.Table
    epochs: pa.Table
    hypervolume: float
    paths: Mapping[str, Path]
    tracking_uri: str = field(repr=False)  # may hold a password, and a notebook shows what a cell returns
    tracked: bool
    compare: str | None
    stopped: bool = False


def versions() -> dict[str, str]:
    """Returns the versions of Python and of the packages that a result depends on, and the digest of our own code."""
    packages = {name: version(name) for name in RECORDED_PACKAGES}
    return {"python": sys.version.split()[0], **packages, "code": code_digest()}


def run(ledger: Ledger, settings: Settings, screen: Screen) -> SearchResult:
    """Runs what is left of the ledger's study and writes its report.

    Raises:
        Mistake: NO_FRONT where no trial completed; LEASE_LOST where another driver took over, and nothing is written
            any more; CLUSTER_*, CACHE_* and what preparation says.
    """
    tracking = Tracking(ledger.folder, settings.tracking, screen.say)
    stop = Stop(ledger.folder, settings, ledger.session)
    stop.clear()  # what is there was meant for another driver; who asks this one asks again
    interrupted, stopped, fenced = True, False, False
    try:
        driver = Driver(ledger, lambda: _changed(tracking, screen), stop)
        if driver.requeued:
            screen.say(f"trials that were in flight and go on from their last checkpoints: {driver.requeued}")
        if driver.remaining:
            _train(driver, ledger, settings, screen, tracking, stop.path)
        else:
            tracking.start()
        stopped = cut_short(driver, stop)
        # A finished search that is reported again ended by what it ended by: hours have gone by since.
        if (end := BY_USER if stopped else ending.ended(ledger.folder) or driver.end) is not None:
            ledger.conclude(end)
        tracking.settle(LINKS_SECONDS)  # so that the report knows the run of every trial
        paths = write_report(ledger.folder, settings.tracking)
        interrupted = False
    except Mistake as mistake:
        fenced = mistake.code == "LEASE_LOST"
        raise
    finally:
        if fenced:  # requests to stop and MLflow's runs are the other driver's now
            tracking.abandon()
        else:
            stop.clear()
            # Ended by a stop, it goes on later: its runs in flight are KILLED until then, as after Ctrl-C. One that
            # came to its end before the stop was heeded has ended.
            unfinished = interrupted or stopped
            tracked = tracking.finish(LAST_WORD_SECONDS if interrupted else LAST_SYNC_SECONDS, unfinished)
    if end is not None and not stopped:
        screen.say(f"the search ended: {end.words}")
    return _result(ledger, settings, paths, tracked, tracking.compare_fragment, stopped)


def cut_short(driver: Driver, stop: Stop) -> bool:
    """Whether a stop ended a search before its budget; one that had ended by itself when it was heeded was not."""
    return stop.asked and (driver.end is None or driver.put_aside > 0)


def write_report(folder: Path, tracking_uri: str) -> Mapping[str, Path]:
    """Writes the study's tables, figure and page, in which each trial leads to its run in the MLflow UI.

    Raises:
        Mistake: RESULTS_UNWRITABLE.
    """
    links = {trial: {"MLflow run": address} for trial, address in run_links(folder, tracking_uri).items()}
    try:
        return report.write(folder, links)
    except OSError as error:
        raise Mistake(
            "RESULTS_UNWRITABLE",
            f"{folder}: the report cannot be written ({error}); make room or give it write permission, then "
            f"`robustune front {folder.name}`",
        ) from error


def _train(
    driver: Driver, ledger: Ledger, settings: Settings, screen: Screen, tracking: Tracking, stop_path: str
) -> None:
    with connected(settings.address) as cluster:
        from robustune.tuning import Slots, run_trials  # late: Ray must not be imported before `connected` has spoken
        from trainables.trial import TrialPlan

        warn_of_unshared(cluster, settings, screen)
        tracking.start()  # not before: importing Ray and MLflow at once takes longer than one after the other
        slots = Slots(settings.cpus_per_trial, settings.gpus_per_trial, concurrency(cluster, settings))
        planned = steps(ledger.study)
        ready = standing(planned, settings.store)
        with screen.building(planned, ready, len(cluster.nodes)) as watcher:
            prepared = prepare(planned, ready, settings.store, cluster, settings.gpus_per_trial, watcher)
        for name, built in prepared.items():
            ledger.record_set(name, built.digest, built.summary)
        study = ledger.study
        base = TrialPlan(
            number=-1,
            seed=-1,
            trainer=study.trainer,
            options=dict(study.options),
            metrics=study.metrics,
            from_epochs=study.from_epochs,
            sets={name: built.digest for name, built in prepared.items()},
            store=settings.store,
            checkpoints=settings.checkpoints(ledger.folder.name),
            epochs=study.budget.epochs,
            rungs=rungs(study.early_stopping, study.budget.epochs),
            threads=max(1, int(settings.cpus_per_trial)),
            stop=stop_path,
        )
        with screen.live(ledger.folder):
            run_trials(driver, base, slots)


def concurrency(cluster: Cluster, settings: Settings) -> int:
    """Returns how many trials run side by side.

    Raises:
        Mistake: CLUSTER_TOO_SMALL where not even one fits, and no node can come.
    """
    fitting = cluster.slots(settings.cpus_per_trial, settings.gpus_per_trial)
    elsewhere = settings.address or os.environ.get("RAY_ADDRESS")
    may_grow = elsewhere is not None and settings.concurrency is not None
    if fitting == 0 and not may_grow:
        largest = max(cluster.nodes)
        raise Mistake(
            "CLUSTER_TOO_SMALL",
            f"a trial asks for {settings.cpus_per_trial:g} CPUs and {settings.gpus_per_trial:g} GPUs, and the largest "
            f"node has {largest[0]:g} and {largest[1]:g}; lower --cpus-per-trial or --gpus-per-trial",
        )
    return settings.concurrency or fitting


def _changed(tracking: Tracking, screen: Screen) -> None:
    tracking.wake()
    screen.changed()


def _result(
    ledger: Ledger, settings: Settings, paths: Mapping[str, Path], tracked: bool, compare: str | None, stopped: bool
) -> SearchResult:
    study, folder = ledger.study, ledger.folder
    trials = records.trials(folder)
    front = fronts.front(trials, study)
    if front.num_rows == 0 and not stopped:
        raise Mistake("NO_FRONT", f"{folder}: {_why_no_front(trials)}")
    history = fronts.hypervolume_history(trials, study)
    return SearchResult(
        study=study,
        folder=folder,
        front=front,
        trials=trials,
        epochs=records.epochs(folder),
        hypervolume=history["hypervolume"][-1].as_py() if history.num_rows else 0.0,
        paths=paths,
        tracking_uri=settings.tracking,
        tracked=tracked,
        compare=f"{ui_address(settings.tracking)}/{compare}" if compare else None,
        stopped=stopped,
    )


def _why_no_front(trials: pa.Table) -> str:
    reasons = [row for row in trials.select(["number", "code", "reason"]).to_pylist() if row["code"]]
    if not reasons:
        return "no trial that spent its full epochs meets the constraints; loosen them, or allow more trials or epochs"
    first = reasons[0]
    return (
        f"{len(reasons)} of {trials.num_rows} trials failed and none completed feasibly; "
        f"trial {first['number']} says {first['code']}: {first['reason']}"
    )
