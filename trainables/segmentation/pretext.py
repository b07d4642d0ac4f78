"""The pretext checkpoint of an encoder: trained without labels on images that no split of the data set shows."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from trainables import checkpoints
from trainables.checkpoints import WEIGHTS
from trainables.classification.options import ClassificationOptions
from trainables.classification.pretext import trained_body
from trainables.data.facts import normalisation
from trainables.data.pretexts import exemplar_views
from trainables.models import head_names
from trainables.preparation import Inputs
from trainables.segmentation.options import ENCODER
from trainables.segmentation.starts import ENCODER_PREFIX
from trainables.training_state import NET

_NAMES: Final[Mapping[str, str]] = {
    "encoder": "model",
    "encoder_width": "width",
    "stem": "stem",
    "activation": "activation",
}
"""How classification calls the options that shape an encoder."""


def build_segmentation_pretext(arguments: Mapping[str, Any], inputs: Inputs, directory: Path) -> dict[str, Any]:
    """Writes the encoder's weights of a network that learnt to tell which exemplar an image is a view of.

    A function of the arguments alone, so all studies of an encoder share one checkpoint, whatever their decoder.
    See `trainables.classification.pretext.build_pretext`.

    Raises:
        TrainableError: OPTION_INVALID, where the data set has no pretext task; NONFINITE.
    """
    options = ClassificationOptions(**{_NAMES[name]: arguments[name] for name in ENCODER})
    net, told = trained_body(options, exemplar_views(arguments["data"]), normalisation(inputs.folder("data")))
    head = head_names(net)
    kept = {NET + ENCODER_PREFIX + name: value for name, value in net.state_dict().items() if name not in head}
    checkpoints.save(directory / WEIGHTS, kept, {name: arguments[name] for name in ENCODER})
    return told
