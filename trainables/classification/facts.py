"""Images, lineage and architecture that several builders of classification read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch
from torch import Tensor

from trainables.classification.batches import LabelledImages
from trainables.classification.network_options import ARCHITECTURE
from trainables.classification.options import ClassificationOptions, read
from trainables.data.images import ImageSet
from trainables.data.soundness import lineage_columns, lineage_values
from trainables.data.store import read_images


def labelled(data: Path, split: str) -> LabelledImages:
    """Images and classes of one split."""
    found = read_images(data / f"{split}.arrow")
    return LabelledImages(found.images, found.labels)


def lineage_codes(images: ImageSet, facts: Mapping[str, Any]) -> Tensor:
    """(columns, N) int64: in each lineage column, equal sources have equal numbers, counted from 0."""
    columns = [pa.array(lineage_values(images, name)).dictionary_encode().indices for name in lineage_columns(facts)]
    return torch.stack([torch.tensor(codes.to_pylist(), dtype=torch.int64) for codes in columns])


def architecture_of(arguments: Mapping[str, Any]) -> ClassificationOptions:
    """Options whose architecture is the arguments' and which say nothing else."""
    return read({name: arguments[name] for name in ARCHITECTURE if name in arguments})
