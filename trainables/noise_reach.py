"""Which weights the noise of a study may reach, held against the layers of its networks. Torch-free."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final

from trainables.architectures import NOISE_LAYERS, is_transformer
from trainables.errors import TrainableError
from trainables.laws import fragments
from trainables.noise_options import MATCHED, ScoredNoiseOptions
from trainables.preparation import Step

EVERY_NAME: Final = ("*",)
# Raise it whenever the check would find something else in the same networks.
REACH_VERSION: Final = 1

_PARTS: Final = ("scale", "targets", "names")


@dataclasses.dataclass(frozen=True)
class Reach:
    """What some noise of a study is asked to reach: everything that any trial's noise is.

    Attributes:
        prefix: `noise` or `evaluation_noise`, with which its options' names begin.
        targets: types of layers.
        names: patterns of names.
    """

    prefix: str
    targets: tuple[str, ...]
    names: tuple[str, ...]


def reaches(options: Mapping[str, Any], possible: Mapping[str, Sequence[Any]], under_noise: bool) -> tuple[Reach, ...]:
    """The noise of training and that of scores, each where some trial has it or its targets are told.

    Args:
        options: held by every trial; what stands not there has its default.
        possible: values that a searched option can take, of a subset its elements, of a continuous one its ends.
        under_noise: whether a score under weight noise is asked for.
    """
    asked = {"noise": True, "evaluation_noise": under_noise and options.get("evaluation_noise") != MATCHED}
    found = []
    for prefix, used in asked.items():
        scales, targets, names = (_elements(f"{prefix}_{part}", options, possible) for part in _PARTS)
        told = any(f"{prefix}_{part}" in {*options, *possible} for part in ("targets", "names"))
        if targets and names and (told or (used and any(scales))):
            found.append(Reach(prefix, tuple(targets), tuple(names)))
    return tuple(found)


def check_layers(nets: Mapping[str, Sequence[str]], asked: Sequence[Reach]) -> None:
    """Lets noise pass whose every target is a layer of some net, and which reaches some layer of every net.

    Args:
        nets: the types of layers, of NOISE_LAYERS, that each net has, by what a message calls it.
        asked: of `reaches`.

    Raises:
        TrainableError: OPTION_INVALID.
    """
    found = []
    for each in asked:
        missing = [target for target in each.targets if not any(target in layers for layers in nets.values())]
        if missing:
            found.append(_lacking(each, nets, missing))
            continue
        for name, layers in nets.items():
            if not set(each.targets) & set(layers):
                found.append(_lacking(each, {name: layers}, list(each.targets)))
    if found:
        raise TrainableError("OPTION_INVALID", "; ".join(found))


def reach_steps(trainer: str, nets: Mapping[str, Mapping[str, Any]], asked: Sequence[Reach]) -> tuple[Step, ...]:
    """The step that holds patterns of names against the networks themselves; none where every name will do.

    Args:
        trainer: whose networks they are.
        nets: architectures, by what a message calls the net.
        asked: of `reaches`.
    """
    by_name = [dataclasses.asdict(each) for each in asked if each.names != EVERY_NAME]
    if not by_name:
        return ()
    arguments = {"trainer": trainer, "nets": {**nets}, "asked": by_name, "version": REACH_VERSION}
    return (Step("noise-targets", f"{trainer}-noise-targets", arguments, ("data",)),)


def _lacking(each: Reach, nets: Mapping[str, Sequence[str]], missing: Sequence[str]) -> str:
    option = f"{each.prefix}_targets"
    has = [layer for layer in NOISE_LAYERS if any(layer in layers for layers in nets.values())]
    rest = [target for target in each.targets if target in has]
    wanted = ["linear"] if all(map(is_transformer, nets)) else rest or has
    return (
        f"{option}: {' and '.join(map(repr, missing))} reaches no weight of {', '.join(nets)}, which has "
        f"{', '.join(has)}; set {option} = [{', '.join(map(_quoted, wanted))}]"
    )


def _quoted(name: str) -> str:
    return f'"{name}"'


def _elements(name: str, options: Mapping[str, Any], possible: Mapping[str, Sequence[Any]]) -> list[Any]:
    """Of an option: each value that it may have, or of a list each element, once."""
    values = possible[name] if name in possible else [options.get(name, _DEFAULTS[name])]
    lists = (value if isinstance(value, list | tuple) else (value,) for value in values)
    return list(dict.fromkeys(element for each in lists for element in each))


_DEFAULTS: Final = {name: law["default"] for name, law in fragments(ScoredNoiseOptions).items()}
