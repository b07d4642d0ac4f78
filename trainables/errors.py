"""Failures of one trial or of its data, as a code and one line that Ray can carry between processes."""

import re
from typing import Final

# Controls, line separators, bidirectional marks, and the surrogates of undecodable file names (they cannot be printed).
_UNSHOWABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


class TrainableError(Exception):
    """Says on one line what is wrong, whatever names the message quotes, and survives pickling.

    `code` is an upper-case name such as `CACHE_CORRUPT`; `message` (also `str(error)`) says where, what came, and what
    would do. What could fake a line, move a cursor or turn the reading direction is shown escaped.
    """

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = _UNSHOWABLE.sub(lambda found: repr(found.group())[1:-1], message)
        # Exceptions are pickled by `args`: with one joined string there, unpickling would call this with one argument.
        super().__init__(self.code, self.message)

    def __str__(self) -> str:
        return self.message
