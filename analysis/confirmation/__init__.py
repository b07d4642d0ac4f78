"""The statistics of confirmation: from nets under fresh seeds to a front with intervals; docs/confirmation.md."""

from analysis.confirmation.candidates import BAND, candidates, pooled_sd, repeated_sd
from analysis.confirmation.confirming import confirmed
from analysis.confirmation.crossfit import cross_fitted
from analysis.confirmation.failures import Failures, failures, recorded_failures
from analysis.confirmation.nets import NotConfirmable, nets_of
from analysis.confirmation.racing import FIRST_SEEDS, next_seeds
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
    "BAND",
    "FIRST_SEEDS",
    "FOLDER",
    "NETS_FILE",
    "OUTCOMES",
    "OUTCOMES_FILE",
    "POINTS_FILE",
    "SCORES_FILE",
    "SPREAD_FILE",
    "SUMMARY_FILE",
    "Confirmation",
    "Failures",
    "NotConfirmable",
    "candidates",
    "confirmed",
    "cross_fitted",
    "failures",
    "nets_of",
    "next_seeds",
    "pooled_sd",
    "read",
    "recorded_failures",
    "repeated_sd",
    "write",
]
