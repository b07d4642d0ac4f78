"""`trial-overhead`: what a trial costs that trains nothing, beside Ray Tune with OptunaSearch and its MLflow callback.

All have the same two options, two objectives, one step a trial and two trials at a time; all record into SQLite. The
time is that between the ends of trials once every slot has had one, so it holds what the driver waits for. Ours
records in the background and the peer does not, so a row of whole runs stands beside it: from the call to its return,
with Ray's start, everything recorded and, for ours, the report written.

On a busy machine the driver waits for others, so the CPU that its process takes in the same span of time stands beside:
where the limit on the time is missed while the CPU is a small part of it, it is the machine that was measured.
"""

import logging
import math
import os
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import numpy as np

from benchmarks.rows import Row, row
from robustune import search
from robustune.tuning import RAY_SETTINGS
from search_spaces import Budget, Objective, Sampler, Study, Uniform

TRIALS = 60
SLOTS = 2
LIMIT_MS = 80.0
TIMES_LESS_THAN_PLAIN = 15.0


def rows(device: str) -> list[Row]:
    """Runs ours, the peer, and the peer with reused actors, one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        ours, own_cpu, run = _timed(lambda: _ours(Path(folder) / "ours"))
        plain, plain_cpu, plain_run = _timed(lambda: _peer(Path(folder) / "plain", reuse=False))
        reused, reused_cpu, reused_run = _timed(lambda: _peer(Path(folder) / "reused", reuse=True))
    unit = "ms a trial"
    return [
        row("trial-overhead", ours, None, unit, LIMIT_MS / ours, f"at most {LIMIT_MS:g} ms"),
        row("trial-overhead: plain", ours, plain, unit, plain / ours, f"{TIMES_LESS_THAN_PLAIN:g} times less"),
        row("trial-overhead: reused actors", ours, reused, unit, reused / ours, "less"),
        row("trial-overhead: CPU of the driver, plain", own_cpu, plain_cpu, unit, plain_cpu / own_cpu, "none stated"),
        row(
            "trial-overhead: CPU of the driver, reused", own_cpu, reused_cpu, unit, reused_cpu / own_cpu, "none stated"
        ),
        row("trial-overhead: whole run, plain", run, plain_run, "s", plain_run / run, "none stated"),
        row("trial-overhead: whole run, reused", run, reused_run, "s", reused_run / run, "none stated"),
    ]


def _timed(run: Callable[[], list[float]]) -> tuple[float, float, float]:
    """Returns milliseconds a trial and CPU milliseconds a trial between the ends of trials, and the run's seconds."""
    started = time.perf_counter()
    with _Cpu() as cpu:
        ends = sorted(run())
    whole = time.perf_counter() - started
    first, last, trials = ends[SLOTS - 1], ends[-1], len(ends) - SLOTS  # once every slot has had one
    return 1000 * (last - first) / trials, 1000 * cpu.between(first, last) / trials, whole


class _Cpu:
    """Looks twenty times a second at how much CPU this process has taken."""

    def __enter__(self) -> Self:
        self._seen = [(time.time(), time.process_time())]
        self._ended = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._ended.set()
        self._watcher.join()

    def between(self, first: float, last: float) -> float:
        """Seconds of CPU between two moments, in unix time."""
        times, taken = zip(*self._seen, strict=True)
        return float(np.interp(last, times, taken) - np.interp(first, times, taken))

    def _watch(self) -> None:
        while not self._ended.wait(0.05):
            self._seen.append((time.time(), time.process_time()))


def _ours(folder: Path) -> list[float]:
    study = Study(
        name="overhead",
        trainer="closed-form",
        data="none",
        space={"angle": Uniform(0, 1), "loss": Uniform(0, 1)},
        objectives=(Objective("accuracy", "max", 0.0), Objective("robustness", "max", 0.0)),
        budget=Budget(trials=TRIALS, epochs=1),
        sampler=Sampler("tpe"),
    )
    result = search(study, results=folder, concurrency=SLOTS, progress=False)
    ends: list[float] = result.trials["ended"].to_pylist()
    return ends


def _peer(folder: Path, reuse: bool) -> list[float]:
    import optuna
    import ray
    from ray import tune
    from ray.air.integrations.mlflow import MLflowLoggerCallback
    from ray.tune.search.optuna import OptunaSearch

    class Ends(tune.Callback):
        def __init__(self) -> None:
            self.at: list[float] = []

        def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
            self.at.append(time.time())

    class Point(tune.Trainable):
        def setup(self, config: dict[str, Any]) -> None:
            self.angle, self.loss = config["angle"] * math.pi / 2, config["loss"]

        def reset_config(self, new_config: dict[str, Any]) -> bool:
            self.setup(new_config)
            return True

        def step(self) -> dict[str, Any]:
            left = 1 - self.loss
            return {"accuracy": math.cos(self.angle) * left, "robustness": math.sin(self.angle) * left, "done": True}

        def save_checkpoint(self, checkpoint_dir: str) -> dict[str, Any]:
            return {}

    os.environ.update({name: value for name, value in RAY_SETTINGS.items() if name != "TUNE_GLOBAL_CHECKPOINT_S"})
    folder.mkdir()
    uniform = optuna.distributions.FloatDistribution(0.0, 1.0)
    ends = Ends()
    ray.init(address="local", num_cpus=SLOTS, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    try:
        tune.Tuner(
            tune.with_resources(Point, {"cpu": 1}),
            tune_config=tune.TuneConfig(
                search_alg=OptunaSearch(
                    space={"angle": uniform, "loss": uniform},
                    metric=["accuracy", "robustness"],
                    mode=["max", "max"],
                    sampler=optuna.samplers.TPESampler(seed=0),
                ),
                num_samples=TRIALS,
                max_concurrent_trials=SLOTS,
                reuse_actors=reuse,
            ),
            run_config=tune.RunConfig(
                storage_path=str(folder),
                verbose=0,
                callbacks=[MLflowLoggerCallback(f"sqlite:///{folder}/mlflow.db", experiment_name="overhead"), ends],
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            ),
        ).fit()
    finally:
        ray.shutdown()
    return ends.at
