"""What a confirmation says: its tables, their files, and reading them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from analysis.evaluated import Damaged, cast, whole
from analysis.records import write_parquet
from search_spaces.study import Study

FOLDER: Final = "confirmation"
"""Within the folder of a study."""
OUTCOMES_FILE: Final = "outcomes.parquet"
"""What each net scored on the images of each source."""
NETS_FILE: Final = "nets.parquet"
"""How each net was trained."""
POINTS_FILE: Final = "points.parquet"
"""Promise and confirmation, a row for each trial."""
SCORES_FILE: Final = "scores.parquet"
"""Mean and interval of every metric, a row for each trial and metric."""
SUMMARY_FILE: Final = "summary.parquet"
"""Hypervolumes, one row."""
SPREAD_FILE: Final = "spread.parquet"
"""How far nets and images scatter, a row for each metric."""
TABLES: Final = (POINTS_FILE, SCORES_FILE, SUMMARY_FILE, SPREAD_FILE)
"""What `read` reads."""

OUTCOMES: Final = pa.schema(
    [
        pa.field("trial", pa.int64(), nullable=False),
        pa.field("replicate", pa.int32(), nullable=False),
        pa.field("metric", pa.string(), nullable=False),
        pa.field("source", pa.int64(), nullable=False),
        pa.field("value", pa.float64(), nullable=False),
    ]
)
SCORES: Final = pa.schema(
    [
        pa.field("trial", pa.int64()),
        pa.field("metric", pa.string()),
        *(pa.field(name, pa.float64()) for name in ("mean", "low", "high", "se", "df")),
        pa.field("seeds", pa.int64()),
        pa.field("sources", pa.int64()),
    ]
)
HYPERVOLUME: Final = pa.schema(
    [pa.field(name, pa.float64()) for name in ("promised", "confirmed", "corrected", "low", "high", "gap", "optimism")]
)
SPREAD: Final = pa.schema(
    [
        pa.field("metric", pa.string()),
        *(pa.field(name, pa.float64()) for name in ("score", "seeds", "sources", "residual")),
    ]
)


@dataclass(frozen=True)
class Confirmation:
    """Promise beside confirmation, as Arrow tables; docs/confirmation.md says how each column is computed.

    Attributes:
        points: a row for each trial with a confirmed net, best first objective first: `trial`, `seeds`; for each
            objective m `promised.m` (by the search, null where none), `mean.m`, `low.m`, `high.m` (95 %), `se.m`,
            and of the confirmed front `fresh.m` (cross-fitted mean, null where there is none);
            `probability` in [0, 1] of belonging to the front of true mean scores; `searched`, `confirmed`, `fell`:
            whether it stands on the searched front, on that of the confirmed means, on the first but not the second.
        scores: a row for each trial and metric: `mean`, `low`, `high` (95 %), `se`, `df` (degrees of freedom), `seeds`,
            `sources`. Here and in the points, `low` and `high` are cut where a metric has bounds.
        hypervolume: one row: `promised` by the searched front's own scores; `confirmed` by the means of the confirmed
            front; `corrected` for the upward bias of that, with `low` and `high` (95 %); `gap` = promised - corrected;
            `optimism` = confirmed - corrected.
        sd: a row for each metric: standard deviations of a net's `score` over seeds as it is seen, and of its parts:
            over `seeds`, over `sources` (one source's value, for the mean net of a point), `residual`.
    """

    points: pa.Table
    scores: pa.Table
    hypervolume: pa.Table
    sd: pa.Table

    @property
    def front(self) -> tuple[int, ...]:
        """Trials of the confirmed front, best first objective first."""
        return tuple(self.points.filter(self.points["confirmed"])["trial"].to_pylist())

    @property
    def fallen(self) -> tuple[int, ...]:
        """Trials of the searched front that are not on the confirmed one."""
        return tuple(self.points.filter(self.points["fell"])["trial"].to_pylist())

    def files(self, study: Study) -> Mapping[str, pa.Table]:
        """Returns the tables by file name, each marked as the study's."""
        mark = {b"study": study.digest.encode()}
        tables = {
            POINTS_FILE: self.points,
            SCORES_FILE: self.scores,
            SUMMARY_FILE: self.hypervolume,
            SPREAD_FILE: self.sd,
        }
        return {
            name: table.replace_schema_metadata({**(table.schema.metadata or {}), **mark})
            for name, table in tables.items()
        }


def write(folder: Path, study: Study, confirmation: Confirmation) -> tuple[Path, ...]:
    """Writes the tables into a study's folder, each whole or not at all, and returns their paths."""
    place = Path(folder) / FOLDER
    place.mkdir(parents=True, exist_ok=True)
    return tuple(write_parquet(table, place / name) for name, table in confirmation.files(study).items())


def points_schema(objectives: Sequence[str]) -> pa.Schema:
    """Returns the columns of `Confirmation.points`."""
    measured = [
        pa.field(f"{part}.{metric}", pa.float64())
        for metric in objectives
        for part in ("promised", "mean", "low", "high", "se", "fresh")
    ]
    claims = [pa.field(name, pa.bool_()) for name in ("searched", "confirmed", "fell")]
    return pa.schema(
        [
            pa.field("trial", pa.int64()),
            pa.field("seeds", pa.int64()),
            *measured,
            pa.field("probability", pa.float64()),
            *claims,
        ]
    )


def read(folder: Path, study: Study) -> Confirmation | None:
    """Returns what a confirmation left in a study's folder; None where it left none, or one of another study.

    Raises:
        Damaged: a file is missing beside others, is no whole Parquet file, or has other columns than it should.
        OSError: one cannot be read.
    """
    place = Path(folder) / FOLDER
    schemas = {
        POINTS_FILE: points_schema([one.metric for one in study.objectives]),
        SCORES_FILE: SCORES,
        SUMMARY_FILE: HYPERVOLUME,
        SPREAD_FILE: SPREAD,
    }
    if not (place / POINTS_FILE).is_file():
        return None
    tables = []
    for name, schema in schemas.items():
        if not (place / name).is_file():
            raise Damaged(place / name, "is missing beside the others", "robustune confirm")
        table = whole(place / name, "robustune confirm")
        if (table.schema.metadata or {}).get(b"study", b"").decode() != study.digest:
            return None
        tables.append(cast(table, schema, place / name, "robustune confirm"))
    return Confirmation(*tables)
