"""The tables of learning curves that searches are compared on."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from robustune import checks, curve_files
from robustune.replay import Nets, best
from robustune.replaying import beside
from search_spaces import Study

FOLDER: Final = Path(__file__).parents[1] / "tables"
NAMES: Final = ("classification", "segmentation")
MULTIPLE: Final = 2.0
"""Of the table's configurations, how many full trials the horizon has time for. With 4, random search at full budget
has 95 % of the best hypervolume in most seeds, but searches that stop trials early take minutes of computing each."""


@dataclass(frozen=True)
class Table:
    """A table with its study, ready to be searched.

    Attributes:
        name: of the file, without its ending.
        study: that it is searched by.
        nets: its curves.
        reach: hypervolume of all its nets.
        trial_seconds: that a full trial takes, the mean of all its nets.
        digest: of the file.
    """

    name: str
    study: Study
    nets: Nets
    reach: float
    trial_seconds: float
    digest: str

    def horizon(self, multiple: float, workers: int) -> float:
        """Virtual seconds that `multiple` full trials for each configuration take so many workers."""
        return multiple * len(self.nets.configs) * self.trial_seconds / workers


@lru_cache
def opened(path: Path) -> Table:
    """Reads a table with the study file beside it.

    Raises:
        Mistake: TABLE_INVALID or STUDY_INVALID.
    """
    study = checks.read(str(beside(path)))
    curves = curve_files.read(path, study)
    return Table(
        name=path.stem,
        study=study,
        nets=Nets(study, curves),
        reach=best(study, curves),
        trial_seconds=sum(sum(curve.seconds) for curve in curves) / len(curves),
        digest=hashlib.sha256(path.read_bytes()).hexdigest(),
    )


def shipped() -> tuple[Path, ...]:
    """Returns the paths of the tables that are there."""
    return tuple(path for name in NAMES if (path := FOLDER / f"{name}.parquet").is_file())
