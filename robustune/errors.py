"""Mistakes that a user can mend: one code, one line, one exit status, never a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Self

from analysis.schema import LedgerError
from trainables.errors import TrainableError

EXIT_CODES: Final = {
    "STUDY_INVALID": 2,
    "OPTION_INVALID": 2,
    "DATA_UNKNOWN": 2,
    "DATA_EXISTS": 2,
    "IMAGES_UNREADABLE": 2,
    "FILES_EXIST": 2,
    "ARCHIVE_UNSAFE": 2,
    "WEIGHTS_MISSING": 2,
    "BASELINE_UNFIT": 2,
    "BASELINE_FLAWLESS": 2,
    "WARM_START_UNFIT": 2,
    "BUDGET_UNFIT": 2,
    "COMPARISON_UNFIT": 2,
    "DATA_INVALID": 2,
    "TABLE_INVALID": 2,
    "SET_TOO_SMALL": 2,
    "STUDY_MISSING": 3,
    "STUDY_UNFINISHED": 3,
    "STUDY_IDLE": 3,
    "STUDY_MISMATCH": 3,
    "STUDY_CHANGED": 3,
    "STUDY_LOCKED": 3,
    "LEASE_LOST": 3,
    "STATE_CORRUPT": 3,
    "RESULTS_UNWRITABLE": 3,
    "STORAGE_UNREACHABLE": 3,
    "CKPT_MISSING": 3,
    "CKPT_CORRUPT": 3,
    "DATA_CORRUPT": 3,
    "CACHE_UNWRITABLE": 3,
    "CACHE_CORRUPT": 3,
    "CACHE_MISSING": 3,
    "CACHE_UNREADABLE": 3,
    "PREPARATION_FAILED": 3,
    "CLUSTER_UNREACHABLE": 4,
    "CLUSTER_TOO_SMALL": 4,
    "CLUSTER_LOST": 4,
    "TRACKING_UNREACHABLE": 4,
    "NO_FRONT": 5,
    "SEARCH_STOPPED": 6,
    "NOT_REPRODUCED": 7,
}


class Mistake(Exception):
    """Carries what the user is told: `CODE: message`, where message says where, what came and what would do.

    Whatever a message quotes, names and errors of strangers included, it cannot steer a terminal.
    """

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = printable(message)
        super().__init__(f"{code}: {self.message}")

    @classmethod
    def of(cls, error: TrainableError, where: str, otherwise: str) -> Self:
        """Tells what a trainer or the store said; `otherwise` is the code where theirs has no exit status."""
        return cls(error.code if error.code in EXIT_CODES else otherwise, f"{where}: {error}")

    @property
    def exit_code(self) -> int:
        """Exit status of the command line for this code."""
        return EXIT_CODES[self.code]


def printable(text: str) -> str:
    """Returns the text with every character that could steer a terminal written out, as `\\x1b`; lines stay lines."""
    return "".join(
        letter if letter.isprintable() or letter == "\n" else repr(letter)[1:-1]
        for letter in text.replace("\r\n", "\n")
    )


@contextmanager
def readable() -> Iterator[None]:
    """Turns what reading a ledger can meet into one line for the user.

    Raises:
        Mistake: STUDY_MISSING or STATE_CORRUPT.
    """
    try:
        yield
    except LedgerError as error:
        raise Mistake("STUDY_MISSING" if error.missing else "STATE_CORRUPT", str(error)) from error
