"""The tables that `robustune explain` leaves in a study's folder: their names, their columns, and reading one."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from analysis import records
from analysis.evaluated import Damaged, cast, whole
from analysis.schema import LEDGER_FILE, LedgerError

FOLDER: Final = "explain"
"""Below the study's own."""
ACTIVATIONS_FILE: Final = "activations.parquet"
CKA_FILE: Final = "cka.parquet"
WEIGHTS_FILE: Final = "weights.parquet"
FILTERS_FILE: Final = "filters.parquet"
FEATURE_MAPS_FILE: Final = "feature-maps.parquet"
PICTURES_FILE: Final = "pictures.parquet"

CLEAN: Final = "clean"
PERTURBED: Final = "perturbed"


def _columns(**types: pa.DataType) -> pa.Schema:
    return pa.schema([pa.field(name, kind, nullable=False) for name, kind in types.items()])


_VALUES: Final = pa.list_(pa.float32())

CKA_SCHEMA: Final = _columns(
    net=pa.string(),
    other=pa.string(),
    place=pa.int32(),
    other_place=pa.int32(),
    layer=pa.string(),
    other_layer=pa.string(),
    cka=pa.float64(),
)
"""A row for each pair of nets and of their layers; places count from 0 in the order of computation."""

ACTIVATIONS_SCHEMA: Final = _columns(
    net=pa.string(),
    image=pa.string(),
    place=pa.int32(),
    layer=pa.string(),
    shape=pa.string(),
    height=pa.int32(),
    width=pa.int32(),
    values=_VALUES,
)
"""A row for each net, image and layer: the mean over channels, row by row; NaN where there is nothing."""

FEATURE_MAPS_SCHEMA: Final = _columns(
    net=pa.string(),
    image=pa.string(),
    place=pa.int32(),
    layer=pa.string(),
    channel=pa.int32(),
    channels=pa.int32(),
    height=pa.int32(),
    width=pa.int32(),
    values=_VALUES,
)
"""A row for each net, image, chosen layer and chosen channel; `channels` is how many the layer has."""

FILTERS_SCHEMA: Final = _columns(
    net=pa.string(),
    depth=pa.string(),
    layer=pa.string(),
    filter=pa.int32(),
    input=pa.int32(),
    height=pa.int32(),
    width=pa.int32(),
    colours=pa.int32(),
    values=_VALUES,
)
"""A row for each net, `first` or `deep` layer and chosen filter: weights by colour, row, column; 3 colours or 1."""

WEIGHTS_SCHEMA: Final = _columns(
    net=pa.string(),
    role=pa.string(),
    layer=pa.string(),
    part=pa.string(),
    low=pa.float64(),
    high=pa.float64(),
    counts=pa.list_(pa.int64()),
)
"""A row for each net, layer and part (weight or bias): counts in bins of equal width, the same ends in all nets."""

PICTURES_SCHEMA: Final = _columns(
    image=pa.string(), caption=pa.string(), height=pa.int32(), width=pa.int32(), pixels=pa.binary()
)
"""The clean and the perturbed image: (H, W, 3) bytes, as they were shown to the nets."""


@dataclass(frozen=True)
class Told:
    """What every table of an explanation says of itself.

    Attributes:
        study: its digest.
        name: of the study.
        trials: that were explained.
        notes: what should be known.
    """

    study: str
    name: str
    trials: tuple[int, ...]
    notes: tuple[str, ...]

    @property
    def metadata(self) -> dict[str, str]:
        """As a table's schema carries it."""
        listed = {"trials": json.dumps(self.trials), "notes": json.dumps(self.notes)}
        return {"study": self.study, "name": self.name, **listed}

    @classmethod
    def of(cls, table: pa.Table) -> "Told":
        """Returns what a table carries."""
        found = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
        trials, notes = json.loads(found.get("trials", "[]")), json.loads(found.get("notes", "[]"))
        return cls(found.get("study", ""), found.get("name", ""), tuple(trials), tuple(notes))


def read_explained(folder: Path, name: str, schema: pa.Schema) -> pa.Table:
    """Returns a table that an explanation left.

    Args:
        folder: of the study, or the one that the explanation was written to.
        name: of the file.
        schema: that it must have.

    Raises:
        LedgerError: there is none, or it is of a study that was in the folder before.
        Damaged: the file is not what was written.
        OSError: it cannot be read.
    """
    inside = Path(folder) / FOLDER
    path = (inside if inside.is_dir() else Path(folder)) / name
    if not path.is_file():
        raise LedgerError(f"{folder}: holds no {FOLDER}/{name}; let `robustune explain` make it", missing=True)
    try:
        table = cast(whole(path), schema, path)
    except Damaged as error:
        raise Damaged(error.path, error.fault, "robustune explain") from error
    if (Path(folder) / LEDGER_FILE).is_file() and records.read_study(folder).digest != Told.of(table).study:
        raise LedgerError(f"{path}: is of another study than the folder; let `robustune explain` make it again")
    return table
