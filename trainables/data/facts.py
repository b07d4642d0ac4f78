"""What a prepared data set says of itself in its `data.json`."""

import json
from pathlib import Path
from typing import Any

from trainables.images import Normalisation


def facts_of(data: Path) -> dict[str, Any]:
    """Classes, channel statistics and image shape of a data set."""
    facts: dict[str, Any] = json.loads((data / "data.json").read_text())
    return facts


def normalisation(data: Path) -> Normalisation:
    """That of a data set's own training images."""
    facts = facts_of(data)
    return Normalisation.read(facts["mean"], facts["std"])
