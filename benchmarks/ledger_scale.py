"""`ledger-scale`: a ledger of 10,000 finished trials is opened and searched on, beside Optuna's own journal of as many.

Each trial has 9 epochs of three metrics, unless one of two rungs stopped it, as it did one in ten. Measured is what
`robustune resume` does before Ray: the ledger is checked byte by byte and opened, the driver is built from it, the next
proposal is out. The peer loads a study of the same configurations, one row of two values each, from a journal file, and
asks its TPE once; its SQLite storage takes 15 ms of CPU to add a trial and is left out. Every measurement has a process
of its own, where the rise of the resident memory is taken as well: the difference between 10,000 trials and 1,000, so
that what the first trial costs does not count. A driver that lives through its trials is a process too. The limits are
on the time of CPU, so that a busy machine does not show; the wall clock stands beside it.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from analysis import records, report
from benchmarks.histories import EPOCHS, NAMES, a_study, drawn, scores, write
from benchmarks.rows import Row, row

TRIALS: Final = 10_000
FEWER: Final = 1_000
LIVED: Final = 3_000
LIMIT_SECONDS: Final = 10.0
LIMIT_KILOBYTES: Final = 20.0
SAMPLERS: Final = ("tpe", "nsga2", "random")

Measured = dict[str, float]


def rows(device: str) -> list[Row]:
    """Measures resuming with three samplers, the memory of a driver, and what shows a study.

    Args:
        device: stands in no row: nothing is trained.
    """
    found = []
    with tempfile.TemporaryDirectory() as folder:
        journal = _apart("peer", Path(folder) / "journal.log", TRIALS)
        for sampler in SAMPLERS:
            many, few = (_apart("resume", _made(sampler, count, Path(folder)), count) for count in (TRIALS, FEWER))
            found += _timed(f"resume, {sampler}", many, journal, f"at most {LIMIT_SECONDS:g} s")
            found.append(_grown(f"resume, {sampler}", many["bytes"] - few["bytes"], TRIALS - FEWER))
        lived = _apart("live", Path(folder), LIVED)
        found.append(_grown("a driver that lives", lived["bytes"], LIVED - FEWER))
        shown = _made("tpe", TRIALS, Path(folder))
        for action in SHOWN:
            found += _timed(action, _apart(action, shown, TRIALS), None, "none stated")
    return found


def _made(sampler: str, trials: int, folder: Path) -> Path:
    place = folder / f"{sampler}-{trials}" / "history"
    if not place.exists():
        write(a_study(sampler, trials), trials, place)
    return place


def _timed(name: str, ours: Measured, peer: Measured | None, target: str) -> list[Row]:
    made = []
    for what in ("cpu", "wall"):
        other = peer[what] if peer else None
        ratio = (other if other is not None else LIMIT_SECONDS) / ours[what]
        made.append(row(f"ledger-scale: {name}, {what}", ours[what], other, "s", ratio, target))
        target = "none stated"
    return made


def _grown(name: str, grown: float, trials: int) -> Row:
    kilobytes = grown / trials / 1000
    target = f"at most {LIMIT_KILOBYTES:g} kB"
    ratio = LIMIT_KILOBYTES / max(kilobytes, 0.001)
    return row(f"ledger-scale: memory, {name}", kilobytes, None, "kB a trial", ratio, target)


def _apart(action: str, place: Path, trials: int) -> Measured:
    """Measures in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.ledger_scale", action, str(place), str(trials)]
    made = subprocess.run(command, check=True, capture_output=True, text=True)
    found: Measured = json.loads(made.stdout.splitlines()[-1])
    return found


def resident() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def _resume(place: Path, trials: int) -> Measured:
    from robustune.driver import Driver
    from robustune.ledger import Ledger

    def run() -> Any:
        ledger = Ledger.open(place)
        driver = Driver(ledger, lambda: None)
        return ledger, driver, driver.next()

    return _clocked(run)


def _live(place: Path, trials: int) -> Measured:
    """Runs trials in one driver, all of them its own, and takes the rise of memory after the first thousand."""
    from robustune.driver import Driver
    from robustune.replay import Memory

    driver = Driver(Memory(a_study("random", trials)), lambda: None)
    before = 0
    for number in range(trials):
        if number == FEWER:
            before = resident()
        proposal = driver.next()
        assert proposal is not None
        for epoch in range(1, EPOCHS + 1):
            told = {"failure": None, "epoch": epoch, "metrics": scores(proposal.config, epoch), "checkpoint": None}
            if not driver.report(number, {**told, "train_seconds": 1.0, "score_seconds": 0.1}):
                break
    return {"bytes": resident() - before}


def _peer(place: Path, trials: int) -> Measured:
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    from robustune.distributions import Translator
    from robustune.lessons import quiet

    study = a_study("tpe", trials)
    translator = Translator(study.space)

    def stored() -> Any:
        return JournalStorage(JournalFileBackend(str(place)))

    def row_of(number: int) -> optuna.trial.FrozenTrial:
        config = drawn(study, number)
        parameters, values = translator.parameters(config), scores(config, EPOCHS)
        laws = translator.laws(parameters)
        return optuna.trial.create_trial(
            params=parameters, distributions=dict(laws), values=[values[one] for one in NAMES[:2]]
        )

    def run() -> Any:
        found = optuna.load_study(study_name="peer", storage=stored(), sampler=optuna.samplers.TPESampler(seed=0))
        trial = found.ask()
        translator.draw(trial, dormant=False)
        return found

    with quiet():
        made = optuna.create_study(study_name="peer", storage=stored(), directions=["maximize"] * 2)
        made.add_trials([row_of(number) for number in range(trials)])
        del made
        return _clocked(run)


def _status(place: Path, trials: int) -> Measured:
    from robustune.standing import standing

    return _clocked(lambda: standing(place))


def _clocked(run: Callable[[], Any]) -> Measured:
    held, cpu, wall = resident(), time.process_time(), time.perf_counter()
    kept = run()
    taken = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall, "bytes": float(resident() - held)}
    del kept
    return taken


SHOWN: Final[dict[str, Callable[[Path, int], Measured]]] = {
    "status": _status,
    "table of trials": lambda place, trials: _clocked(lambda: records.trials(place)),
    "report": lambda place, trials: _clocked(lambda: report.write(place)),
}
ACTIONS: Final = {"resume": _resume, "live": _live, "peer": _peer, **SHOWN}

if __name__ == "__main__":
    print(json.dumps(ACTIONS[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))))
