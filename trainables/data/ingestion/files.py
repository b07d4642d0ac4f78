"""One image file as a network of a data set takes it."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from trainables.data.ingestion.decoding import decoded, fitted
from trainables.data.ingestion.trees import Unreadable
from trainables.errors import TrainableError


def image_of(path: Path, shape: tuple[int, int, int]) -> Tensor:
    """An image file as (1, 3, H, W) uint8: scaled and cropped to the centre of a shape (3, H, W).

    Raises:
        TrainableError: IMAGES_UNREADABLE.
    """
    try:
        pixels = decoded(path.read_bytes())
    except OSError as error:
        told = f"{path}: {error.strerror or error}; name an image file"
        raise TrainableError("IMAGES_UNREADABLE", told) from error
    except Unreadable as error:
        raise TrainableError("IMAGES_UNREADABLE", f"{path}: {error}; name an image file") from error
    height, width = shape[1:]
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    found = np.ascontiguousarray(fitted(pixels, side)[top : top + height, left : left + width])
    return torch.from_numpy(found.copy()).permute(2, 0, 1)[None].contiguous()
