"""The knobs of a study and the values that it tries of each, as the trials' columns hold them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from analysis.colours import NAMED
from analysis.records import option_column
from analysis.wording import readable, visible, written
from search_spaces.domains import Choice, Domain, Subset, active
from search_spaces.study import Study

VALUES_MOST: Final = 40
"""Values of one knob that a figure can still tell apart."""


class NotDrawable(Exception):
    """A study, a metric or a pair of studies that the figure asked for cannot show; the message says which and why."""

    def __init__(self, study: Study, message: str) -> None:
        super().__init__(visible(f"{study.name}: {message}"))


@dataclass(frozen=True)
class Knob:
    """A searched option and the values tried of it, in the order of the study file.

    Attributes:
        values: as `options.NAME` of `analysis.records.trials` holds them; None last, where it is not always drawn.
        categorical: whether the values are names (texts, yes and no, parts of a list) and not sizes.
    """

    name: str
    values: tuple[Any, ...]
    categorical: bool

    @property
    def label(self) -> str:
        """The option's name for people."""
        return readable(self.name)

    @property
    def ordered(self) -> bool:
        """Whether its values share a ramp of colours: sizes do, and names too many to have their own."""
        return not self.categorical or len(self.values) > len(NAMED)

    @property
    def written(self) -> tuple[str, ...]:
        """The values as short text, told apart wherever they differ."""
        short = tuple(written(value) for value in self.values)
        return short if len(set(short)) == len(short) else tuple(str(value) for value in self.values)


def knobs(study: Study) -> tuple[Knob, ...]:
    """Returns every knob of the study in the order of drawing.

    Raises:
        NotDrawable: a knob has a range and no points, or more than VALUES_MOST values.
    """
    return tuple(_knob(study, name, domain) for name, domain in study.space.items())


def pairs(study: Study) -> frozenset[tuple[Any, Any]]:
    """Returns the pairs of values that a grid over the study's two knobs tries, None for one that is not drawn."""
    (first, one), (second, other) = study.space.items()
    found = set()
    for value, key in zip(one.grid() or (), _keys(one), strict=True):
        drawn = active(study.space, {first: value}, second)
        found |= {(key, partner) for partner in (_keys(other) if drawn else (None,))}
    return frozenset(found)


def check_drawn(trials: pa.Table, known: Sequence[Knob], study: Study) -> None:
    """Complains where a trial has a value that is none of its knob's.

    Raises:
        NotDrawable: names the knob and the first such value.
    """
    for knob in known:
        strange = set(trials[f"options.{knob.name}"].to_pylist()) - set(knob.values)
        if strange:
            raise NotDrawable(
                study,
                f"{knob.name} has the value {written(min(strange, key=repr))}, which is none of its {len(knob.values)} "
                f"points: the sampler {study.sampler.name} drew it from the whole range; take the sampler "
                '"grid", or draw the study with `python -m analysis.plot_front`',
            )


def known_metrics(study: Study, asked: Sequence[str]) -> tuple[str, ...]:
    """Returns the metrics asked for, each once; all that the study records where none is asked for.

    Raises:
        NotDrawable: one is not recorded.
    """
    for name in asked:
        if name not in study.metrics:
            raise NotDrawable(study, f"it does not record {name!r}; it records {', '.join(study.metrics)}")
    return tuple(dict.fromkeys(asked)) or study.metrics


def _knob(study: Study, name: str, domain: Domain) -> Knob:
    count = domain.size()
    if count is None:
        raise NotDrawable(
            study,
            f"{name} is drawn from a range and names no points, so no two trials share a value; name points = [...] "
            'and take the sampler "grid", or draw it with `python -m analysis.plot_front`',
        )
    if count > VALUES_MOST:
        told = f"{name} has {count} values, and a figure tells at most {VALUES_MOST} apart; name fewer points = [...]"
        raise NotDrawable(study, told)
    always = all(active(study.space, config, name) for config in _before(study.space, name))
    keys = tuple(dict.fromkeys(_keys(domain)))
    return Knob(name, keys if always else (*keys, None), _categorical(domain))


def _before(space: Mapping[str, Domain], name: str) -> list[dict[str, Any]]:
    """What may have been drawn of the one knob that the condition of `name` looks at; {} where it looks at none."""
    looked_at = list(space[name].when)
    return [{other: value} for other in looked_at[:1] for value in space[other].grid() or ()] or [{}]


def _keys(domain: Domain) -> list[Any]:
    found: list[Any] = option_column(domain, list(domain.grid() or ())).to_pylist()
    return found


def _categorical(domain: Domain) -> bool:
    names = isinstance(domain, Choice) and any(isinstance(value, bool | str) for value in domain.values)
    return names or isinstance(domain, Subset)
