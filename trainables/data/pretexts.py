"""Which data sets have a self-supervised pretext task. Importing this imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Final

from trainables.errors import TrainableError

if TYPE_CHECKING:
    from torch import Tensor

# What is set aside is set aside from both: they divide digits and photographs alike.
_PLACES: Final[Mapping[str, str]] = dict.fromkeys(
    ("embedded-digits", "embedded-scenes"), "trainables.data.embedded_pretext:views"
)


def check_pretext(data: str) -> None:
    """Lets the name of a data set pass that has a pretext task.

    Raises:
        TrainableError: OPTION_INVALID.
    """
    if data not in _PLACES:
        raise TrainableError(
            "OPTION_INVALID",
            f"start: 'pretext' needs a data set with a self-supervised pretext task, which {data!r} has not "
            f"({' and '.join(sorted(_PLACES))} have); start = 'pretrained' takes torchvision's weights",
        )


def exemplar_views(data: str) -> Tensor:
    """(exemplars, views, C, H, W) uint8: unlabelled images, several of each exemplar, none of which any split shows.

    Raises:
        TrainableError: OPTION_INVALID, where the data set has no pretext task.
    """
    check_pretext(data)
    module, _, function = _PLACES[data].partition(":")
    views: Callable[[], Tensor] = getattr(import_module(module), function)
    return views()
