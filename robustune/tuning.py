"""Ray Tune runs the trials; for every result the driver decides and the ledger commits before Ray goes on."""

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from ray import tune
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from robustune.driver import Driver
from trainables.trial import Trial, TrialPlan

RETRIES_AFTER_LOST_WORKERS = 3
# Ray's own snapshots, loggers and screens are never read: the ledger is the truth, and the screen is ours.
RAY_SETTINGS = {
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000000",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_RESULT_BUFFER_LENGTH": "0",
    "TUNE_WARN_THRESHOLD_S": "60",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
}


@dataclass(frozen=True)
class Slots:
    """What each trial gets, and how many trials run at a time."""

    cpus: float
    gpus: float
    concurrency: int


class Unpickled:
    """Stays in this process: Tune pickles all it is given into its experiment folder, and nobody reads that again."""

    def __getstate__(self) -> dict[str, object]:
        return {}

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self


class Proposals(Unpickled, Searcher):
    """Hands Ray what the driver proposes, and tells the driver of trials that Ray gave up."""

    def __init__(self, driver: Driver, base: TrialPlan) -> None:
        super().__init__(metric=None, mode=None)
        self._driver = driver
        self._base = base
        self._numbers: dict[str, int] = {}

    def suggest(self, trial_id: str) -> Any:
        """Returns the configuration of the next trial, or `Searcher.FINISHED`."""
        proposal = self._driver.next()
        if proposal is None:
            return str(Searcher.FINISHED)
        self._numbers[trial_id] = proposal.number
        plan = replace(
            self._base,
            number=proposal.number,
            seed=proposal.seed,
            options={**self._base.options, **proposal.config},
            resume_epoch=proposal.resume_epoch,
        )
        return plan.to_config()

    def on_trial_result(self, trial_id: str, result: Mapping[str, Any]) -> None:
        """Does nothing: results reach the driver through `Decisions`, before Ray goes on."""

    def on_trial_complete(self, trial_id: str, result: Mapping[str, Any] | None = None, error: bool = False) -> None:
        """Ends the trial as failed where Ray gave it up; otherwise its last result has ended it already."""
        if error:
            self._driver.lost(self._numbers[trial_id])

    def save(self, checkpoint_path: str) -> None:
        """Writes an empty file, as Ray wants one: a search is rebuilt from the ledger."""
        Path(checkpoint_path).touch()

    def restore(self, checkpoint_path: str) -> None:
        """Reads nothing: a search is rebuilt from the ledger."""


class Decisions(Unpickled, FIFOScheduler):
    """Lets the driver decide on every result: a trial never says by itself that it is done."""

    def __init__(self, driver: Driver) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Ray's
        self._driver = driver

    def on_trial_result(self, tune_controller: Any, trial: Any, result: Mapping[str, Any]) -> str:
        """Has the result decided and committed; returns CONTINUE or STOP."""
        goes_on = self._driver.report(TrialPlan.from_config(trial.config).number, json.loads(result["report"]))
        return str(TrialScheduler.CONTINUE if goes_on else TrialScheduler.STOP)


class Losses(Unpickled, tune.Callback):
    """Tells the driver of trials that lost their worker and start again."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def on_trial_recover(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Counts the retry."""
        self._driver.retried(TrialPlan.from_config(trial.config).number)


def run_trials(driver: Driver, base: TrialPlan, slots: Slots) -> None:
    """Runs trials until the driver proposes none.

    Ray is connected already. Its experiment folder is a temporary one: nothing in it is needed again.
    """
    if driver.remaining == 0:
        return
    os.environ.update(RAY_SETTINGS)
    with tempfile.TemporaryDirectory(prefix="robustune-", ignore_cleanup_errors=True) as aside:
        tune.Tuner(
            tune.with_resources(Trial, {"cpu": slots.cpus, "gpu": slots.gpus}),
            tune_config=tune.TuneConfig(
                search_alg=Proposals(driver, base),
                scheduler=Decisions(driver),
                num_samples=driver.remaining,
                max_concurrent_trials=slots.concurrency,
                reuse_actors=True,
                trial_name_creator=_name,
                trial_dirname_creator=_name,
            ),
            run_config=tune.RunConfig(
                name="trials",
                storage_path=aside,
                verbose=0,
                callbacks=[Losses(driver)],
                failure_config=tune.FailureConfig(max_failures=RETRIES_AFTER_LOST_WORKERS),
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            ),
        ).fit()


def _name(trial: Any) -> str:
    return f"trial-{TrialPlan.from_config(trial.config).number:05d}"
