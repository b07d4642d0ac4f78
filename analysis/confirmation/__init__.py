"""The statistics of confirmation: from nets under fresh seeds to a front with intervals; docs/confirmation.md."""

from analysis.confirmation.record import (
    FOLDER,
    NETS_FILE,
    OUTCOMES,
    OUTCOMES_FILE,
    POINTS_FILE,
    SCORES_FILE,
    SPREAD_FILE,
    SUMMARY_FILE,
    Confirmation,
    read,
    write,
)

__all__ = [
    "FOLDER",
    "NETS_FILE",
    "OUTCOMES",
    "OUTCOMES_FILE",
    "POINTS_FILE",
    "SCORES_FILE",
    "SPREAD_FILE",
    "SUMMARY_FILE",
    "Confirmation",
    "read",
    "write",
]
