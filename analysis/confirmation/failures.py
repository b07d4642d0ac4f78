"""Nets of a confirmation that failed: which trials lack some, which have none left, and why."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.confirmation.record import FOLDER, NETS_FILE
from analysis.evaluated import evaluated
from search_spaces.study import Study

_COLUMNS = ("trial", "state", "code", "reason")


@dataclass(frozen=True)
class Failures:
    """What failed of one trial's nets; `reason` is that of the first, with its code."""

    trial: int
    failed: int
    nets: int
    reason: str

    @property
    def whole(self) -> bool:
        """Whether no net is left, so that the trial is not among the points."""
        return self.failed == self.nets

    @property
    def words(self) -> str:
        """What it means, as a sentence."""
        if self.whole:
            each = "its only net failed" if self.nets == 1 else f"all {self.nets} of its nets failed"
            return f"Trial {self.trial} could not be confirmed: {each} ({self.reason})."
        left = "the other one" if self.nets - self.failed == 1 else f"the {self.nets - self.failed} others"
        return (
            f"{self.failed} of the {self.nets} nets of trial {self.trial} failed ({self.reason}); "
            f"its scores are of {left} alone."
        )


def failures(nets: Iterable[Mapping[str, Any]]) -> tuple[Failures, ...]:
    """Returns what failed of each trial that lacks a net, those without any first, then by number.

    Args:
        nets: a row for each, with `trial`, `state`, `code` and `reason`.
    """
    rows: dict[int, list[Mapping[str, Any]]] = {}
    for net in nets:
        rows.setdefault(net["trial"], []).append(net)
    found = [_of(trial, own) for trial, own in rows.items() if any(net["state"] == "failed" for net in own)]
    return tuple(sorted(found, key=lambda one: (not one.whole, one.trial)))


def recorded_failures(folder: Path, study: Study) -> tuple[Failures, ...]:
    """Returns the same from what a confirmation left in a study's folder; () where it left nothing of this study.

    Raises:
        Damaged: the file of the nets is no whole Parquet file, or lacks a column.
        OSError: it cannot be read.
    """
    table = evaluated(Path(folder) / FOLDER, NETS_FILE, study, _COLUMNS, "robustune confirm")
    return () if table is None else failures(table.select(_COLUMNS).to_pylist())


def _of(trial: int, nets: list[Mapping[str, Any]]) -> Failures:
    failed = [net for net in nets if net["state"] == "failed"]
    return Failures(trial, len(failed), len(nets), f"{failed[0]['code']}: {failed[0]['reason']}")
