"""What can be set of how errors under corruptions are measured. Torch-free."""

import dataclasses

from trainables.corruption_options import CorruptionOptions
from trainables.laws import option


@dataclasses.dataclass(frozen=True, kw_only=True)
class ErrorOptions(CorruptionOptions):
    """The options of corruptions that any trainer has, and which test images `robustune evaluate` takes."""

    corruption_test_data: str = option(
        "string",
        "",
        "corrupted images of the data library, as `robustune data add imagenet-c` adds them, that `robustune evaluate` "
        "takes; empty: the test images, corrupted",
        fixed=True,
    )
