"""What can be set of how segmentation is scored under corruptions. Torch-free."""

import dataclasses

from trainables import laws
from trainables.corruption_options import CorruptionOptions


@dataclasses.dataclass(frozen=True, kw_only=True)
class MaskedCorruptionOptions(CorruptionOptions):
    """The options of corruptions that any trainer has, with few images by default: every epoch is scored."""

    corruption_images: int = laws.with_default(
        CorruptionOptions,
        "corruption_images",
        64,
        "images that are corrupted, of validation and by `robustune evaluate` of test: the first ones, or all where "
        "there are fewer; 0 takes all",
    )
