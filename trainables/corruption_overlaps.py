"""Corruptions and their groups by name, and which of them what a network trains with already shows it. Torch-free."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "noise": ("gaussian_noise", "shot_noise", "impulse_noise"),
    "blur": ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur"),
    "weather": ("snow", "frost", "fog", "brightness"),
    "digital": ("contrast", "elastic_transform", "pixelate", "jpeg_compression"),
    "extra": ("speckle_noise", "gaussian_blur", "spatter", "saturate"),
}
"""As `trainables.perturbations.corruptions.groups()` says it, which a test holds them to."""

EXTRA: Final = GROUPS["extra"]
"""The four that ImageNet-C offers for validation."""

FIFTEEN: Final = tuple(name for group, names in GROUPS.items() if group != "extra" for name in names)
"""The fifteen of ImageNet-C's own mean."""


@dataclass(frozen=True)
class Overlap:
    """What a training perturbation shows of the test.

    Attributes:
        corruptions: those that it resembles; may be none.
        reason: why, or why none.
    """

    corruptions: tuple[str, ...]
    reason: str


OVERLAPS: Final[Mapping[str, Overlap]] = {
    "crop_flip": Overlap((), "moves and mirrors whole images, and changes no pixel's value"),
    "augmix": Overlap((), "its nine operations were chosen by its authors to leave out what ImageNet-C does"),
    "augmix/brightness": Overlap(("brightness",), "multiplies all values, which the corruption raises"),
    "augmix/contrast": Overlap(("contrast",), "moves all values towards their mean, as the corruption does"),
    "augmix/colour": Overlap(("saturate",), "weakens and strengthens colours, as the corruption does"),
    "augmix/sharpness": Overlap(
        ("defocus_blur", "gaussian_blur"), "its weaker half mixes pixels with the mean of their neighbours: a mild blur"
    ),
    "fooling": Overlap((), "adds a network's gradient, which follows the image; no corruption knows a network"),
    "fooling/generation_size": Overlap(
        ("defocus_blur", "gaussian_blur", "pixelate"), "attacked with fewer pixels and enlarged, so fine detail is gone"
    ),
    "gaussian": Overlap(
        ("gaussian_noise", "shot_noise", "speckle_noise"), "starts from normal noise in every pixel, as they do"
    ),
    "pixel": Overlap(("impulse_noise",), "gives a few scattered pixels another value, as the corruption does"),
    "stylised": Overlap((), "gives an image the texture and the palette of another; no corruption does"),
    "weight_noise": Overlap((), "disturbs weights, not images"),
}
"""By the name of a training perturbation; a part or an option of one stands behind a slash."""


def overlapping(perturbations: Iterable[str]) -> dict[str, dict[str, str]]:
    """For each corruption that some of the perturbations resemble: those perturbations, and the reason for each.

    In the order of `OVERLAPS`; empty where no corruption is resembled.

    Args:
        perturbations: names in `OVERLAPS`.

    Raises:
        ValueError: a name stands not there.
    """
    wanted = set(perturbations)
    for name in sorted(wanted - set(OVERLAPS)):
        close = difflib.get_close_matches(name, OVERLAPS, 1)
        meant = f"; did you mean {close[0]!r}?" if close else f"; there is {', '.join(OVERLAPS)}"
        raise ValueError(f"overlapping: no training perturbation {name!r}{meant}")
    found: dict[str, dict[str, str]] = {}
    for name, overlap in OVERLAPS.items():
        for corruption in overlap.corruptions if name in wanted else ():
            found.setdefault(corruption, {})[name] = overlap.reason
    return found
