"""The papers say what the code does: every code, every key, every default, and examples that can be run."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from robustune.errors import EXIT_CODES
from search_spaces import SAMPLERS, Budget, Constraint, EarlyStopping, Objective, read_study
from search_spaces.domains import KINDS
from search_spaces.laws import words
from search_spaces.reading import KEYS
from trainables.registry import vocabularies, vocabulary

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
STUDY_FILES = (DOCS / "study-files.md").read_text()
EXAMPLES = re.findall(r"^```toml\n(.*?)^```$", STUDY_FILES, re.MULTILINE | re.DOTALL)
SOURCES = ("search_spaces", "trainables", "robustune", "analysis", "benchmarks", "tests")


def sections(text: str) -> dict[str, str]:
    """The parts of a study's text by name, those of a list of tables together; the keys at the top one by one."""
    found: dict[str, str] = {}
    name = ""
    for line in text.splitlines(keepends=True):
        if heading := re.match(r"\[+(\w+)\]", line):
            name = heading[1]
        key = name or line.partition("=")[0].strip()
        found[key] = found.get(key, "") + line
    return found


def rows(trainer: str) -> Iterator[str]:
    """The lines of a trainer's tables, as its vocabulary has them."""
    for name, law in vocabulary(trainer)["options"].items():
        fixed = "fixed" if law.get("fixed") else ""
        yield f"| `{name}` | {shown(words(law))} | {shown(default(law))} | {fixed} | {law['description']} |"
    for name, law in vocabulary(trainer)["metrics"].items():
        yield f"| `{name}` | {law['goal']} | {law['description']} |"


def shown(text: str) -> str:
    return text.replace("|", "\\|")


def default(law: Mapping[str, Any]) -> str:
    return f'`"{law["default"]}"`' if isinstance(law["default"], str) else f"`{law['default']}`"


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_every_example_of_a_study_file_reads_cleanly(example: str, tmp_path: Path) -> None:
    path = tmp_path / "example.toml"
    parts = (sections(EXAMPLES[0]) | sections(example)).values()
    path.write_text("".join(sorted(parts, key=lambda part: part.startswith("["))))  # keys at the top stay there
    study = read_study(path, vocabularies())
    assert study.objectives


def test_every_key_of_a_study_file_is_explained() -> None:
    parts = [field.name for part in (Objective, Constraint, Budget, EarlyStopping) for field in fields(part)]
    for name in [*KINDS, *parts, "when", "points"]:
        assert f"`{name}`" in STUDY_FILES, name
    for key in KEYS:
        assert re.search(rf"`\[*{key}\]*`", STUDY_FILES), key


# A new sampler or trainer need not touch the paper; what the paper says of one has to be all and true.


def test_a_sampler_in_the_paper_has_its_options_there() -> None:
    told = STUDY_FILES[STUDY_FILES.index("## `[sampler]`") : STUDY_FILES.index("## `[early_stopping]`")]
    listed = dict(re.findall(r"^\| `(\w+)` \| (none|`.*?`) \| .* \|$", told, re.MULTILINE))
    assert len(listed) >= 4
    for name, options in listed.items():
        assert re.findall(r"`(\w+)`", options) == list(SAMPLERS[name])
        for option in SAMPLERS[name]:
            assert f"| `{option}` |" in told


@pytest.mark.parametrize("trainer", re.findall(r"^## Options of `(.*)`$", STUDY_FILES, re.MULTILINE))
def test_the_tables_of_a_trainer_are_those_of_its_vocabulary(trainer: str) -> None:
    missing = [row for row in rows(trainer) if row not in STUDY_FILES]
    assert not missing, "\n".join(missing)


def test_every_code_stands_in_its_paper_with_its_status() -> None:
    listed = re.findall(r"^\| `([A-Z_]+)` \| (\d) \|", (DOCS / "exit-codes.md").read_text(), re.MULTILINE)
    assert {code: int(status) for code, status in listed} == EXIT_CODES


@pytest.mark.parametrize(
    ("code", "named"), [("FILES_EXIST", ("robustune corrupt", "choose --out")), ("STATE_CORRUPT", ("confirmation",))]
)
def test_a_code_of_several_commands_is_told_of_each(code: str, named: tuple[str, ...]) -> None:
    row = next(line for line in (DOCS / "exit-codes.md").read_text().splitlines() if line.startswith(f"| `{code}` |"))
    assert all(one in row for one in named)


def test_every_table_of_the_ledger_stands_in_its_paper() -> None:
    from analysis.schema import SCHEMA

    text = (DOCS / "ledger.md").read_text()
    for table, columns in re.findall(r"CREATE TABLE (\w+) \((.*?)\) STRICT;", SCHEMA, re.DOTALL):
        assert f"| `{table}` |" in text
        row = next(line for line in text.splitlines() if line.startswith(f"| `{table}` |"))
        for column in re.findall(r"(?:^|,)\s*([a-z][a-z0-9_]*) (?:TEXT|INTEGER|REAL)", columns):
            assert f"`{column}`" in row or (table, column) == ("seals", "trial"), (table, column)


@pytest.mark.parametrize("paper", ["CONTRIBUTING.md", *(f"docs/{path.name}" for path in DOCS.glob("*.md"))])
def test_links_between_papers_lead_somewhere(paper: str) -> None:
    path = ROOT / paper
    for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
        assert (path.parent / target).exists(), target


def test_no_file_is_too_long_to_be_read_at_once() -> None:
    lengths = {path: len(path.read_text().splitlines()) for room in SOURCES for path in (ROOT / room).rglob("*.py")}
    assert {str(path): length for path, length in lengths.items() if length > 450} == {}


def test_no_module_is_named_after_nothing() -> None:
    vague = {"utils", "util", "helpers", "helper", "manager", "common", "misc"}
    assert not [path for room in SOURCES for path in (ROOT / room).rglob("*.py") if path.stem in vague]
