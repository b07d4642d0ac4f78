"""Ray Tune runs the trials; for every result the driver decides and the ledger commits before Ray goes on."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, Self

from ray import tune
from ray.exceptions import RayError
from ray.tune.error import TuneError
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from robustune.aside import own_folder
from robustune.driver import Proposal
from robustune.errors import Mistake
from robustune.surroundings import IMPORTING, environment, only_errors_logged
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


class Driver(Protocol):
    """What decides on trials: a search's `robustune.driver.Driver`, or who else has trials to run and commits them."""

    @property
    def remaining(self) -> int:
        """Trials that are still to run."""

    def ready(self) -> bool:
        """Whether `next` answers at once."""

    def next(self) -> Proposal | None:
        """The next trial; None where there is none."""

    def report(self, number: int, report: Mapping[str, Any]) -> bool:
        """Commits one report, and returns whether the trial goes on."""

    def lost(self, number: int) -> None:
        """Ends a trial whose worker was lost too often."""

    def retried(self, number: int) -> int:
        """Counts a start over, and returns the epoch up to which checkpoints may be taken up."""


class Unpickled:
    """Stays in this process: Tune pickles all it is given into its experiment folder, and nobody reads that again."""

    def __getstate__(self) -> dict[str, object]:
        return {}

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self


class Faults:
    """Keeps the first error of the driver's: Tune would pass on its traceback as the text of another error."""

    def __init__(self) -> None:
        self._first: Exception | None = None

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """Remembers an error on its way to Tune."""
        try:
            yield
        except Exception as error:
            self._first = self._first or error
            raise

    @contextlib.contextmanager
    def told(self) -> Iterator[None]:
        """Raises the driver's own error instead of Tune's.

        Raises:
            Mistake: CLUSTER_LOST where Ray gave up by itself.
        """
        try:
            yield
        except Exception as error:
            if self._first is not None:
                raise self._first from None
            if not isinstance(error, TuneError | RayError):
                raise
            last_line = (str(error).strip().splitlines() or [type(error).__name__])[-1]
            raise Mistake(
                "CLUSTER_LOST", f"Ray ended the search ({last_line}); go on with `robustune resume`"
            ) from error


class Proposals(Unpickled, Searcher):
    """Hands Ray what the driver proposes, and tells the driver of trials that Ray gave up."""

    def __init__(self, driver: Driver, base: TrialPlan, faults: Faults) -> None:
        super().__init__(metric=None, mode=None)
        self._driver = driver
        self._faults = faults
        self._base = base
        self._numbers: dict[str, int] = {}

    def suggest(self, trial_id: str) -> Any:
        """Returns the configuration of the next trial, `Searcher.FINISHED`, or None: ask again, it is being drawn."""
        with self._faults.kept():
            if not self._driver.ready():
                return None
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
            with self._faults.kept():
                self._driver.lost(self._numbers[trial_id])

    def save(self, checkpoint_path: str) -> None:
        """Writes an empty file, as Ray wants one: a search is rebuilt from the ledger."""
        Path(checkpoint_path).touch()

    def restore(self, checkpoint_path: str) -> None:
        """Reads nothing: a search is rebuilt from the ledger."""


class Decisions(Unpickled, FIFOScheduler):
    """Lets the driver decide on every result: a trial never says by itself that it is done."""

    def __init__(self, driver: Driver, faults: Faults) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Ray's
        self._driver = driver
        self._faults = faults

    def on_trial_result(self, tune_controller: Any, trial: Any, result: Mapping[str, Any]) -> str:
        """Has the result decided and committed; returns CONTINUE or STOP."""
        with self._faults.kept():
            goes_on = self._driver.report(TrialPlan.from_config(trial.config).number, json.loads(result["report"]))
        return str(TrialScheduler.CONTINUE if goes_on else TrialScheduler.STOP)


class Losses(Unpickled, tune.Callback):
    """Tells the driver of trials that lost their worker and start again."""

    def __init__(self, driver: Driver, faults: Faults) -> None:
        self._driver = driver
        self._faults = faults

    def on_trial_recover(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Counts the retry, and lets the trial start again from its newest checkpoint that the ledger knows."""
        plan = TrialPlan.from_config(trial.config)
        with self._faults.kept():
            resume_epoch = self._driver.retried(plan.number)
        trial.config.update(replace(plan, resume_epoch=resume_epoch).to_config())


def run_trials(driver: Driver, base: TrialPlan, slots: Slots) -> None:
    """Runs trials until the driver proposes none.

    Ray is connected already. Its experiment folder is a temporary one: nothing in it is needed again.

    Raises:
        Mistake: what the driver raised, RESULTS_UNWRITABLE for one; CLUSTER_LOST.
    """
    if driver.remaining == 0:
        return
    faults = Faults()
    with IMPORTING:
        import mlflow  # noqa: F401  # Ray is about to import it
    with environment(RAY_SETTINGS), only_errors_logged("ray.tune"), own_folder("tune") as aside, faults.told():
        tune.Tuner(
            tune.with_resources(Trial, {"cpu": slots.cpus, "gpu": slots.gpus}),
            tune_config=tune.TuneConfig(
                search_alg=Proposals(driver, base, faults),
                scheduler=Decisions(driver, faults),
                num_samples=driver.remaining,
                max_concurrent_trials=slots.concurrency,
                reuse_actors=True,
                trial_name_creator=_name,
                trial_dirname_creator=_name,
            ),
            run_config=tune.RunConfig(
                name="trials",
                storage_path=str(aside),
                verbose=0,
                callbacks=[Losses(driver, faults)],
                failure_config=tune.FailureConfig(max_failures=RETRIES_AFTER_LOST_WORKERS),
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            ),
        ).fit()


def _name(trial: Any) -> str:
    return f"trial-{TrialPlan.from_config(trial.config).number:05d}"
