"""What a confirmation has left to do before it ends: nets to train, sets to make, nets to score; and for how long."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from analysis import records
from robustune.confirmation_cost import Cost, cost, slots
from robustune.confirmation_nets import Net, Wanted, clock_time, kept_epochs, still_to_train
from robustune.confirmation_sets import Sets, everything, outcomes_steps, read_by
from robustune.preparation import missing, standing, told_names
from robustune.settings import Settings
from robustune.whole_trials import Recorded, options_of

IN_TURN: Final = "one after the other"


@dataclass(frozen=True)
class Left:
    """Of a confirmation that begins or goes on, as far as it is known beforehand.

    Attributes:
        training: of nets that are still to train.
        sets: seconds that making each took in the search, by the names they are told under; None where it made none.
        scoring: nets that are still to score, those to train among them.
        scored_seconds: that scoring a net took, for each that is scored.
    """

    training: Cost
    sets: Mapping[str, float | None]
    scoring: int
    scored_seconds: tuple[float, ...]

    @property
    def words(self) -> tuple[str, str, str]:
        """A line each for training, making and scoring."""
        return self.training.words, self._making, self._scoring

    @property
    def _making(self) -> str:
        if not self.sets:
            return "made anew of a fresh seed first: nothing, all of it is there"
        known = {name: seconds for name, seconds in self.sets.items() if seconds is not None}
        new = [name for name in self.sets if name not in known]
        told = []
        if known:
            told.append(f"{', '.join(known)}: about {clock_time(sum(known.values()))} {IN_TURN}, as in the search")
        if new:
            told.append(f"{', '.join(new)}: how long is not known, since the search made no such")
        return f"made anew of a fresh seed first: {'; '.join(told)}"

    @property
    def _scoring(self) -> str:
        if not self.scoring:
            return "no net is left to score"
        nets = "1 net" if self.scoring == 1 else f"{self.scoring} nets"
        if not self.scored_seconds:
            return f"{nets} to score: how long that takes is known once the first are scored"
        seconds = self.scoring * sum(self.scored_seconds) / len(self.scored_seconds)
        return f"{nets} to score: about {clock_time(seconds)} {IN_TURN}, as those took that are scored"


def left(done: Recorded, wanted: Sequence[Wanted], there: Sequence[Net], sets: Sets, settings: Settings) -> Left:
    """Returns what is left until these nets, and all that were begun, are trained and scored.

    Args:
        done: the search.
        wanted: nets that are asked for.
        there: those of the confirmation's ledger.
        sets: of the confirmation.
        settings: where the store is.

    Raises:
        Mistake: what planning and the store say.
    """
    waiting = still_to_train(wanted, there)
    begun = [net for net in there if net.state == "running"]
    whole = [net for net in there if net.state == "complete"]
    own = {net.number: outcomes_steps(done.study, sets, net, options_of(done, net.trial)) for net in whole}
    names = {steps[-1].name for steps in own.values()}
    planned = everything(done.study, sets, options_of(done, wanted[0].trial))
    every = read_by(sets, list({step.name: step for steps in own.values() for step in steps}.values()))
    ready = standing([*planned, *(step for step in every if step not in planned)], settings.store)
    scored = [ready[name] for name in names if name in ready]
    return Left(
        _training(done, waiting, begun, settings),
        _making(done, [step.name for step in missing(planned, ready)], told_names(missing(planned, ready))),
        len(waiting) + len(begun) + len(whole) - len(scored),
        tuple(float(one.summary["seconds"]) for one in scored if "seconds" in one.summary),
    )


def _training(done: Recorded, waiting: Sequence[Wanted], begun: Sequence[Net], settings: Settings) -> Cost:
    """Nets that were in flight go on from their last checkpoint."""
    epochs = done.study.budget.epochs
    lacking = [(one.trial, epochs) for one in waiting]
    for net in begun:
        kept = max((epoch for epoch in kept_epochs(epochs) if epoch <= net.epochs), default=0)
        lacking.append((net.trial, epochs - kept))
    return cost(done.folder, lacking, slots(settings))


def _making(done: Recorded, lacking: Iterable[str], told: Mapping[str, str]) -> dict[str, float | None]:
    made = records.sets(done.folder)
    found: dict[str, float | None] = {}
    for name in lacking:
        seconds, before = made.get(name, {}).get("seconds"), found.get(told[name], 0.0)
        found[told[name]] = None if seconds is None or before is None else before + seconds
    return found
