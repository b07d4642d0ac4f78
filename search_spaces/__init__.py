"""What to try: domains, objectives, constraints, budget, and the studies that ship with Robustune."""

from search_spaces.complaints import Complaint, StudyError
from search_spaces.domains import Choice, Domain, LogUniform, LogWhole, Subset, Uniform, Whole, active
from search_spaces.reading import find, read_study, shipped
from search_spaces.samplers import SAMPLERS
from search_spaces.schema import json_schema
from search_spaces.study import Budget, Constraint, EarlyStopping, Objective, Sampler, Study

__all__ = [
    "SAMPLERS",
    "Budget",
    "Choice",
    "Complaint",
    "Constraint",
    "Domain",
    "EarlyStopping",
    "LogUniform",
    "LogWhole",
    "Objective",
    "Sampler",
    "Study",
    "StudyError",
    "Subset",
    "Uniform",
    "Whole",
    "active",
    "find",
    "json_schema",
    "read_study",
    "shipped",
]
