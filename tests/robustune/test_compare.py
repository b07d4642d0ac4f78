"""The command that compares studies, run as a user runs it."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from robustune.comparing import compare
from robustune.errors import Mistake
from robustune.ledger import Ledger
from robustune.settings import Settings
from search_spaces import Study, read_study
from trainables.registry import vocabularies

Run = Callable[..., CompletedProcess[str]]


def searched(results: Path, study: Study, better: float) -> Path:
    """Writes a finished search of four trials on a quarter of a circle of so great a radius."""
    folder = results / study.name
    with Ledger.create(folder, study, {}) as ledger:
        for number, accuracy in enumerate((0.2, 0.4, 0.6, 0.7)):
            ledger.ask(number, {"angle": accuracy, "loss": 0.0}, seed=number, attributes={})
            scores = {"accuracy": accuracy * better, "robustness": (1 - accuracy**2) ** 0.5 * better}
            ledger.report(number, 1, scores, 1.0, 0.1, None, "complete")
    return folder


@pytest.fixture
def two(curves: Callable[..., Path], tmp_path: Path) -> Path:
    """A results folder with two studies that differ in their sampler."""
    for sampler, better in (("tpe", 1.0), ("random", 0.5)):
        path = curves(f"by-{sampler}", trials=4, epochs=1, sampler=sampler, early_stopping="none")
        searched(tmp_path / "results", read_study(path, vocabularies()), better)
    return tmp_path / "results"


def test_the_command_says_which_is_better_and_where_the_files_are(two: Path, robustune: Run) -> None:
    ended = robustune("compare", "by-tpe", "by-random")
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert lines[0].startswith("by-tpe ")
    assert "by-random" in lines[0]
    page = two / "compare-by-tpe-and-by-random" / "compare.html"
    assert f"compare.html: {page}" in lines
    assert "sampler.name" in page.read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("by-tpe", "by-tpe"), "COMPARISON_UNFIT", "by-tpe is given twice"),
        (("by-tpe", "nobody"), "STUDY_MISSING", "begun there: by-random, by-tpe"),
        (("by-tpe", "by-random", "--objectives", "speed"), "COMPARISON_UNFIT", "not recorded by by-tpe, by-random"),
        (("by-tpe", "nowhere.parquet"), "STUDY_MISSING", "there is no such file"),
        (("by-tpe", "sqlite:///none.db"), "TRACKING_UNREACHABLE", "none.db"),
        (("by-tpe", "by-random", "--out", "results/by-tpe/ledger.sqlite/x"), "RESULTS_UNWRITABLE", "--out"),
    ],
)
def test_a_mistake_is_told_with_its_code(
    two: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: str, told: str
) -> None:
    monkeypatch.chdir(two.parent)
    places = [part for part in arguments if not part.startswith("--")]
    options = dict(zip(arguments[2::2], arguments[3::2], strict=True))
    out = Path(options["--out"]) if "--out" in options else None
    with pytest.raises(Mistake) as mistake:
        compare(places[:2], Settings(), objectives=options.get("--objectives"), out=out)
    assert mistake.value.code == code
    assert told in mistake.value.message
    assert mistake.value.message.isprintable()
