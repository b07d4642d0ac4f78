"""Says in sentences which method is better, how sure that is, and what cannot be said."""

from collections.abc import Sequence
from typing import Final

from analysis.comparison import Comparison, Pair, Standing
from analysis.wording import aligned, shown

SURE: Final = 0.995
"""Draws cannot tell a probability beyond it from certainty."""


def sentences(compared: Comparison) -> tuple[str, ...]:
    """Returns the verdict: one sentence on which method is better and how sure that is, then what it rests on."""
    if len(compared.standings) == 1:
        return (_alone(compared.standings[0]),)
    if max(one.mean for one in compared.standings) == 0:
        return ("Nothing can be said: no study has a trial within the reference, full epochs and its constraints.",)
    pair = _first_two(compared)
    told = [f"{_best(compared)} {_verdict(pair, compared)}".lstrip(), _where(pair, compared), _over(pair, compared)]
    return tuple(one for one in told if one)


def verdicts(compared: Comparison) -> tuple[str, ...]:
    """Returns a sentence for every two methods, the one of greater hypervolume first."""
    return tuple(_verdict(_greater_first(pair), compared) for pair in compared.pairs)


def chance(probability: float) -> str:
    """Returns a probability that was drawn, to two digits, and none that claims certainty."""
    if probability > SURE:
        return f"more than {SURE:g}"
    return f"less than {1 - SURE:.3g}" if probability < 1 - SURE else f"{probability:.2f}"


def listed(names: Sequence[str]) -> str:
    """Returns names as a sentence lists them: "a, b and c"."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _alone(one: Standing) -> str:
    mean, low, high = aligned([one.mean, one.low, one.high])
    if len(one.volumes) == 1:
        return f"{one.method.name} reached the hypervolume {mean} (95 % interval {low} to {high}, over trials)."
    return (
        f"The {len(one.volumes)} studies are seeds of one method, {one.method.name}: their hypervolume is {mean} on "
        f"average (95 % interval {low} to {high}, over seeds). There is no other method to compare it with."
    )


def _greater_first(pair: Pair) -> Pair:
    return pair if pair.difference >= 0 else pair.turned


def _first_two(compared: Comparison) -> Pair:
    """The method of greatest mean hypervolume against the next."""
    order = sorted(range(len(compared.standings)), key=lambda place: -compared.standings[place].mean)
    wanted = {order[0], order[1]}
    return _greater_first(next(pair for pair in compared.pairs if {pair.one, pair.other} == wanted))


def _best(compared: Comparison) -> str:
    if len(compared.standings) == 2:
        return ""
    greatest = max(one.mean for one in compared.standings)
    first = [one for one in compared.standings if one.mean == greatest]
    names = listed([one.method.name for one in first])
    if len(first) > 1:
        return f"Of {len(compared.standings)} methods {names} have the same, greatest hypervolume."
    return (
        f"Of {len(compared.standings)} methods {names} has the greatest hypervolume; the probability that it is the "
        f"best of all is {chance(first[0].best)}."
    )


def _verdict(pair: Pair, compared: Comparison) -> str:
    one, other = compared.standings[pair.one], compared.standings[pair.other]
    ours, theirs, gap, low, high = aligned([one.mean, other.mean, pair.difference, pair.low, pair.high])
    a, b = one.method.name, other.method.name
    single = 1 in (len(one.volumes), len(other.volumes))
    measured = (
        f"{ours}{_counted(one)} against {theirs}{_counted(other)}, greater by {gap} (95 % interval {low} to {high})"
    )
    if not pair.leaning:
        return (
            f"Nothing can be said of which is better, {a} or {b}: the hypervolume is {ours}{_counted(one)} and "
            f"{theirs}{_counted(other)}, a difference of {gap} (95 % interval {low} to {high}), and the probability "
            f"that {a} is better is {chance(pair.probability)}."
        )
    if single:
        sure = "got further than" if pair.clear else "probably got further than"
        return (
            f"{a} {sure} {b} in these searches: its hypervolume is {measured}; over trials drawn again it is greater "
            f"with probability {chance(pair.probability)}."
        )
    sure, rest = ("is better than", "") if pair.clear else ("is probably better than", "; more seeds would tell")
    return f"{a} {sure} {b}, with probability {chance(pair.probability)}: its hypervolume is {measured}{rest}."


def _counted(one: Standing) -> str:
    count = len(one.volumes)
    return f" over {count} seeds" if count > 1 else " in one search"


def _where(pair: Pair, compared: Comparison) -> str:
    """Whether the better one is so everywhere, or each is somewhere."""
    one, other = (compared.standings[place] for place in (pair.one, pair.other))
    if len(compared.objectives) == 1 or pair.more_one is None or pair.more_other is None:
        return ""
    least = 1e-9 * max(one.mean, other.mean)
    ours, theirs = (volume if volume > least else 0.0 for volume in (pair.more_one, pair.more_other))
    a, b = one.method.name, other.method.name
    single = len(one.volumes) == len(other.volumes) == 1
    if not ours and not theirs:
        return "Both attain the same."
    if not theirs:
        if single:
            return f"Within the reference, {a} attains everything that {b} attains, and more."
        return f"No trade-off within the reference is attained by a larger share of the searches of {b} than of {a}."
    if single:
        return (
            f"Each attains trade-offs that the other does not: within the reference a volume of {shown(ours)} by {a} "
            f"alone and {shown(theirs)} by {b} alone."
        )
    return (
        f"Each attains some trade-offs in more of its searches than the other: within the reference they weigh "
        f"{shown(ours)} for {a} and {shown(theirs)} for {b}."
    )


def _over(pair: Pair, compared: Comparison) -> str:
    """What the interval does not cover."""
    both = [compared.standings[place] for place in (pair.one, pair.other)]
    single = [one.method.name for one in both if len(one.volumes) == 1]
    if not single:
        return ""
    return (
        f"Of {listed(single)} there is one seed, so the interval is over its trials, drawn again: it tells how "
        "much hangs on single trials, not what another seed would have found. Search each under several seeds to know."
    )
