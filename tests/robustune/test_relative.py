"""What scores under corruptions are relative to is told before a search, after it, and by an evaluation."""

import dataclasses
import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from analysis.evaluated import BASELINE
from robustune import checks, corruption_evaluation, relative
from robustune.errors import Mistake
from robustune.ledger import Ledger
from robustune.settings import Settings
from robustune.tracking import translation
from search_spaces import Budget, Objective, Study, Subset, Uniform
from trainables.corruption_overlaps import EXTRA, FIFTEEN, GROUPS

ALL = (*FIFTEEN, *EXTRA)
OVERLAP = {"speckle_noise": {"gaussian": "starts from normal noise"}, "fog": {"gaussian": "not measured here"}}


def a_study(metric: str = "mce", **options: Any) -> Study:
    return Study(
        name="relative",
        trainer="classification",
        data="embedded-digits",
        options={"width": 8, **options},
        space={"noise_scale": Uniform(0, 0.2), "extra_sets": Subset(("gaussian",))},
        objectives=(Objective("clean_accuracy", "max", 0.0), Objective(metric, "min", 2.0)),
        budget=Budget(2, 3),
    )


def test_scores_without_a_baseline_are_told_by_how_they_are_measured() -> None:
    early = {"early_corruption_severities": [3]}
    study = dataclasses.replace(
        a_study(), trainer="segmentation", data="embedded-scenes", objectives=(Objective("corrupted_miou", "max", 0.0),)
    )
    names = ", ".join(EXTRA)
    ways = "constants imagenet-c; first 64 images"
    (line,) = relative.planned(dataclasses.replace(study, options={}))
    assert line == f"corrupted_miou is measured under {names} at severities 1 to 5; {ways}"
    first, last = relative.planned(dataclasses.replace(study, options=early))
    assert first == f"corrupted_miou in epochs 1 to 2: {names} at severity 3; {ways}"
    assert last == f"corrupted_miou in epoch 3: {names} at severities 1 to 5; {ways}"


def plain(names: tuple[str, ...], rate: float, severities: tuple[int, ...] = (1, 2, 3, 4, 5)) -> dict[str, Any]:
    """A table of errors as evaluations tell it: the rate, and a hundredth more for each severity."""
    errors = [[rate + severity / 100 for severity in severities] for _ in names]
    return {"corruptions": list(names), "severities": list(severities), "errors": errors, "clean": 0.25}


def evaluated(**changes: Any) -> dict[str, Any]:
    return {
        "table": plain(ALL, 0.3),
        "baseline": plain(ALL, 0.6),
        "seen": list(EXTRA),
        "overlap": {"speckle_noise": {"gaussian": "starts from normal noise"}},
        "ce": {**dict.fromkeys(ALL, 0.75), "fog": None},
        "groups": {**dict.fromkeys(GROUPS, 0.75), "weather": None},
        "mce": {"unseen": None, "all": 0.7512, "without_overlap": 12.75},
        "relative_mce": {"unseen": -12.3456, "all": 0.1, "without_overlap": 0.2},
        "flawless": ["fog"],
        "harmless": [],
        "images": 10_000,
        "source": "corrupted test images",
        **changes,
    }


def begun(folder: Path, study: Study, names: tuple[str, ...] = EXTRA) -> Path:
    """The ledger of a study whose baseline was measured."""
    with Ledger.create(folder, study, {}) as ledger:
        told = {"mean_error": 0.4567, "clean_error": 0.25, "images": 360, "overlap": OVERLAP}
        ledger.record_set(relative.ERRORS, "ab" * 32, {"table": plain(names, 0.4, (1, 3)), **told})
    return folder


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "trained by preparation: start scratch, transform crop_flip, 9 epochs"),
        (
            {"baseline_start": "pretext", "baseline_unfrozen_layers": 0, "baseline_epochs": 1},
            "trained by preparation: start pretext, head alone, transform crop_flip, 1 epoch",
        ),
        ({"baseline_unfrozen_layers": 2}, "start scratch, 2 unfrozen stages, transform"),
        ({"baseline_weights": "/a/b.safetensors", "baseline_sha256": "ab" * 32}, "from /a/b.safetensors (SHA-256 abab"),
    ],
)
def test_the_origin_of_the_baseline_is_told(options: dict[str, Any], told: str) -> None:
    assert told in relative.origin(a_study(**options))


def test_the_check_names_the_baseline_and_each_way_of_measuring() -> None:
    study = a_study("ce/fog", early_corruption_severities=[3])
    baseline, early, last = relative.planned(study)
    assert baseline.startswith("ce/fog is relative to: the baseline, trained by preparation: start scratch")
    assert early.startswith("ce/fog in epochs 1 to 2: fog at severity 3;")
    assert last.startswith("ce/fog in epoch 3: fog at severities 1 to 5;")
    assert len(relative.planned(a_study())) == 1
    assert relative.planned(a_study("pgd_accuracy")) == []


def test_the_check_describes_and_warns_each_once(tmp_path: Path) -> None:
    settings = Settings(str(tmp_path / "results"))
    study = a_study(corruptions=["speckle_noise", "fog"])
    lines = checks.describe(study, settings)
    assert sum("relative to: the baseline" in line for line in lines) == 1
    assert "corrupted/validation (2)" in next(line for line in lines if line.startswith("to be built first"))
    warnings = checks.check(study, settings)
    assert sum("resembles speckle_noise" in line for line in warnings) == 1
    assert sum("sees fog" in line for line in warnings) == 1
    assert len(warnings) == 2
    assert checks.check(a_study("pgd_accuracy"), settings) == []


def test_images_that_an_evaluation_needs_are_missed_before_the_search(tmp_path: Path) -> None:
    study = a_study(corruptions=["spatter"], corruption_test_data="nowhere")
    with pytest.raises(Mistake, match="DATA_UNKNOWN: relative: options: corruption_test_data"):
        checks.check(study, Settings(str(tmp_path / "results")))


def test_the_front_names_baseline_seen_corruptions_and_overlap(tmp_path: Path) -> None:
    folder = begun(tmp_path / "relative", a_study())
    baseline, overlap = relative.reached(folder)
    assert "mce: relative to the baseline, trained by preparation: start scratch" in baseline
    assert (
        "clean accuracy 0.7500, mean error 0.4567 under 4 corruptions at severities 1, 3 of 360 validation" in baseline
    )
    assert "speckle_noise (gaussian)" in overlap
    assert "fog" not in overlap
    seen = relative.reached(begun(tmp_path / "other", a_study(corruptions=["fog"]), ("fog", "spatter")))[1]
    assert seen.endswith("extra ones: fog")
    none = tmp_path / "none"
    with Ledger.create(none, a_study("pgd_accuracy"), {}):
        pass
    assert relative.reached(none) == []


def shown(printed: Any) -> list[str]:
    console = Console(file=io.StringIO(), width=80)
    console.print(printed)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_the_table_of_an_evaluation_fits_eighty_columns() -> None:
    lines = shown(corruption_evaluation.table({0: evaluated(), 12345: evaluated()}))
    assert lines[0].split() == ["mCE", "mCE", "mCE", "without", "relative", *["CE"] * 5]
    assert lines[1].split() == ["trial", "unseen", "all", "overlap", "unseen", *GROUPS]
    scores = ["-", "0.7512", "12.7500", "-12.3456", "0.7500", "0.7500", "-", "0.7500", "0.7500"]
    assert [line.split() for line in lines[3:]] == [["0", *scores], ["12345", *scores]]
    assert max(map(len, lines)) <= 80


def test_the_notes_tell_images_baseline_seen_overlap_and_what_nothing_is_relative_to() -> None:
    images, seen, overlap, flawless = corruption_evaluation.notes({3: evaluated()})
    assert "10,000 for each of 19 corruptions and severities 1, 2, 3, 4, 5" in images
    assert "clean error is 0.2500 and mean error under them 0.6300" in images
    assert seen == f"the search saw {', '.join(EXTRA)}, the four extra ones; mCE unseen is over all the others"
    assert "speckle_noise (gaussian)" in overlap
    assert "no error under fog" in flawless
    library = corruption_evaluation.notes({3: evaluated(source="tiny", harmless=["fog"], seen=["fog"])})
    assert "under corruptions: tiny, 10,000" in library[0]
    assert "four extra" not in library[1]
    assert library[-1] == "nothing is added to the baseline's clean error by fog: left out of relative means"


def test_every_error_rate_is_a_row_beside_the_baseline_s() -> None:
    table = corruption_evaluation.errors({7: evaluated()})
    rows = table.to_pylist()
    assert len(rows) == 2 * 19 * 5
    assert {row["trial"] for row in rows} == {BASELINE, 7}
    assert all(row["error"] == row["baseline_error"] for row in rows if row["trial"] == -1)
    one = next(row for row in rows if (row["trial"], row["corruption"], row["severity"]) == (7, "speckle_noise", 2))
    assert one["error"] == pytest.approx(0.32)
    assert one["baseline_error"] == pytest.approx(0.62)
    assert (one["group"], one["seen"], one["overlap"]) == ("extra", True, "gaussian: starts from normal noise")
    columns = corruption_evaluation.columns({7: evaluated(), 8: evaluated()})
    assert columns["corruption.mce_all"].to_pylist() == [0.7512] * 2
    assert columns["corruption.mce_unseen"].null_count == columns["corruption.ce.fog"].null_count == 2
    assert {f"corruption.ce.{name}" for name in ALL} < columns.keys()


def test_mlflow_never_has_scores_of_two_ways_under_one_name(tmp_path: Path) -> None:
    from analysis import records

    folder = tmp_path / "relative"
    with Ledger.create(folder, a_study("ce/fog", early_corruption_severities=[3]), {}) as ledger:
        ledger.ask(0, {}, 1, {})
        for epoch in (1, 2, 3):
            ledger.report(0, epoch, {"clean_accuracy": 0.5, "ce/fog": epoch / 2}, 1.0, 0.1)
    ways = records.measured(folder)
    reported = [event for event in records.events(folder) if event.kind == "reported"]
    sent = [point for event in reported for point in translation.points(event, ways, 3)]
    named = {(point.key, point.step): point.value for point in sent if "fog" in point.key}
    assert named == {("until-epoch-2/ce/fog", 1): 0.5, ("until-epoch-2/ce/fog", 2): 1.0, ("ce/fog", 3): 1.5}
    tags = translation.measured_tags(ways, 3)
    assert tags["robustune.measured.ce/fog"].splitlines()[1].startswith("epoch 3: fog at severities 1 to 5")
