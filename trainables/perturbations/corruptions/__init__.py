"""The 19 common corruptions of Hendrycks & Dietterich 2019, batched on tensors: uint8 in and out, on CPU or GPU."""

from trainables.corruption_facts import SEVERITIES
from trainables.perturbations.corruptions.constants import TABLES
from trainables.perturbations.corruptions.ice import Ice, read_ice
from trainables.perturbations.corruptions.registry import CORRUPTIONS, corrupt, groups, names

__all__ = ["CORRUPTIONS", "SEVERITIES", "TABLES", "Ice", "corrupt", "groups", "names", "read_ice"]
