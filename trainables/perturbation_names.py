"""How a perturbation of one picture is called: a corruption, `fooling-RATE` or `gaussian`; needs no torch."""

import difflib
import re
from typing import Final

from trainables.corruption_facts import CORRUPTIONS

GAUSSIAN: Final = "gaussian"
_FOOLING: Final = re.compile(r"fooling-(\d{1,9}(?:\.\d{1,9})?)")


def fooling_rate(name: str) -> float | None:
    """Returns the rate of `fooling-20`, as sets of fooling images are called; None for what is no such name."""
    found = _FOOLING.fullmatch(name)
    rate = float(found[1]) if found else 0.0
    return rate if rate > 0 else None


def is_attack(name: str) -> bool:
    """Returns whether a perturbation is made against a network, which a corruption is not."""
    return name == GAUSSIAN or fooling_rate(name) is not None


def complaint(name: str) -> str | None:
    """Returns why nothing is called so, and what would do; None for a perturbation that there is."""
    if name in CORRUPTIONS or is_attack(name):
        return None
    if name.startswith("fooling"):
        return "fooling images have a rate above 0, as fooling-20"
    near = difflib.get_close_matches(name, (*CORRUPTIONS, GAUSSIAN), 1)
    known = f"there is fooling-RATE, as fooling-20, {GAUSSIAN}, and of corruptions {', '.join(CORRUPTIONS)}"
    return f"no perturbation has that name; {f'did you mean {near[0]}?' if near else known}"
