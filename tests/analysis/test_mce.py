"""mCE by recipe: names tell recipes apart, bars are means in closed form, unlike measurements are refused."""

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis import mce_scores, plot_mce, recipes, records
from analysis.mce_bars import recipe_chart
from robustune.ledger import Ledger
from search_spaces import find, read_study
from search_spaces.domains import Choice, Subset
from search_spaces.study import Budget, Objective, Study
from trainables.classification.options import ClassificationOptions
from trainables.corruption_overlaps import EXTRA, FIFTEEN

Rate = Callable[[int, str, int], float]
TRANSFORMS = {
    "transform": Choice(("none", "crop_flip", "augmix")),
    "consistency_weight": Choice((12, 0), when={"transform": "augmix"}),
}
MCE = (Objective("mce", "min", 2.0), Objective("clean_accuracy", "max", 0.1))


def test_defaults_are_the_trainers() -> None:
    own = ClassificationOptions()
    assert {name: getattr(own, name) for name in recipes.DEFAULTS} == recipes.DEFAULTS


@pytest.mark.parametrize(
    ("drawn", "names"),
    [
        (
            [{"transform": "none"}, {"transform": "crop_flip"}, {"transform": "augmix"}],
            ("clean", "crop+flip", "AugMix"),
        ),
        (
            [{"transform": "augmix"}, {"transform": "augmix", "consistency_weight": 0.0}],
            ("AugMix", "AugMix without consistency"),
        ),
        (
            [
                {"extra_sets": ["stylised"]},
                {"extra_sets": ["stylised"], "transform": "augmix"},
                {"extra_sets": ["gaussian"], "fooling_rates": [20]},
            ],
            ("clean + stylised", "clean + stylised, AugMix", "clean + F-20, Gaussian"),
        ),
        (
            [{"fooling_rates": [20], "extra_share": 1}, {"fooling_rates": [5, 100, 20]}, {"fooling_rates": []}],
            ("F-20 alone", "clean + F-5, F-20, F-100", "clean"),
        ),
        (
            [{"fooling_rates": [5]}, {"fooling_rates": [5], "extra_share": 0.75}, {}],
            ("clean + F-5 (share 0.5)", "clean + F-5 (share 0.75)", "clean"),
        ),
        (
            [{"fooling_rates": [5], "extra_share": 0.0}, {"start": "pretext"}],
            ("clean, from scratch", "clean, from pretext"),
        ),
        ([{"unfrozen_layers": 2}, {}], ("clean, 2 layers unfrozen", "clean, 5 layers unfrozen")),
        ([{"batch_size": 32}, {"batch_size": 64.0}], ("clean (batch size 32)", "clean (batch size 64)")),
        ([{"transform": "augmix"}], ("clean",)),
    ],
)
def test_recipes_are_named_by_what_differs(drawn: list[dict[str, Any]], names: tuple[str, ...]) -> None:
    assert recipes.labels([recipes.recipe({}, one) for one in drawn]) == names


def test_what_has_no_effect_makes_no_other_recipe() -> None:
    plain = recipes.recipe({}, {})
    assert recipes.recipe({"extra_share": 0.7, "augmentation_images": 9, "corruption_images": 3}, {}) == plain
    assert recipes.recipe({"consistency_weight": 3}, {"transform": "none"}) == plain
    assert recipes.recipe({}, {"fooling_rates": [20], "extra_share": 0}) == plain
    assert recipes.recipe({}, {"fooling_rates": [20, 5]}) == recipes.recipe({"fooling_rates": (5, 20)}, {})


@pytest.mark.parametrize("name", ["mce-scratch-transform", "mce-scratch-stylised", "mce-tuned-fooling"])
def test_every_shipped_recipe_has_a_name_of_its_own(name: str) -> None:
    from itertools import product

    from search_spaces.domains import active
    from trainables.registry import vocabularies

    study = read_study(find(name), vocabularies())
    points = product(*(domain.grid() or () for domain in study.space.values()))
    every = [dict(zip(study.space, point, strict=True)) for point in points]
    drawn = [{key: value for key, value in one.items() if active(study.space, one, key)} for one in every]
    made = [recipes.recipe(study.options, one) for one in drawn]
    unlike = {repr(sorted(one.items())) for one in made}
    assert len(set(recipes.labels(made))) == len(unlike) == study.budget.trials


@pytest.fixture(scope="module")
def made(
    grid: Callable[..., Path], grid_of: Callable[..., Study], evaluation: Callable[..., pa.Table]
) -> Callable[..., Path]:
    """Makes an evaluated study: `made(space, rate, **told)`; its baseline has the digest `baseline`."""

    def make(
        space: Mapping[str, Any] = TRANSFORMS,
        rate: Rate | None = None,
        baseline: str = "ba" * 32,
        overlap: Mapping[str, str] | None = None,
        seen: tuple[str, ...] = EXTRA,
        table: Mapping[str, Any] | None = None,
        **changes: Any,
    ) -> Path:
        told = {"objectives": MCE, "measure": ("mce_without_overlap",), "budget": Budget(4, 1), **changes}
        study = grid_of(dict(space), **told)
        folder = grid(study, lambda config, *_: 0.5 + 0.1 * (config.get("transform") == "none"), conditions=True)
        with Ledger.open(folder) as ledger:
            ledger.record_set("baseline", baseline, {"validation_accuracy": 0.7})
            told_errors = {"table": table, "overlap": {name: {why: why} for name, why in (overlap or {}).items()}}
            if table:
                ledger.record_set("baseline-errors/validation", "ee" * 32, told_errors)
        given = {} if rate is None else {"rate": rate}
        evaluation(folder, study, records.trials(folder).to_pylist(), **given, overlap=overlap, seen=seen)
        return folder

    return make


def by_label(folders: list[Path], scores: mce_scores.Scores = "test") -> dict[str, Any]:
    return {bar.label: bar for bar in recipe_chart(mce_scores.read(folders, scores), scores).bars}


def test_bars_are_what_the_evaluation_says(made: Callable[..., Path]) -> None:
    folder = made()
    rows = pq.read_table(folder / "evaluation.parquet").to_pylist()
    bars = by_label([folder])
    assert set(bars) == {"clean", "crop+flip", "AugMix", "AugMix without consistency"}
    for bar in bars.values():
        (trial,) = bar.trials
        row = next(row for row in rows if trial == f"grid: {row['number']}")
        assert bar.mce.value == pytest.approx(row["corruption.mce_unseen"])
        assert bar.mce.low == bar.mce.value == bar.mce.high
        assert bar.clean_error.value == pytest.approx(1 - row["accuracy.test"])
        assert bar.without_overlap is None
        assert (bar.nets, bar.seeds) == (1, 1)


def test_the_second_mark_leaves_out_what_any_of_the_studies_resembles(made: Callable[..., Path]) -> None:
    def rate(trial: int, name: str, severity: int) -> float:
        return 0.5 if trial < 0 or name not in ("fog", "snow") else {"fog": 1.0, "snow": 0.0}[name]

    one = made(rate=rate, overlap={"fog": "a"})
    other = made({"extra_sets": Subset(("stylised", "gaussian"))}, rate=rate, overlap={"snow": "b", "spatter": "c"})
    for bar in by_label([one, other]).values():
        assert bar.mce.value == pytest.approx((13 + 2 + 0) / 15)
        assert bar.without_overlap.value == pytest.approx(1.0)
    assert next(iter(by_label([one]).values())).without_overlap.value == pytest.approx(13 / 14)


def test_seeds_are_pooled_to_a_mean_with_its_range(made: Callable[..., Path], tmp_path: Path) -> None:
    folders = []
    for seed, worse in enumerate((1.0, 1.2, 0.8)):

        def rate(trial: int, name: str, severity: int, worse: float = worse) -> float:
            return 0.4 if trial < 0 else 0.4 * worse

        folders.append(made(rate=rate, seed=seed, baseline=f"{seed}a" * 32))
    bars = by_label(folders)
    assert len(bars) == 4
    for bar in bars.values():
        assert (bar.mce.value, bar.mce.low, bar.mce.high) == pytest.approx((1.0, 0.8, 1.2))
        assert (bar.nets, bar.seeds, len(bar.trials)) == (3, 3, 3)
    paths = plot_mce.write(folders, tmp_path)
    said = " ".join(ElementTree.parse(paths["mce.svg"]).getroot().itertext())
    assert "mean and range over 3 seeds" in said
    assert "15 corruptions that no search saw" in said
    table = pq.read_table(paths["mce.parquet"])
    assert table["mce"].to_pylist() == pytest.approx([1.0] * 4)
    assert table["mce_high"].to_pylist() == pytest.approx([1.2] * 4)
    assert table["seeds"].to_pylist() == [3] * 4
    assert table.schema.metadata[b"scores"] == b"test"


def test_where_one_recipe_has_more_nets_each_says_of_how_many(made: Callable[..., Path]) -> None:
    both = [made(), made({"transform": Choice(("none", "augmix"))})]
    assert set(by_label(both)) == {"clean [2]", "AugMix [2]", "crop+flip", "AugMix without consistency"}


def test_the_searchs_own_scores_are_of_trials_that_spent_their_epochs(made: Callable[..., Path]) -> None:
    bars = by_label([made()], "validation")
    assert bars["clean"].mce.value == pytest.approx(0.6)
    assert bars["AugMix"].mce.value == pytest.approx(0.5)
    assert bars["clean"].clean_error.value == pytest.approx(0.4)


@pytest.fixture(scope="module")
def against(made: Callable[..., Path]) -> Path:
    return made(table=TABLE)


TABLE = {"corruptions": ["fog"], "severities": [1], "errors": [[0.5]], "clean": 0.1}


@pytest.mark.parametrize(
    ("scores", "changes", "said"),
    [
        ("test", {"seen": (*EXTRA, "fog")}, "another way than that of grid: corruptions that the search did not see"),
        (
            "test",
            {"options": {"corruption_constants": "cifar-10-c"}},
            "corruption_constants: cifar-10-c; there: not told",
        ),
        ("test", {"data": "elsewhere"}, "another way than that of grid: data: elsewhere"),
        ("test", {"baseline": "bb" * 32}, "relative to another baseline than that of grid"),
        ("test", {"rate": lambda *_: 0.25}, "relative to another baseline"),
        ("test", {"seed": 5, "baseline": "bb" * 32}, "another baseline than that of grid (seed 0 there, 5 here)"),
        ("validation", {"options": {"corruptions": ("fog",)}}, "way of measuring: fog at severities 1 to 5"),
        ("validation", {"options": {"corruption_severities": (1, 3)}}, "severities 1, 3; constants imagenet-c"),
        ("validation", {"options": {"corruption_images": 50}}, "first 50 images"),
        ("validation", {"table": {**TABLE, "errors": [[0.6]]}}, "relative to another baseline"),
        ("validation", {"objectives": (Objective("clean_accuracy", "max", 0.1),)}, "it does not record 'mce'"),
    ],
)
def test_what_was_measured_in_another_way_is_refused_in_one_line(
    made: Callable[..., Path],
    against: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    scores: str,
    changes: dict[str, Any],
    said: str,
) -> None:
    one = against
    other = made({"transform": Choice(("none", "augmix"))}, **{"table": TABLE, "name": "other", **changes})
    assert plot_mce.main([str(one), str(other), "--scores", scores, "--out", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert told.startswith("OPTION_INVALID: other: ")
    assert said in told
    assert told.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_study_without_an_evaluation_is_told_what_to_do(
    made: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = made()
    (folder / "corruption-errors.parquet").unlink()
    assert plot_mce.main([str(folder)]) == 2
    assert "let `robustune evaluate` make it" in capsys.readouterr().err
    assert plot_mce.main([str(folder), "--scores", "validation"]) == 0


def test_clean_errors_are_of_this_study_or_not_told(
    made: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = made()
    path = folder / "evaluation.parquet"
    whole = path.read_bytes()
    pq.write_table(pq.read_table(path).replace_schema_metadata({"study": "of another"}), path)
    assert all(bar.clean_error is None for bar in by_label([folder]).values())
    path.write_bytes(whole[:100])
    assert plot_mce.main([str(folder)]) == 3
    told = capsys.readouterr().err
    assert "evaluation.parquet is no whole Parquet file" in told
    assert told.count("\n") == 1


def test_a_flawless_baseline_leaves_nets_out_and_says_so(
    made: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = made(rate=lambda trial, name, severity: 0.0 if trial < 0 and name == FIFTEEN[0] else 0.5)
    assert plot_mce.main([str(folder)]) == 2
    assert "none of the nets has an mCE" in capsys.readouterr().err


def test_many_recipes_can_be_drawn_alike_each_time(made: Callable[..., Path], tmp_path: Path) -> None:
    space = {
        "fooling_rates": Subset((5, 20, 100)),
        "extra_share": Choice((0.5, 0.75, 1), when={"fooling_rates": "nonempty"}),
    }
    folder = made(
        space, budget=Budget(22, 1), rate=lambda trial, name, severity: 0.5 if trial < 0 else 0.3 + 0.02 * trial
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        once, again = (plot_mce.write([folder], tmp_path / name) for name in ("once", "again"))
    assert all(path.read_bytes() == again[name].read_bytes() for name, path in once.items())
    assert pq.read_table(once["mce.parquet"]).num_rows == 22
