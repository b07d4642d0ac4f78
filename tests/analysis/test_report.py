"""Reports are whole, alone on their page, and hold no name that a user could make dangerous."""

import base64
import hashlib
import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from analysis import records, report
from analysis.figure_files import figure_files
from analysis.front import front
from analysis.page import safe_address
from analysis.wording import aligned, readable, shortened, visible, within, written
from search_spaces.study import Study

FILES = {
    "trials.parquet",
    "epochs.parquet",
    "front.parquet",
    *figure_files("front"),
    "report.html",
    "study.toml",
}
HOSTILE = ("<script>alert(1)</script>", "</script>", "\"'><b>", "=cmd()", "&lt;", "{{7*7}}")


class Elements(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize("objectives", [1, 2, 3])
def test_a_report_writes_every_file_whole(
    search: Callable[..., Path], study_of: Callable[..., Study], objectives: int
) -> None:
    study = study_of(objectives)
    folder = search(study)
    paths = report.write(folder)
    assert set(paths) == FILES
    assert {path.name for path in folder.iterdir()} == FILES | {"ledger.sqlite"}
    assert pq.read_table(paths["front.parquet"]).equals(front(records.trials(folder), study))
    assert paths["study.toml"].read_text() == study.source


def test_a_report_of_a_search_without_a_trial_is_a_report(tmp_path: Path, study_of: Callable[..., Study]) -> None:
    from robustune.ledger import Ledger

    with Ledger.create(tmp_path / "none", study_of(), {}) as ledger:
        assert "no front yet" in report.write(ledger.folder)["report.html"].read_text()


def test_the_page_runs_nothing_but_its_own_script(search: Callable[..., Path], study_of: Callable[..., Study]) -> None:
    folder = search(study_of(transforms=HOSTILE), reason="\x1b[31m\u202e\x00</td></script><img src=x onerror=alert(1)>")
    text = report.write(folder, {0: {HOSTILE[2]: "javascript:alert(1)"}})["report.html"].read_text()
    elements = Elements(text).found
    *data, own = [attributes.get("type") for tag, attributes in elements if tag == "script"]
    assert own is None
    assert set(data) == {"application/json"}
    assert {tag for tag, _ in elements}.isdisjoint({"img", "iframe", "object", "embed", "link", "base", "form", "b"})
    assert not [name for _, attributes in elements for name in attributes if name.startswith("on") or name == "style"]
    leads = [found["href"] or "" for tag, found in elements if tag == "a"]
    assert all(re.match(r"#(trial|part)-\d+$|checkpoints/", lead) for lead in leads)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\\x1b[31m\\u202e\\x00" in text
    policy = next(found["content"] or "" for _, found in elements if "http-equiv" in found)
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    for tag in ("script", "style"):
        inside = re.search(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert inside is not None
        digest = base64.b64encode(hashlib.sha256(inside[1].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "http://" not in text
    assert "https://" not in text


@pytest.mark.parametrize(
    ("target", "address"),
    [
        ("http://127.0.0.1:5000/#/experiments/1", "http://127.0.0.1:5000/#/experiments/1"),
        ("checkpoints/1/epoch 9#.safetensors", "checkpoints/1/epoch%209%23.safetensors"),
        *[
            (bad, None)
            for bad in (
                "javascript:alert(1)",
                "JaVaScript:x",
                "data:text/html,x",
                "//host/x",
                "/etc/passwd",
                "../x",
                "a/../../x",
                "\\\\host\\x",
                "http:",
                "file:///etc/passwd",
                "http://[",
                "",
            )
        ],
    ],
)
def test_links_lead_to_the_web_or_into_the_own_folder(target: str, address: str | None) -> None:
    assert safe_address(target) == address


def test_words_for_people() -> None:
    assert [readable(name) for name in ("clean_accuracy", "mce", "pgd_accuracy", "")] == [
        "Clean accuracy",
        "mCE",
        "PGD accuracy",
        "",
    ]
    assert visible("a\u202eb\x1b\n\ud800") == "a\\u202eb\\x1b\\n\\ud800"


def test_plot_front_runs_alone(made_up: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "analysis.plot_front", str(made_up), "--out", str(tmp_path / "new" / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert {Path(line).name for line in done.stdout.splitlines()} == FILES
    assert {path.name for path in (tmp_path / "new" / "out").iterdir()} == FILES


@pytest.mark.parametrize("content", [None, b"", b"garbage" * 1000])
def test_plot_front_says_in_one_line_what_is_wrong(tmp_path: Path, content: bytes | None) -> None:
    from analysis.plot_front import main

    if content is not None:
        (tmp_path / "ledger.sqlite").write_bytes(content)
    command = [sys.executable, "-m", "analysis.plot_front", str(tmp_path)]
    if content == b"":
        assert main([str(tmp_path)]) == 3
        return
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert done.stderr.startswith("STATE_CORRUPT: " if content else "STUDY_MISSING: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([0.9933, 6.1e-17, 0.5], ("0.9933", "0.0000", "0.5000")),
        ([0.5, 0.25], ("0.50", "0.25")),
        ([1.0, 0.0], ("1", "0")),
        ([0.99996, 0.5], ("1.0", "0.5")),
        ([123.456, -1.0], ("123.5", "-1.0")),
        ([1e300, 1.0], ("1e+300", "1")),
        ([2e-7, 0.0], ("2e-07", "0")),
        ([0.0], ("0",)),
        ([], ()),
    ],
)
def test_numbers_of_one_figure_have_the_same_decimals(values: list[float], texts: tuple[str, ...]) -> None:
    assert aligned(values) == texts


def test_words_of_figures() -> None:
    assert [written(value) for value in (1e-5, 2.5e-4, 1e20, None, "", True, "a")] == [
        "1e-5",
        "0.00025",
        "1e20",
        "not set",
        "none",
        "yes",
        "a",
    ]
    assert within("perturbed_validation_accuracy") == "perturbed validation accuracy"
    assert within("pgd_accuracy") == "PGD accuracy"
    assert (shortened("short", 5), shortened("longer", 5)) == ("short", "long…")


def test_failed_trials_stand_on_the_page_by_reason_and_in_the_table_of_all_and_nowhere_else(
    search: Callable[..., Path], study_of: Callable[..., Study]
) -> None:
    text = report.write(search(study_of()))["report.html"].read_text()
    assert re.findall(r"<h\d>(Failed[^<]*)</h\d>", text) == ["Failed by reason"]
    rows = [row for row in re.findall(r"<tr\b.*?</tr>", text, re.DOTALL) if "epoch 2: the loss is nan" in row]
    assert [">2<" in row and "#trial-8" in row for row in rows].count(True) == 1
    assert len(rows) == 1 + 2
