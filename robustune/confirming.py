"""Confirms the front of a finished search: retrains its points under fresh seeds, on data the search never saw."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from analysis import confirmation, records
from analysis import front as fronts
from analysis.confirmation import Confirmation
from robustune import checks, confirmation_changes, whole_trials
from robustune.confirmation_bounds import bounds
from robustune.confirmation_left import left
from robustune.confirmation_nets import (
    Net,
    Wanted,
    net_seed,
    nets,
    retraining_of,
    search_seeds,
)
from robustune.confirmation_sets import Sets, check_splits, fresh_sets
from robustune.confirmation_tables import write_nets, write_outcomes
from robustune.confirmation_work import LEDGER_FOLDER, Work
from robustune.errors import Mistake, readable
from robustune.ledger import Ledger
from robustune.running import versions, write_report
from robustune.screen import Screen
from robustune.settings import Settings
from robustune.tracking.attaching import attach
from robustune.tracking.confirmed import Sent, send
from robustune.whole_trials import Recorded, options_of
from search_spaces import Study
from trainables.registry import load_outcomes
from trainables.storage import below

FEWEST_SEEDS = 2
MOST_SEEDS = 1_000


@dataclass(frozen=True)
class Asked:
    """How a front is confirmed.

    Attributes:
        seeds: nets of each point; with a budget the most of them.
        within: how far below the front trials are confirmed too, in pooled standard deviations over seeds.
        budget: epochs of all nets together, spent where the outcome is not clear; None: `seeds` nets of each point.
        trials: confirmed besides, by number.
        despite_changes: whether to go on where data or code changed since the search.
        dry_run: whether only to tell what it would cost.
    """

    seeds: int = 5
    within: float = 2.0
    budget: int | None = None
    trials: tuple[int, ...] = ()
    despite_changes: bool = False
    dry_run: bool = False


@dataclass(frozen=True)
class Confirmed:
    """What a confirmation left: its tables, every net, and its files by name."""

    study: Study
    folder: Path
    confirmation: Confirmation
    nets: Sequence[Net]
    paths: Mapping[str, Path]


def confirm(study: str, asked: Asked, settings: Settings, screen: Screen) -> Confirmed | None:
    """Retrains front members and what lies within the band, scores each net on unseen data, and tells what holds.

    What was trained or scored before is taken as it is, so that an interrupted confirmation goes on by the same call.

    Args:
        study: name, study file or folder of a finished study.
        asked: how.
        settings: where results and store are, and the cluster.
        screen: shows how it goes.

    Returns:
        What it left; None for a dry run.

    Raises:
        Mistake: STUDY_MISSING, STUDY_UNFINISHED, STUDY_CHANGED, NO_FRONT, OPTION_INVALID, BUDGET_UNFIT, STUDY_LOCKED,
            and what training and building say.
    """
    _check(asked)
    folder = checks.stored(study, settings)
    settings = replace(settings, results=str(folder.parent))
    with readable():
        done = whole_trials.finished(folder, settings, load_outcomes, "its front may still move")
        changed = confirmation_changes.changes(folder, done.study)
        first = _first(done, asked)
        _check_images(done, settings)
        sets = fresh_sets(done.study)
        _bring_back(folder, settings)
        changed += confirmation_changes.since_begun(folder / LEDGER_FOLDER, sets.whole)
        confirmation_changes.check_unchanged(changed, folder, asked.despite_changes)
        _tell(done, first, asked, sets, settings, screen, changed)
        if asked.dry_run:
            return None
        checks.check_building(done.study, settings)
        with _ledger(done, settings, screen) as ledger, contextlib.ExitStack() as session:
            if changed:
                ledger.record_set("changes", "", {"despite": changed})
            work = Work(done, ledger, sets, settings, screen, session)
            try:
                _train_points(work, done, first, asked, screen)
                outcomes = work.all_outcomes()
                found = confirmation.confirmed(done.trials, outcomes, done.study, bounds=bounds(done.study.trainer))
            except confirmation.NotConfirmable as error:
                raise _nothing(folder, work.nets, error) from error
            return _left(work, done, outcomes, found, settings, screen)


def wanted(done: Recorded, seeds: Mapping[int, int]) -> list[Wanted]:
    """Returns the nets of so many seeds of each trial, seed by seed; none has a seed of the search.

    Args:
        done: the search.
        seeds: of each trial, by its number.
    """
    taken = search_seeds(done.folder)
    drawn = {event.trial: event.config for event in records.events(done.folder) if event.kind == "asked"}
    return [
        Wanted(trial, replicate, net_seed(done.study.seed, trial, replicate, taken), drawn[trial])
        for replicate in range(max(seeds.values(), default=0))
        for trial in seeds
        if replicate < seeds[trial]
    ]


def _check(asked: Asked) -> None:
    if asked.seeds < FEWEST_SEEDS:
        raise Mistake(
            "OPTION_INVALID",
            f"--seeds {asked.seeds}: how far seeds scatter shows from {FEWEST_SEEDS} on; the default of 5 is usual",
        )
    if asked.seeds > MOST_SEEDS:
        raise Mistake("OPTION_INVALID", f"--seeds {asked.seeds}: {MOST_SEEDS} at most; the default of 5 is usual")
    if not 0 <= asked.within < float("inf"):
        raise Mistake("OPTION_INVALID", f"--within {asked.within}: expected 0 or more standard deviations")


def _check_images(done: Recorded, settings: Settings) -> None:
    """Holds the data to what nets are scored on, as far as the store has them; otherwise building will tell."""
    if "data" not in records.sets(done.folder):
        return
    try:
        data = whole_trials.data_of(done, settings)
    except Mistake:
        return
    check_splits(done.study, data)


def _first(done: Recorded, asked: Asked) -> list[int]:
    """What is confirmed whatever comes: the front, and the trials that were named."""
    front = whole_trials.picked(done, (), "--trial")
    named = whole_trials.picked(done, asked.trials, "--trial") if asked.trials else []
    return list(dict.fromkeys([*front, *named]))


def _train_points(work: Work, done: Recorded, first: Sequence[int], asked: Asked, screen: Screen) -> None:
    """Trains and scores the front, then what lies within the band below it."""
    if asked.budget is not None:
        _train_within(asked.budget // done.study.budget.epochs, work, done, first, asked, screen)
        return
    outcomes = work.outcomes(wanted(done, dict.fromkeys(first, asked.seeds)))
    if near := _near(done, outcomes, first, asked, screen):
        besides = wanted(done, dict.fromkeys(near, asked.seeds))
        training, _, scoring = work.left(besides).words
        screen.say(training)
        screen.say(scoring)
        work.outcomes(besides)


def _train_within(most: int, work: Work, done: Recorded, first: Sequence[int], asked: Asked, screen: Screen) -> None:
    """The first seeds of every point, then more where the outcome is not clear, until so many nets are trained."""
    fewest = _first_seeds(asked)
    seeds = dict.fromkeys(first, fewest)
    outcomes = work.outcomes(wanted(done, seeds))
    for trial in _near(done, outcomes, first, asked, screen):
        if sum(seeds.values()) + fewest <= most:
            seeds[trial] = fewest
        else:
            screen.say(f"the budget leaves no epochs for trial {trial}, which lies within the band")
    outcomes = work.outcomes(wanted(done, seeds))
    while more := _more(confirmation.next_seeds(done.trials, outcomes, done.study, asked.seeds, seeds), seeds, most):
        seeds = {trial: count + more.get(trial, 0) for trial, count in seeds.items()}
        outcomes = work.outcomes(wanted(done, seeds))
    told = ", ".join(f"{count} of trial {trial}" for trial, count in seeds.items())
    spent = sum(seeds.values()) * done.study.budget.epochs
    screen.say(f"{spent} of {asked.budget} epochs spent: seeds {told}")


def _more(deserved: Mapping[int, int], seeds: Mapping[int, int], most: int) -> dict[int, int]:
    """What of the deserved seeds so many nets still allow, the least clear trial first."""
    left, found = most - sum(seeds.values()), {}
    for trial, count in deserved.items():
        if trial in seeds and (given := min(count, left)) > 0:
            found[trial] = given
            left -= given
    return found


def _first_seeds(asked: Asked) -> int:
    """Seeds of every point before it shows where more are needed."""
    return asked.seeds if asked.budget is None else min(confirmation.FIRST_SEEDS, asked.seeds)


def _near(done: Recorded, outcomes: pa.Table, first: Sequence[int], asked: Asked, screen: Screen) -> list[int]:
    """Trials within the band below the front, without those that are confirmed anyway."""
    sd = confirmation.pooled_sd(outcomes)
    found = confirmation.candidates(done.trials, done.study, asked.within, sd)
    near = [trial for trial in found if trial not in first]
    listed = ", ".join(map(str, near)) or "none"
    screen.say(f"within {asked.within:g} standard deviations over seeds below the front: trials {listed}")
    return near


def _tell(
    done: Recorded,
    first: Sequence[int],
    asked: Asked,
    sets: Sets,
    settings: Settings,
    screen: Screen,
    changed: Sequence[str],
) -> None:
    """Says beforehand what is done, and what it costs."""
    epochs = done.study.budget.epochs
    front = fronts.front(done.trials, done.study).num_rows
    screen.say(f"{done.study.name}: front of {front}; trials to confirm: {', '.join(map(str, first))}")
    if front == 1:
        screen.say("the front is a single point: its scores are confirmed, and no choice among points is corrected for")
    for line in (*sets.notes, *(f"changed since the search, and recorded: {one}" for one in changed)):
        screen.say(f"note: {line}")
    there = nets(done.folder / LEDGER_FOLDER) if checks.has_ledger(done.folder / LEDGER_FOLDER) else []
    seeds = _first_seeds(asked)
    if asked.budget is not None and len(first) * seeds * epochs > asked.budget:
        raise Mistake(
            "BUDGET_UNFIT",
            f"--budget {asked.budget}: {len(first)} trials under {seeds} seeds, the first of each, take "
            f"{len(first) * seeds * epochs} epochs; give that many at least",
        )
    for line in left(done, wanted(done, dict.fromkeys(first, seeds)), there, sets, settings).words:
        screen.say(line)
    if asked.budget is not None:
        screen.say(f"up to {asked.budget} epochs in all, where the outcome is not clear")
    screen.say(f"trials within {asked.within:g} standard deviations below the front come on top, once these are known")


def _bring_back(folder: Path, settings: Settings) -> None:
    """Makes the ledger of the nets anew where it is gone from this machine, and the storage has what it held."""
    if settings.segments is None or checks.has_ledger(folder / LEDGER_FOLDER):
        return
    try:
        Ledger.rebuild(folder / LEDGER_FOLDER, below(settings.segments, folder.name))
    except Mistake as mistake:
        if mistake.code != "STUDY_MISSING":
            raise


def _ledger(done: Recorded, settings: Settings, screen: Screen) -> Ledger:
    storage = None if settings.segments is None else below(settings.segments, done.folder.name)
    return Ledger.create(done.folder / LEDGER_FOLDER, retraining_of(done.study), versions(), storage, screen.say)


def _nothing(folder: Path, trained: Sequence[Net], error: confirmation.NotConfirmable) -> Mistake:
    failed = [net for net in trained if net.state == "failed"]
    why = f"; {len(failed)} of {len(trained)} nets failed, the first: {failed[0].reason}" if failed else ""
    return Mistake("NO_FRONT", f"{folder}: nothing could be confirmed ({error}{why})")


def _left(
    work: Work, done: Recorded, outcomes: pa.Table, found: Confirmation, settings: Settings, screen: Screen
) -> Confirmed:
    """Writes what the nets say."""
    study, folder = done.study, done.folder
    trained = work.nets
    try:
        paths = {
            **write_outcomes(folder, study, outcomes),
            **write_nets(folder, study, trained),
            **{path.name: path for path in confirmation.write(folder, study, found)},
        }
    except OSError as error:
        raise Mistake(
            "RESULTS_UNWRITABLE",
            f"{folder}: the confirmation cannot be written ({error}); make room or give it write permission",
        ) from error
    told = [(net, options_of(done, net.trial), work.scores.get(net.key, {})) for net in trained]
    sent = send(folder, settings.tracking, Sent(study.name, told, found, list(paths.values())), screen.say)
    paths |= write_report(folder, settings.tracking)
    if sent:  # its page there tells of the search alone
        attach(folder, settings.tracking, [paths["report.html"]], "the page", screen.say)
    return Confirmed(study, folder, found, trained, paths)
