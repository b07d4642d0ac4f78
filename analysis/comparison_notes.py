"""What a reader must know before he believes a comparison: in what the methods and their searches are not alike."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from analysis.compared import Method, Searched
from analysis.measuring import ways_of
from analysis.wording import within


def remarks(every: Sequence[Method]) -> Iterator[str]:
    """Yields what a reader must know before he believes a comparison: what was not the same, and what is not whole."""
    searched = [one for method in every for one in method.searches]
    images = {digest for method in every for digest in _digests(method, "data")}
    if len(images) > 1:
        yield f"the images of {searched[0].study.data} are of {len(images)} builds: scores may not be comparable"
    ways = [ways_of(one.trials) for one in searched]
    relative = [part.metric for part in searched[0].study.objectives if any(part.metric in one for one in ways)]
    if relative and len({_digests(method, "baseline") for method in every}) > 1:
        yield f"the methods have different baselines, to which {within(', '.join(relative))} is relative"
    for one in searched:
        yield from _unfinished(one)
    for method in every:
        if len(method.searches) == 1 and method.searches[0].ended == 1:
            yield f"the search {method.name} has one trial: drawn again it is the same, so its interval has no width"
    bounds = {json.dumps([[part.metric, part.at_least, part.at_most] for part in one.study.bounds]) for one in searched}
    if len(bounds) > 1:
        yield "the constraints differ: each study's own hold for its trials"
    spent = [sum(sum(one.trials["epochs"].to_pylist()) for one in method.searches) for method in every]
    means = [count / len(method.searches) for count, method in zip(spent, every, strict=True)]
    if max(means) > 1.1 * min(means):
        told = ", ".join(f"{method.name} {mean:.0f}" for method, mean in zip(every, means, strict=True))
        yield f"the searches were not of the same length; epochs trained in one on average: {told}"


def _digests(method: Method, name: str) -> frozenset[str]:
    sets = [one.told["sets"] for one in method.searches]
    return frozenset(one[name]["digest"] for one in sets if name in one)


def _unfinished(one: Searched) -> Iterator[str]:
    called = f"the search {one.study.name} (seed {one.study.seed})"
    if not len(one.candidates):
        yield f"{called} has no trial of full epochs within its constraints, so its hypervolume is 0"
    if running := one.trials.num_rows - one.ended:
        yield f"{called} is not finished: {running} of its trials {'runs' if running == 1 else 'run'} still"


def difference_rows(every: Sequence[Method]) -> list[tuple[str, tuple[str, ...]]]:
    """Returns the keys in which the methods' studies differ, each with its value in every method; "" where absent."""
    found = [dict(_leaves(method.searches[0].begun.content())) for method in every]
    for values in found:
        values.pop("seed")
    keys = dict.fromkeys(key for values in found for key in values)
    rows = [(key, tuple(values.get(key, "") for values in found)) for key in keys]
    return [(key, values) for key, values in rows if len(set(values)) > 1]


def _leaves(value: Any, where: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for key, part in value.items():
            yield from _leaves(part, f"{where}.{key}" if where else str(key))
    else:
        yield where, value if isinstance(value, str) else json.dumps(value)
