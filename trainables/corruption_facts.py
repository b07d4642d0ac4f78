"""What corruptions there are and what they take, each fact once, for those who import no torch."""

from typing import Final

from trainables.corruption_overlaps import GROUPS

CORRUPTIONS: Final = tuple(name for names in GROUPS.values() for name in names)
"""The 19 in the order of ImageNet-C."""
SEVERITIES: Final = (1, 2, 3, 4, 5)
CONSTANTS: Final = ("imagenet-c", "imagenet-c-original", "tiny-imagenet-c", "cifar-10-c")
"""Names of `trainables.perturbations.corruptions.TABLES`, which a test holds them to."""
SMALLEST_SIDE: Final = 32
LARGEST_SIDE: Final = 512
ICE_SUFFIXES: Final = (".png", ".jpg", ".jpeg")
"""Ends of names, in lower case, of pictures of ice."""
