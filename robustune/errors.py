"""Mistakes that a user can mend: one code, one line, one exit status, never a traceback."""

from typing import Final

EXIT_CODES: Final = {
    "STUDY_INVALID": 2,
    "OPTION_INVALID": 2,
    "DATA_UNKNOWN": 2,
    "WEIGHTS_MISSING": 2,
    "STUDY_MISSING": 3,
    "STUDY_MISMATCH": 3,
    "STUDY_LOCKED": 3,
    "STATE_CORRUPT": 3,
    "RESULTS_UNWRITABLE": 3,
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
}


class Mistake(Exception):
    """Carries what the user is told: `CODE: message`, where message says where, what came and what would do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message

    @property
    def exit_code(self) -> int:
        """Exit status of the command line for this code."""
        return EXIT_CODES[self.code]
