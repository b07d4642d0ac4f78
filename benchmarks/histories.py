"""Long made-up searches, written without training anything: what a driver finds that comes back to them."""

import math
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any, Final, Literal

from robustune.distributions import Translator, at
from robustune.facts import Fact, apply
from robustune.halving import rungs
from robustune.ledger import Ledger
from robustune.ledger_file import transaction
from robustune.makers import fitted_population
from robustune.sampler import Sampler as Drawing
from search_spaces import Budget, Choice, EarlyStopping, LogUniform, Objective, Sampler, Study, Subset, Uniform, Whole

EPOCHS: Final = 9
NAMES: Final = ("clean_accuracy", "robustness", "steadiness")
STOPPED_AT_A_RUNG: Final = 0.1  # of the trials that come to one


def a_study(
    sampler: str, trials: int, objectives: int = 2, early_stopping: Literal["none", "pareto_halving"] = "pareto_halving"
) -> Study:
    """A study of eight options of all kinds, one of them conditional, and of three metrics.

    Args:
        sampler: its name.
        trials: that it has had; a thousand more are left of its budget.
        objectives: how many of the metrics are objectives.
        early_stopping: its name.
    """
    return Study(
        name="history",
        trainer="closed-form",
        data="none",
        space={
            "batch_size": Choice((8, 16, 32, 64, 128, 256, 512)),
            "learning_rate": LogUniform(1e-5, 1e-2),
            "unfrozen_layers": Whole(0, 5),
            "noise_scale": Uniform(0, 0.2),
            "transform": Choice(("none", "crop_flip", "augmix")),
            "fooling_rates": Subset((5, 20, 100)),
            "extra_sets": Subset(("gaussian", "stylised")),
            "extra_share": Uniform(0.1, 1.0, when={"fooling_rates": "nonempty"}),
        },
        objectives=tuple(Objective(name, "max", 0.0) for name in NAMES[:objectives]),
        measure=NAMES,
        budget=Budget(trials=trials + 1000, epochs=EPOCHS),
        sampler=Sampler(sampler),
        early_stopping=EarlyStopping(early_stopping),
    )


def drawn(study: Study, number: int) -> dict[str, Any]:
    """A configuration by chance."""
    chance = Random(number)
    translator = Translator(study.space)
    return translator.config({key: at(law, chance.random()) for key, law in translator.all_laws.items()})


def scores(config: Mapping[str, Any], epoch: int) -> dict[str, float]:
    """Scores of which no option raises all: points of an eighth of a sphere that is slowly blown up."""
    bearing = config["noise_scale"] / 0.2 * math.pi / 2
    height = math.log(config["learning_rate"] / 1e-5, 1e3) * math.pi / 2
    radius = (1 - 0.05 * config["unfrozen_layers"]) * (1 - math.exp(-epoch / 3))
    along = math.cos(height)
    values = (math.cos(bearing) * along, math.sin(bearing) * along, math.sin(height))
    return {name: radius * value for name, value in zip(NAMES, values, strict=True)}


def last_epoch(study: Study, number: int) -> int:
    """After which epoch a trial ends: chance stops a few at each rung."""
    chance = Random(f"{number} ends")
    compared = rungs(study.early_stopping, study.budget.epochs)[:-1]
    return next((rung for rung in compared if chance.random() < STOPPED_AT_A_RUNG), study.budget.epochs)


def play(study: Study, sampler: Drawing, number: int, config: Mapping[str, Any]) -> None:
    """Tells a sampler what became of a trial that has begun."""
    last = last_epoch(study, number)
    for rung in rungs(study.early_stopping, study.budget.epochs):
        if rung <= last:
            sampler.observe(number, rung, scores(config, rung))
    sampler.end(number, "complete" if last == EPOCHS else "stopped", scores(config, last))


def write(study: Study, trials: int, folder: Path) -> None:
    """Makes the study's ledger with as many finished trials, in one transaction: 10,000 take ten seconds."""
    with Ledger.create(folder, study, {}) as ledger, transaction(ledger._connection):
        for fact in _facts(study, trials):
            apply(ledger._connection, fact)


def _facts(study: Study, trials: int) -> Iterator[Fact]:
    for number in range(trials):
        config = drawn(study, number)
        about = {"number": number, "at": time.time()}
        yield {"kind": "asked", **about, "config": config, "seed": number, "attributes": _attributes(study, number)}
        last = last_epoch(study, number)
        for epoch in range(1, last + 1):
            end = None if epoch < last else "complete" if last == EPOCHS else "stopped"
            yield {
                "kind": "reported",
                **about,
                "epoch": epoch,
                "metrics": scores(config, epoch),
                "train_seconds": 1.0,
                "score_seconds": 0.1,
                "checkpoint": None,
                "end": end,
                "attributes": None,
            }


def _attributes(study: Study, number: int) -> dict[str, Any]:
    """What NSGA-II leaves with a trial: its generation at every rung, and with the first of one that one's parents.

    Asking NSGA-II for 10,000 trials would take an hour.
    """
    size = fitted_population(study)
    if size is None:
        return {}
    generation, place = divmod(number, size)
    kept: dict[str, Any] = {"trial": {"NSGAIISampler:generation": generation}}
    if generation and not place:
        kept["study"] = {f"NSGAIISampler:parent:{generation}": list(range(number - size, number))}
    return {"rungs": {str(rung): kept for rung in rungs(study.early_stopping, study.budget.epochs)}}
