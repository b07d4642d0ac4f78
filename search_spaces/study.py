"""A study: what to try, what to ask of it, and how much of it."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError, field_validator
from pydantic.dataclasses import dataclass

from search_spaces.complaints import Complaint, Complaints, StudyError
from search_spaces.domains import CONFIG, INTEGER_LIMIT, Domain, Number, Scalar, Text, Value

NAME_LAW = "a name has 1 to 64 letters, digits, '.', '_' or '-', starts with a letter or digit and has no '..'"
NAME = re.compile(r"(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
TRIALS_LIMIT = 100_000
EPOCHS_LIMIT = 10_000
HOURS_LIMIT = 100_000
FIRST_LIMIT = 1_000
TEACHERS_LIMIT = 100
BRACKETS_LIMIT = 14
"""Brackets of the most epochs, the first rung at 1 and a reduction of 2: one more would leave no rung."""


def lawful_name(name: str) -> str:
    """`name` unchanged if it can name a folder, a page and a run anywhere.

    Raises:
        ValueError: it breaks NAME_LAW.
    """
    if not NAME.fullmatch(name):
        raise ValueError(NAME_LAW)
    return name


Name = Annotated[str, Field(strict=True), AfterValidator(lawful_name)]
Trials = Annotated[int, Field(strict=True, ge=1, le=TRIALS_LIMIT)]
Epochs = Annotated[int, Field(strict=True, ge=1, le=EPOCHS_LIMIT)]
Seed = Annotated[int, Field(strict=True, ge=0, le=INTEGER_LIMIT)]


@dataclass(frozen=True, config=CONFIG)
class Objective:
    """A metric to push one way; `reference` is its side of the hypervolume's reference point.

    It is measured from `from_epoch` on: before, trials are compared by the other objectives.
    """

    metric: Text
    goal: Literal["max", "min"]
    reference: Number
    from_epoch: Epochs = 1


@dataclass(frozen=True, config=CONFIG)
class Constraint:
    """Bounds of a metric outside which a trial cannot stand on the front.

    They hold from `from_epoch` on, until those of the same metric with a later one do.
    """

    metric: Text
    at_least: Number | None = None
    at_most: Number | None = None
    from_epoch: Epochs = 1

    def violation(self, value: float) -> float:
        """How far `value` lies outside the bounds, in the metric's unit; at most 0 if inside, infinite for NaN."""
        if math.isnan(value):
            return math.inf
        below = -math.inf if self.at_least is None else self.at_least - value
        above = -math.inf if self.at_most is None else value - self.at_most
        return max(below, above)


@dataclass(frozen=True, config=CONFIG)
class Budget:
    """How much of a study is run: whichever bound is reached first ends it, and trials that have begun are finished.

    Attributes:
        trials: how many there are at most.
        epochs: that a trial trains which is never stopped.
        hours: of wall clock after which no trial begins, those of all its drivers together; None: no bound.
        total_epochs: of all trials together, after which no trial begins; None: no bound.
        patience: trials in a row, complete or stopped, after which none begins where they did not enlarge the
            hypervolume; None: no bound.
    """

    trials: Trials
    epochs: Epochs
    hours: Annotated[float, Field(strict=True, gt=0, le=HOURS_LIMIT, allow_inf_nan=False)] | None = None
    total_epochs: Annotated[int, Field(strict=True, ge=1, le=TRIALS_LIMIT * EPOCHS_LIMIT)] | None = None
    patience: Annotated[int, Field(strict=True, ge=1, le=TRIALS_LIMIT)] | None = None


@dataclass(frozen=True, config=CONFIG)
class Sampler:
    """Who draws the configurations, and its own options."""

    name: Text = "tpe"
    options: Mapping[str, Scalar] = Field(default_factory=dict)


@dataclass(frozen=True, config=CONFIG)
class EarlyStopping:
    """The rule that ends trials before their last epoch.

    Attributes:
        name: "none", "pareto_halving", or for one objective Ray's "asha" or "median_stopping".
        grace: epochs that every trial may train before it can be stopped.
        reduction: of that many trials at a rung about one goes on; rungs lie a factor of it apart.
        brackets: into so many groups trials are drawn; the first rung of each lies a factor of `reduction` after the
            one before it.
        quorum: of median_stopping, how many other trials must have come as far before one is stopped.
    """

    name: Literal["none", "pareto_halving", "asha", "median_stopping"] = "none"
    grace: Annotated[int, Field(strict=True, ge=1, le=EPOCHS_LIMIT)] = 1
    reduction: Annotated[int, Field(strict=True, ge=2, le=1_000)] = 3
    brackets: Annotated[int, Field(strict=True, ge=1, le=BRACKETS_LIMIT)] = 1
    quorum: Annotated[int, Field(strict=True, ge=1, le=TRIALS_LIMIT)] = 3

    @property
    def by_one_objective(self) -> bool:
        """Whether the rule compares trials by one score, and has no answer where there are several objectives."""
        return self.name in ("asha", "median_stopping")

    def rungs(self, epochs: int, bracket: int = 0) -> tuple[int, ...]:
        """Epochs below `epochs` at which trials of a bracket are compared, ascending; none without early stopping.

        They are grace * reduction^(k + bracket), so those of the first bracket hold those of all others. Median
        stopping compares at every epoch from `grace` on; there they are the epochs that are kept and learned from.
        """
        found = []
        rung = self.grace * self.reduction**bracket
        while self.name != "none" and rung < epochs:
            found.append(rung)
            rung *= self.reduction
        return tuple(found)


def drawing_order(space: Mapping[str, Domain]) -> list[str]:
    """The options as declared, except that each follows the ones its condition names.

    Options whose conditions lead back to themselves, or to one that is not searched, are left out.
    """
    order: dict[str, None] = {}
    waiting = list(space)
    while True:
        ready = next((name for name in waiting if all(other in order for other in space[name].when)), None)
        if ready is None:
            return list(order)
        order[ready] = None
        waiting.remove(ready)


@dataclass(frozen=True, config=CONFIG, kw_only=True)
class Study:
    """A whole study, frozen; equal contents have equal digests.

    Attributes:
        name: names its folder of results; obeys NAME_LAW.
        options: the trainer's options that are held fixed; others that are not searched keep the trainer's default.
        space: the searched options in the order they are drawn: as declared, conditions after what they look at.
        measure: metrics to record besides those of objectives and constraints.
        first: configurations that are tried before the sampler's own, each of all its active options.
        warm_start_from: finished studies, by name or folder, whose trials teach the sampler.
        source: the TOML text it was read from.
    """

    name: Name
    description: Text = ""
    trainer: Text
    data: Text
    options: Mapping[str, Value] = Field(default_factory=dict)
    space: Mapping[str, Domain]
    objectives: Annotated[tuple[Objective, ...], Field(min_length=1)]
    constraints: tuple[Constraint, ...] = ()
    measure: tuple[Text, ...] = ()
    budget: Budget
    sampler: Sampler = Field(default_factory=Sampler)
    early_stopping: EarlyStopping = Field(default_factory=EarlyStopping)
    first: tuple[Mapping[str, Value], ...] = ()
    warm_start_from: tuple[Text, ...] = ()
    seed: Seed = 0
    source: str = ""

    @field_validator("space")
    @classmethod
    def _in_drawing_order(cls, space: Mapping[str, Domain]) -> Mapping[str, Domain]:
        order = drawing_order(space)
        if stuck := [name for name in space if name not in order]:
            raise ValueError(f"the conditions of {', '.join(stuck[:10])} can never all be looked up")
        return {name: space[name] for name in order}

    @property
    def metrics(self) -> tuple[str, ...]:
        """What a trial has to report: of objectives, of constraints, then `measure`, each once."""
        asked = [one.metric for one in self.objectives] + [one.metric for one in self.constraints]
        return tuple(dict.fromkeys([*asked, *self.measure]))

    @property
    def from_epochs(self) -> dict[str, int]:
        """The epoch from which on a metric is measured, of those that are not measured from the first."""
        found: dict[str, int] = {}
        parts: list[Objective | Constraint] = [*self.objectives, *self.constraints]
        for one in parts:
            found[one.metric] = min(one.from_epoch, found.get(one.metric, one.from_epoch))
        return {metric: epoch for metric, epoch in found.items() if epoch > 1 and metric not in self.measure}

    def objectives_at(self, epoch: int) -> tuple[Objective, ...]:
        """The objectives that are measured at an epoch."""
        return tuple(one for one in self.objectives if one.from_epoch <= epoch)

    def constraints_at(self, epoch: int) -> tuple[Constraint, ...]:
        """The constraints that hold at an epoch: of each metric those that began last."""
        begun = [one for one in self.constraints if one.from_epoch <= epoch]
        latest: dict[str, int] = {}
        for one in begun:
            latest[one.metric] = max(one.from_epoch, latest.get(one.metric, 1))
        return tuple(one for one in begun if one.from_epoch == latest[one.metric])

    @property
    def bounds(self) -> tuple[Constraint, ...]:
        """The constraints that hold at the last epoch, by which a trial stands on the front or not."""
        return self.constraints_at(self.budget.epochs)

    def content(self) -> dict[str, Any]:
        """What decides the results, as plain data: everything but name, description and source.

        Bounds, first trials and teachers that are not there are left out, and so are the first epoch, a bracket alone
        and the usual quorum: studies of before there were such keys keep their digest.
        """
        plain: dict[str, Any] = _STUDY.dump_python(self, mode="json")
        for one in (*plain["objectives"], *plain["constraints"]):
            if one["from_epoch"] == 1:
                del one["from_epoch"]
        for key, alone in (("brackets", 1), ("quorum", 3)):
            if plain["early_stopping"][key] == alone:
                del plain["early_stopping"][key]
        plain["budget"] = {key: value for key, value in plain["budget"].items() if value is not None}
        absent = [key for key in ("first", "warm_start_from") if not plain[key]]
        return {key: value for key, value in plain.items() if key not in ("name", "description", "source", *absent)}

    @property
    def digest(self) -> str:
        """SHA-256 of the content in hexadecimal; neither comments nor the order of keys change it."""
        canonical = json.dumps(self.content(), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(canonical.encode()).hexdigest()

    def to_json(self) -> str:
        """The whole study as JSON that from_json brings back equal, drawing order included."""
        return _STUDY.dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str) -> Study:
        """The study that to_json wrote.

        Raises:
            pydantic.ValidationError: the text is not such JSON.
        """
        return _STUDY.validate_json(text)

    def override(self, trials: int | None = None, epochs: int | None = None, seed: int | None = None) -> Study:
        """The same study with another budget or seed, its source unchanged.

        Raises:
            StudyError: a budget or seed beyond its law, or too few epochs for what is measured from a later one on.
        """
        from search_spaces.epochs import check_epochs  # late: it reads parts of studies

        changed = {"trials": trials, "epochs": epochs}
        given = {key: value for key, value in changed.items() if value is not None}
        new_seed = self.seed if seed is None else seed
        try:
            new = replace(self, budget=replace(self.budget, **given), seed=new_seed)
        except ValidationError as error:
            raise StudyError(
                Complaint(self.name, ".".join(str(part) for part in one["loc"]), f"came {one['input']!r}; {one['msg']}")
                for one in error.errors()
            ) from None
        complaints = Complaints(self.name)
        check_epochs(new.objectives, new.constraints, new.budget, new.early_stopping, complaints)
        complaints.raise_any()
        return new


_STUDY = TypeAdapter(Study)
