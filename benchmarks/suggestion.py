"""`suggestion`: what a proposal of TPE takes at 1,000 finished trials, beside Optuna's own study and TPE.

Ours is the driver's whole ask: eight options (eleven of Optuna's parameters, one of them conditional), all rungs told.
With early stopping the highest rung with enough rows is asked; without it all 1,000 stand at one rung, which is what
the peer has: one study in memory, the same rows, the same distributions. The limit is on the time of CPU, so that a
busy machine does not show; the wall clock stands beside it.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any, Final, Literal

import optuna

from benchmarks.histories import EPOCHS, a_study, drawn, last_epoch, play, scores
from benchmarks.rows import Row, row
from robustune.distributions import Translator
from robustune.halving import rungs
from robustune.lessons import quiet
from robustune.sampler import Sampler

TRIALS: Final = 1_000
REPEATS: Final = 15
LIMIT_MS: Final = 60.0

Clocks = tuple[float, float]


def rows(device: str) -> list[Row]:
    """Measures two and three objectives, with and without early stopping.

    Args:
        device: stands in no row: nothing is trained.
    """
    measured = []
    for objectives in (2, 3):
        peer = _median(_peer(objectives))
        for stopping in ("none", "pareto_halving"):
            ours = _median(_ours(objectives, stopping))
            name = f"suggestion: {objectives} objectives, {stopping}"
            for what, own, other in zip(("CPU", "wall"), ours, peer, strict=True):
                limit = f"at most {LIMIT_MS:g} ms" if what == "CPU" else "none stated"
                measured.append(row(f"{name}, {what}", own, other, "ms", other / own, limit))
    return measured


def _median(ask: Callable[[int], None]) -> Clocks:
    """Milliseconds of CPU and of wall clock."""
    taken: list[Clocks] = []
    for number in range(TRIALS, TRIALS + REPEATS):
        cpu, wall = time.process_time(), time.perf_counter()
        ask(number)
        taken.append((1000 * (time.process_time() - cpu), 1000 * (time.perf_counter() - wall)))
    return statistics.median(cpu for cpu, _ in taken), statistics.median(wall for _, wall in taken)


def _ours(objectives: int, stopping: Literal["none", "pareto_halving"]) -> Callable[[int], None]:
    study = a_study("tpe", TRIALS, objectives, stopping)
    sampler = Sampler(study, rungs(study.early_stopping, EPOCHS))
    for number in range(TRIALS):
        config = drawn(study, number)
        sampler.restore(number, config, {})
        play(study, sampler, number, config)

    def ask(number: int) -> None:
        sampler.ask(number)
        sampler.end(number, "lost", None)  # so that there are never more than 1,000

    return ask


def _peer(objectives: int) -> Callable[[int], None]:
    study = a_study("tpe", TRIALS, objectives, "none")
    translator = Translator(study.space)
    with quiet():
        peer = optuna.create_study(
            directions=["maximize"] * objectives, sampler=optuna.samplers.TPESampler(seed=0, constant_liar=True)
        )
    for number in range(TRIALS):
        config = drawn(study, number)
        parameters = translator.parameters(config)
        values: list[Any] = list(scores(config, last_epoch(study, number)).values())[:objectives]
        laws = translator.laws(parameters)
        peer.add_trial(optuna.trial.create_trial(params=parameters, distributions=dict(laws), values=values))

    def ask(number: int) -> None:
        trial = peer.ask()
        translator.draw(trial, dormant=False)
        peer.tell(trial, state=optuna.trial.TrialState.FAIL)

    return ask
