"""The command `reproduce`: one trial trained again, bit for bit, or what differs."""

from typing import Annotated

import typer

from robustune.arguments import Address, BegunName, Results, Storage

TrialNumber = Annotated[int, typer.Option("--trial", min=0, metavar="NUMBER", help="A trial that ended.")]
Threads = Annotated[
    int | None,
    typer.Option(min=1, max=1024, help="CPU threads of the trial. [default: those it had, or 1 where unknown]"),
]


def reproduce(
    study: BegunName,
    trial: TrialNumber,
    threads: Threads = None,
    address: Address = None,
    storage: Storage = None,
    results: Results = "results",
) -> None:
    """Train one trial again and hold every score and weight against the record: the same bits, or what differs."""
    from robustune.errors import Mistake
    from robustune.reproducing import reproduce as run
    from robustune.screen import Screen
    from robustune.settings import Settings

    screen = Screen(progress=True)
    found = run(study, trial, Settings(results, address, storage), screen, threads)
    for change in found.changes:
        screen.say(f"other than then: {change}")
    for note in found.notes:
        screen.say(f"note: {note}")
    if found.differences:
        first, *others = found.differences
        more = f"; then {others[-1]}" if others else ""
        cause = ", ".join(found.changes) or "nothing that was recorded is other than then"
        raise Mistake("NOT_REPRODUCED", f"{study}: trial {trial} differs, first in {first}{more}; why: {cause}")
    weights = f", and the weights of epoch {found.weights}" if found.weights else ""
    screen.say(f"trial {trial}: reproduced bit for bit: {found.scores} scores of {found.epochs} epochs{weights}")
