"""How a study's domains are shown to Optuna, and how what Optuna drew becomes a configuration again."""

import math
from collections.abc import Mapping
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import Trial

from search_spaces.domains import Choice, Domain, LogUniform, LogWhole, Subset, Uniform, active, same

Parameters = dict[str, Any]
"""Optuna's own parameters by name: one for most options, one for every element of a subset."""


class Translator:
    """Translates between configurations of one space and Optuna's parameters, both ways without loss.

    A choice is drawn by its index, because Optuna's categories take scalars alone and hold `1` and `True` for one
    category. A subset is one boolean for each element, so that a sampler learns the worth of an element from all trials
    that had it, where 2^n categories would have to be tried one by one.

    Args:
        space: domains in drawing order, as a Study holds them.
    """

    def __init__(self, space: Mapping[str, Domain]) -> None:
        self._space = space
        self._laws = {name: distributions(name, domain) for name, domain in space.items()}
        self._all = {key: law for laws in self._laws.values() for key, law in laws.items()}
        self._chosen: dict[frozenset[str], dict[str, BaseDistribution]] = {}

    def draw(self, trial: Trial, *, dormant: bool) -> dict[str, Any]:
        """Lets Optuna draw every active option; returns the configuration, which holds no other.

        Args:
            trial: an Optuna trial, which keeps what was drawn.
            dormant: whether the parameters of inactive options are drawn as well.
        """
        config: dict[str, Any] = {}
        for name, domain in self._space.items():
            lives = active(self._space, config, name)
            if lives or dormant:
                parameters = {key: suggest(trial, key, law) for key, law in self._laws[name].items()}
                if lives:
                    config[name] = _value(name, domain, parameters)
        return config

    def parameters(self, config: Mapping[str, Any]) -> Parameters:
        """Optuna's parameters of a configuration's options.

        Raises:
            ValueError: a choice or subset does not list the value.
        """
        found: Parameters = {}
        for name, domain in self._space.items():
            if name in config:
                found |= _parameters(name, domain, config[name])
        return found

    def laws(self, parameters: Parameters) -> Mapping[str, BaseDistribution]:
        """Distributions of the parameters at hand, in drawing order; of equal parameters one and the same mapping.

        Thousands of trials have few sets of parameters between them, and each of them keeps its distributions.
        """
        keys = frozenset(parameters)
        if keys not in self._chosen:
            self._chosen[keys] = {key: law for key, law in self._all.items() if key in keys}
        return self._chosen[keys]

    @property
    def all_laws(self) -> Mapping[str, BaseDistribution]:
        """Distributions of every parameter, active or not, in drawing order."""
        return self._all

    def config(self, parameters: Parameters) -> dict[str, Any]:
        """The configuration that parameters of all options stand for; those of inactive ones are left out."""
        config: dict[str, Any] = {}
        for name, domain in self._space.items():
            if active(self._space, config, name):
                config[name] = _value(name, domain, {key: parameters[key] for key in self._laws[name]})
        return config


def distributions(name: str, domain: Domain) -> dict[str, BaseDistribution]:
    """Optuna's distributions of one option, by the names of their parameters."""
    if isinstance(domain, Choice):
        return {name: CategoricalDistribution(range(len(domain.values)))}
    if isinstance(domain, Subset):
        return {key: CategoricalDistribution((False, True)) for key in _elements(name, domain)}
    if isinstance(domain, Uniform):
        return {name: FloatDistribution(domain.low, domain.high, log=isinstance(domain, LogUniform))}
    return {name: IntDistribution(domain.low, domain.high, log=isinstance(domain, LogWhole))}


def suggest(trial: Trial, name: str, law: BaseDistribution) -> bool | int | float:
    """A trial's value of one parameter, of a plain Python type (a crossover leaves NumPy's)."""
    if isinstance(law, FloatDistribution):
        return float(trial.suggest_float(name, law.low, law.high, log=law.log))
    if isinstance(law, IntDistribution):
        return int(trial.suggest_int(name, law.low, law.high, log=law.log))
    assert isinstance(law, CategoricalDistribution)
    drawn = trial.suggest_categorical(name, law.choices)
    return bool(drawn) if isinstance(law.choices[0], bool) else int(drawn)  # type: ignore[arg-type]


def at(law: BaseDistribution, share: float) -> bool | int | float:
    """The value below which a share in [0, 1) of a distribution lies, of a plain Python type.

    So shares that fill the unit interval evenly fill the distribution evenly, in its logarithm where it is a
    logarithmic one.
    """
    if isinstance(law, CategoricalDistribution):
        drawn = law.choices[int(share * len(law.choices))]
        return bool(drawn) if isinstance(drawn, bool) else int(drawn)  # type: ignore[arg-type]
    assert isinstance(law, FloatDistribution | IntDistribution)
    # Whole numbers own half a step to each side, as in Optuna, so that both ends come as often as the others.
    low, high = (law.low - 0.5, law.high + 0.5) if isinstance(law, IntDistribution) else (law.low, law.high)
    if law.log:
        value = math.exp(math.log(low) + share * (math.log(high) - math.log(low)))
    else:
        value = low + share * (high - low)
    inside = min(max(value, law.low), law.high)
    return round(inside) if isinstance(law, IntDistribution) else float(inside)


def _elements(name: str, domain: Subset) -> list[str]:
    # No option's name holds a bracket, so an element's parameter collides with no option.
    return [f"{name}[{place}]" for place in range(len(domain.values))]


def _value(name: str, domain: Domain, parameters: Parameters) -> Any:
    if isinstance(domain, Choice):
        return domain.values[parameters[name]]
    if isinstance(domain, Subset):
        keys = _elements(name, domain)
        return [value for key, value in zip(keys, domain.values, strict=True) if parameters[key]]
    return parameters[name]


def _parameters(name: str, domain: Domain, value: Any) -> Parameters:
    if isinstance(domain, Choice):
        return {name: _place(name, domain, value)}
    if isinstance(domain, Subset):
        chosen = {_place(name, domain, element) for element in value}
        return {key: place in chosen for place, key in enumerate(_elements(name, domain))}
    return {name: float(value) if isinstance(domain, Uniform) else int(value)}


def _place(name: str, domain: Choice | Subset, value: Any) -> int:
    for place, listed in enumerate(domain.values):
        if same(listed, value):
            return place
    raise ValueError(f"{name}: {value!r} is none of {list(domain.values)!r}")
