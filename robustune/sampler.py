"""What to try next: Optuna's samplers behind ask, observe and end, repeatable from the record alone."""

from collections.abc import Iterable, Mapping
from random import Random
from typing import Any

from robustune.distributions import Parameters, Translator, at
from robustune.gaussian import Drawing
from robustune.grid import points
from robustune.lessons import Attributes
from robustune.makers import MAKERS, Make, startup_trials
from robustune.quasi import SEQUENCE, quasi_random
from robustune.teaching import Teaching
from search_spaces.samplers import POPULATIONS
from search_spaces.study import Study
from trainables.seeds import derive


class Sampler:
    """Draws configurations for a study, each a function of the study, its number and the events before it alone.

    The study's own first configurations come first. After them every ask takes a fresh sampler seeded by (study seed,
    trial number), so a search whose recorded events are played back (`learn`, then `restore`, `observe`, `end` in
    their order) draws what the uninterrupted one would have drawn.

    Args:
        study: what is searched; `sampler.name` is one of `search_spaces.SAMPLERS`.
        rungs: epochs at which trials are compared, ascending; the last is the budget's.
        teaching: the rule that says what trials teach; others than ours are for comparisons.

    Raises:
        Mistake: STUDY_INVALID, a grid that cannot be enumerated.
        KeyError: no sampler has that name.
    """

    def __init__(self, study: Study, rungs: tuple[int, ...], teaching: type[Teaching] = Teaching) -> None:
        self._study = study
        self._name = study.sampler.name
        self._first = [_plain(config) for config in study.first]
        self._translator = Translator(study.space)
        self._rungs = frozenset(rungs)
        self._last = rungs[-1]
        self._grid = points(study, derive(study.seed, "grid")) if self._name == "grid" else None
        self._make: Make | None = None
        self._teaching: Teaching | None = None  # none of a sampler that draws by number alone
        if self._name == "gp":
            self._teaching = teaching(study, rungs, startup_trials(study), imputes=True)
        elif self._name not in ("grid", "qmc"):
            make, enough = MAKERS[self._name](study)
            self._make, self._teaching = make, teaching(study, rungs, enough)
        # A crossover inherits only what every trial has, and a Gaussian process models no more, so conditional options
        # would stay random for ever. There an inactive option keeps a dormant gene that is inherited and never seen by
        # a trial.
        self._dormant = self._name in (*POPULATIONS, "gp")
        self._attributes: dict[int, Attributes] = {}
        self._drawing: Drawing | None = None

    @property
    def size(self) -> int | None:
        """How many configurations there are to ask for; None without a grid."""
        return None if self._grid is None else len(self._grid)

    def ready(self, number: int) -> bool:
        """Whether `ask` answers at once; where it does not, the draw is begun in the background from what is known now.

        Who never asks this is answered all the same: `ask` then takes its time.

        Args:
            number: of the trial that is asked for next.
        """
        if self._name != "gp" or number < len(self._first) or not self._modelled(number):
            return True
        return self._drawn(number).done

    def ask(self, number: int) -> dict[str, Any] | None:
        """The configuration of a new trial, active options alone; None if the grid is exhausted.

        Args:
            number: the trial's number, asked once; from 0 upward.
        """
        if self._grid is not None:
            return dict(self._grid[number]) if number < len(self._grid) else None
        if self._teaching is None:
            return self._by_number(number)
        if number < len(self._first):
            config = dict(self._first[number])
            self._begin(number, self._with_dormant(config, number))
            return config
        if self._name == "gp":
            parameters = self._drawn(number).parameters() if self._modelled(number) else self._chance(number, "ask")
            self._drawing = None
            self._begin(number, parameters)
            return self._translator.config(parameters)
        assert self._make is not None
        return self._drawn_by_optuna(number, self._teaching, self._make)

    def attributes(self, number: int) -> Attributes:
        """What must be kept with a running trial to restore it, as plain JSON data."""
        return self._attributes.get(number, {})

    def learn(self, rows: Iterable[tuple[Mapping[str, Any], Mapping[str, float]]]) -> None:
        """Teaches what trials of other studies scored after their full epochs; before anything is asked or restored.

        Args:
            rows: of each such trial a configuration of this space, and every objective's and constraint's value.
        """
        if self._teaching is None:
            return
        for place, (config, metrics) in enumerate(rows):
            parameters = self._with_dormant(config, -1 - place)
            kin = self._make(self._seed(place, "learn")) if self._make else None
            self._teaching.give(-1 - place, parameters, self._translator.laws(parameters), kin)
            self._teaching.tell(-1 - place, self._last, metrics)
            self._teaching.close(-1 - place)

    def restore(self, number: int, config: Mapping[str, Any], attributes: Mapping[str, Any]) -> None:
        """Plays back an ask: the trial runs again, and the sampler knows of it what it knew.

        Args:
            number: the trial's number.
            config: what `ask` returned.
            attributes: what `attributes` returned after it.

        Raises:
            ValueError: the configuration lies outside the study's space.
        """
        if self._teaching is not None:
            parameters = self._translator.parameters(config) | attributes.get("dormant", {})
            self._teaching.restore(number, parameters, self._translator.laws(parameters), attributes.get("rungs", {}))
            self._attributes[number] = dict(attributes)

    def observe(self, number: int, epoch: int, metrics: Mapping[str, float]) -> None:
        """Tells what a running trial scored at an epoch; nothing happens between rungs, or at a rung told before.

        Args:
            number: the trial's number.
            epoch: how many epochs it has trained.
            metrics: every objective's and constraint's value; a trial lacking one, or with a non-finite one, does not
                count at this rung.
        """
        if self._teaching is not None and epoch in self._rungs:
            self._teaching.tell(number, epoch, metrics)

    def end(self, number: int, state: str, metrics: Mapping[str, float] | None) -> None:
        """Takes a trial out of flight.

        Args:
            number: the trial's number.
            state: "complete", "stopped", "failed" by its own options, or "lost" with its worker.
            metrics: scores of the last epoch of a complete trial, if they have not been observed; else ignored.
        """
        if self._teaching is not None:
            if state == "complete" and metrics is not None:
                self.observe(number, self._last, metrics)
            self._teaching.close(number, blamed=state == "failed")
        self._attributes.pop(number, None)

    def _by_number(self, number: int) -> dict[str, Any]:
        if number < len(self._first):
            return dict(self._first[number])
        sequence = str(self._study.sampler.options.get("sequence", SEQUENCE))
        laws, place = self._translator.all_laws, number - len(self._first)
        return self._translator.config(quasi_random(laws, sequence, self._seed(0, "sequence"), place))

    def _drawn_by_optuna(self, number: int, teaching: Teaching, make: Make) -> dict[str, Any]:
        config: dict[str, Any] = {}
        trial, rungs = teaching.ask(
            number,
            make(self._seed(number, "ask")),
            lambda trial: config.update(self._translator.draw(trial, dormant=self._dormant)),
        )
        self._keep(number, trial.params, rungs)
        return config

    def _begin(self, number: int, parameters: Parameters) -> None:
        """Sets a trial running whose parameters were not drawn by Optuna in place."""
        assert self._teaching is not None
        kin = self._make(self._seed(number, "ask")) if self._make else None
        rungs = self._teaching.give(number, parameters, self._translator.laws(parameters), kin)
        self._keep(number, parameters, rungs)

    def _keep(self, number: int, parameters: Parameters, rungs: Attributes) -> None:
        seen = self._translator.parameters(self._translator.config(parameters)) if self._dormant else parameters
        dormant = {key: value for key, value in parameters.items() if key not in seen}
        self._attributes[number] = {**({"rungs": rungs} if rungs else {}), **({"dormant": dormant} if dormant else {})}

    def _with_dormant(self, config: Mapping[str, Any], number: int) -> Parameters:
        """The parameters of a configuration that was not drawn, its dormant genes by chance."""
        parameters = self._translator.parameters(config)
        return {**self._chance(number, "dormant"), **parameters} if self._dormant else parameters

    def _chance(self, number: int, purpose: str) -> Parameters:
        chance = Random(self._seed(number, purpose))
        return {key: at(law, chance.random()) for key, law in self._translator.all_laws.items()}

    def _modelled(self, number: int) -> bool:
        """Whether there are rows enough for the Gaussian process to say more than chance."""
        assert self._teaching is not None
        return self._teaching.rows(number) >= startup_trials(self._study)

    def _drawn(self, number: int) -> Drawing:
        assert self._teaching is not None
        if self._drawing is None or self._drawing.number != number:
            laws, seed = self._translator.all_laws, self._seed(number, "ask")
            self._drawing = Drawing(number, self._teaching.trials(number), self._teaching.goals(number), laws, seed)
        return self._drawing

    def _seed(self, number: int, purpose: str) -> int:
        return derive(self._study.seed, number, purpose) % 2**32


def _plain(config: Mapping[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in config.items()}
