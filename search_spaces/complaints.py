"""Complaints about a study: gathered, worded in one way, raised once."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

SHOWN_LIMIT = 100  # a hostile file must not make us print, or compare, for minutes
QUOTE_LIMIT = 80
BARE_KEY = re.compile(r"[A-Za-z0-9_-]{1,80}", re.ASCII)


@dataclass(frozen=True)
class Complaint:
    """One broken law: the file, the key path in it ("" = the file itself), and what came and would do."""

    where: str
    key: str
    message: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.where, self.key, self.message) if part)


class StudyError(ValueError):
    """A study that cannot be run; str() has one line per complaint, safe to print in a terminal."""

    def __init__(self, complaints: Iterable[Complaint]) -> None:
        self.complaints = tuple(complaints)
        super().__init__("\n".join(str(complaint) for complaint in self.complaints))

    def __reduce__(self) -> tuple[type[StudyError], tuple[tuple[Complaint, ...]]]:
        # The default would hand the joined text to __init__ where an exception crosses processes.
        return StudyError, (self.complaints,)


def quote(value: object) -> str:
    """`value` as text of at most QUOTE_LIMIT characters in which every control character is escaped."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and abs(value) >= 2**63:
        return f"an integer of {value.bit_length()} bits"  # repr refuses the very long ones
    if isinstance(value, dict):
        return f"a table of {len(value)} keys"
    if isinstance(value, list | tuple):
        shown = ", ".join(quote(one) for one in value[:4])
        return clipped(f"[{shown}, ...] ({len(value)} values)" if len(value) > 4 else f"[{shown}]")
    return clipped(repr(value[: 2 * QUOTE_LIMIT] if isinstance(value, str) else value))


def clipped(text: str) -> str:
    """`text`, or its beginning and an ellipsis."""
    return text if len(text) <= QUOTE_LIMIT else text[: QUOTE_LIMIT - 3] + "..."


def plain_text(text: str) -> str:
    """`text` as it is where a terminal can show it, escaped where not (the path of a file, say)."""
    return text if text.isprintable() else repr(text)


def path_of(*parts: str | int) -> str:
    """The key path of a study file, `objectives[1].metric`; keys that TOML would quote are quoted and escaped."""
    path = ""
    for part in parts:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += ("." if path else "") + (part if BARE_KEY.fullmatch(part) else quote(part))
    return path


def nearest(name: object, known: Iterable[str]) -> str | None:
    """The known name that `name` was probably meant to be, or None."""
    if not isinstance(name, str) or len(name) > QUOTE_LIMIT:
        return None
    lowered = {one.lower(): one for one in known}
    close = difflib.get_close_matches(name.lower().replace("-", "_"), lowered, n=1)
    close = close or difflib.get_close_matches(name.lower(), lowered, n=1)
    return lowered[close[0]] if close else None


class Complaints:
    """The complaints about one file, in the order they were found."""

    def __init__(self, where: str) -> None:
        self.where = plain_text(where)
        self.found: list[Complaint] = []
        self.noted = 0

    def __len__(self) -> int:
        return self.noted

    def add(self, key: str, message: str, meant: object = None, known: Iterable[str] = ()) -> None:
        """Note one complaint, with the nearest of the `known` names to what was `meant` as a hint."""
        self.noted += 1
        if self.noted > SHOWN_LIMIT:
            return
        if (hint := nearest(meant, known)) is not None and hint != meant:
            message += f"; did you mean {quote(hint)}?"
        complaint = Complaint(self.where, key, message)
        if complaint not in self.found:
            self.found.append(complaint)

    def unknown(self, key: str, name: object, law: str, known: Iterable[str]) -> None:
        """Note a name that is none of the `known` ones; `law` says what they are the names of."""
        names = sorted(known)
        listed = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
        self.add(key, f"{quote(name)} is not {law}; known: {listed or 'none'}", name, names)

    def raise_any(self) -> None:
        """Raise what was found.

        Raises:
            StudyError: there is at least one complaint.
        """
        if self.noted > SHOWN_LIMIT:
            more = Complaint(self.where, "", f"and {self.noted - SHOWN_LIMIT} more complaints")
            raise StudyError([*self.found, more])
        if self.found:
            raise StudyError(self.found)
