"""From a study file to a Study: every complaint about it at once, before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from search_spaces.complaints import Complaints, quote
from search_spaces.domains import Text
from search_spaces.early_stopping import read_early_stopping
from search_spaces.epochs import check_epochs
from search_spaces.files import find, parse, read_text, shipped
from search_spaces.sections import (
    read_budget,
    read_constraints,
    read_measure,
    read_objectives,
    read_options,
    read_sampler,
)
from search_spaces.space import check_grid, read_space
from search_spaces.starting import read_first, read_teachers
from search_spaces.study import NAME, NAME_LAW, EarlyStopping, Sampler, Seed, Study
from search_spaces.tables import check_keys, is_table, worded

__all__ = ["find", "read_study", "shipped"]

Vocabulary = Mapping[str, Any]

REQUIRED = ("trainer", "data", "space", "objectives", "budget")
STARTS = ("first", "warm_start_from")
KEYS = (*REQUIRED, "description", "seed", "options", "constraints", "measure", "sampler", "early_stopping", *STARTS)


def read_study(path: Path, vocabularies: Mapping[str, Vocabulary]) -> Study:
    """The study of a TOML file, held against what its trainer understands; its name is the file's stem.

    Args:
        path: the file, of at most 256 KiB.
        vocabularies: by trainer: its options' laws, metrics and data sets, as plain data; `not_data`, where it is
            there, says of other names why they are none.

    Raises:
        StudyError: with every complaint about the file.
    """
    text = read_text(path)
    table = parse(path, text)
    complaints = Complaints(str(path))
    if not NAME.fullmatch(path.stem):
        complaints.add("", f"the study would be called {quote(path.stem)}; {NAME_LAW}")
    check_keys(table, (), KEYS, REQUIRED, complaints)
    parts = _read_parts(table, vocabularies, complaints)
    complaints.raise_any()
    return Study(name=path.stem, source=text, **parts)


def _read_parts(
    table: Mapping[str, Any], vocabularies: Mapping[str, Vocabulary], complaints: Complaints
) -> dict[str, Any]:
    """Every part of the study; whole only if no complaint was noted."""
    vocabulary = _read_trainer(table.get("trainer"), vocabularies, complaints) if "trainer" in table else None
    laws = None if vocabulary is None else vocabulary["options"]
    metrics = None if vocabulary is None else vocabulary["metrics"]
    if "data" in table and vocabulary is not None:
        _check_data(table["data"], vocabulary, complaints)
    held = _section(table, "options", complaints)
    searched = _section(table, "space", complaints)
    options = read_options(held, laws, complaints)
    space = read_space(searched, held, laws, complaints) if isinstance(table.get("space"), dict) else {}
    objectives = read_objectives(table["objectives"], metrics, complaints) if "objectives" in table else ()
    constraints = read_constraints(table.get("constraints", []), metrics, complaints)
    measure = read_measure(table.get("measure", []), metrics, complaints)
    budget = read_budget(table["budget"], complaints) if "budget" in table else None
    sampler: Sampler | None = Sampler()
    if "sampler" in table:
        sampler = read_sampler(table["sampler"], budget, complaints, len(objectives))
    if sampler is not None and sampler.name == "grid":
        check_grid(space, complaints)
    rule: EarlyStopping | None = EarlyStopping()
    if "early_stopping" in table:
        rule = read_early_stopping(table["early_stopping"], budget, complaints)
    check_epochs(objectives, constraints, budget, rule, complaints)
    return {
        "description": _scalar(Text, table.get("description", ""), "description", complaints),
        "trainer": table.get("trainer"),
        "data": table.get("data"),
        "options": options,
        "space": space,
        "objectives": objectives,
        "constraints": constraints,
        "measure": measure,
        "budget": budget,
        "sampler": sampler,
        "early_stopping": rule,
        # Of a space that is not whole, a key that is missing there would be called unknown here.
        "first": read_first(table.get("first", []), space if len(space) == len(searched) else {}, budget, complaints),
        "warm_start_from": read_teachers(table.get("warm_start_from", []), sampler, complaints),
        "seed": _scalar(Seed, table.get("seed", 0), "seed", complaints),
    }


def _read_trainer(name: object, vocabularies: Mapping[str, Vocabulary], complaints: Complaints) -> Vocabulary | None:
    if isinstance(name, str) and name in vocabularies:
        return vocabularies[name]
    complaints.unknown("trainer", name, "a trainer", vocabularies)
    return None


def _check_data(name: object, vocabulary: Vocabulary, complaints: Complaints) -> None:
    if isinstance(name, str) and (reason := vocabulary.get("not_data", {}).get(name)):
        complaints.add("data", f"{quote(name)}: {reason}")
    elif not isinstance(name, str) or name not in vocabulary["data"]:
        complaints.unknown("data", name, "a data set of the trainer", vocabulary["data"])


def _section(table: Mapping[str, Any], key: str, complaints: Complaints) -> Mapping[str, Any]:
    section = table.get(key, {})
    return section if is_table(section, (key,), complaints) else {}


def _scalar(kind: Any, value: object, key: str, complaints: Complaints) -> Any:
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        for _, message, _ in worded(error):
            complaints.add(key, message)
        return None
