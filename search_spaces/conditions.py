"""The `when` of a [space]: conditions on other searched options, judged also where a domain itself is not lawful."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from search_spaces.complaints import Complaints, path_of, quote
from search_spaces.domains import NONEMPTY, WHEN_LIMIT, Choice, Domain, Subset, Whole


def check_conditions(
    space: Mapping[str, Domain], table: Mapping[str, object], held: Iterable[str], complaints: Complaints
) -> None:
    """Note conditions on what is not searched, on values that never come, and such as lead back to themselves.

    Args:
        space: the domains that were read, of some of the options in `table`.
        table: the section as it came.
        held: options that [options] holds fixed.
        complaints: gathers what is wrong.
    """
    conditions = {name: _conditions(value) for name, value in table.items()}
    held = set(held)
    for name, whens in conditions.items():
        for other, expected in whens.items():
            key = path_of("space", name, "when", other)
            if other == name:
                complaints.add(key, "an option cannot depend on itself")
            elif other in held and other not in table:
                complaints.add(key, "the option is held fixed by [options]; a condition looks at a searched one")
            elif other not in table:
                complaints.unknown(key, other, "searched in this study", (one for one in table if one != name))
            elif other in space and (problem := _never(space[other], expected)):
                complaints.add(key, problem)
    _check_loops(conditions, complaints)


def _conditions(value: object) -> dict[str, object]:
    when = value.get("when") if isinstance(value, dict) else None
    return when if isinstance(when, dict) else {}


def _never(domain: Domain, expected: object) -> str:
    """Why a condition on `domain` cannot hold, or not for each value that it lists; "" if it can."""
    if isinstance(domain, Subset):
        return (
            "" if expected == NONEMPTY else f'{quote(expected)}: the option is a subset, its condition is "{NONEMPTY}"'
        )
    if not isinstance(domain, Choice | Whole) and domain.points is None:
        return f"a {domain.kind} never comes to lie on one value; name its points, or make it a choice"
    values = expected[:WHEN_LIMIT] if isinstance(expected, list) else [expected]
    reached = domain.contains if domain.points is None else Choice(values=domain.points).contains
    missed = [value for value in values if not reached(value)]
    return f"the option never takes {quote(missed[0])}" if missed else ""


def _check_loops(conditions: Mapping[str, Mapping[str, object]], complaints: Complaints) -> None:
    waiting = {
        name: [other for other in whens if other in conditions and other != name] for name, whens in conditions.items()
    }
    while free := [name for name, others in waiting.items() if not others]:
        for name in free:
            del waiting[name]
        waiting = {name: [other for other in others if other in waiting] for name, others in waiting.items()}
    # Each of the rest waits for another of the rest, so that this walk must meet itself.
    walked = list(waiting)[:1]
    while walked and walked[-1] not in walked[:-1]:
        walked.append(waiting[walked[-1]][0])
    if walked:
        loop = walked[walked.index(walked[-1]) :]
        complaints.add(path_of("space", loop[0], "when"), f"the conditions go round: {' -> '.join(map(quote, loop))}")
