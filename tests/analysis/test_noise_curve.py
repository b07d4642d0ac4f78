"""Curves over weight noise are means of what the ledger or an evaluation holds, with the spread of nets and draws."""

import dataclasses
import math
import random
import statistics
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis import noise_nets, plot_noise_curve, records, report
from analysis.figure_files import figure_files
from analysis.knobs import NotDrawable
from analysis.noise_chart import NoiseChart, evaluated_trials, inference_chart, training_chart
from analysis.noise_nets import Score
from analysis.noise_points import Point, total_deviation
from robustune.ledger import Ledger
from search_spaces.domains import Choice, Uniform, Whole
from search_spaces.study import Budget, Objective, Study
from trainables.registry import load_options

SCALES = (0, 0.1, 0.3)
SPACE = {"noise_scale": Uniform(0, 0.4, points=SCALES), "replicate": Whole(0, 2)}
GRADIENTS = Choice(("recovered", "perturbed"))
MATCHED = {"evaluation_noise": "matched"}
BOTH = (Objective("miou", "max", 0.08), Objective("noisy_miou", "max", 0.08))
Row = Mapping[str, Any]


def score(config: Row, metric: str, epoch: int) -> float:
    """A closed form: nets of one scale lie 0.02 apart, draws vary by 0.1 times the scale."""
    lower = 0.5 * config["noise_scale"] * (1.5 if config.get("noise_gradient") == "perturbed" else 1)
    base = 0.6 + 0.02 * config.get("replicate", 0) - lower
    scale: float = config["noise_scale"]
    found: dict[str, float] = {"miou": base, "noisy_miou": base - scale, "noisy_miou_deviation": 0.1 * scale}
    return found[metric]


@pytest.fixture
def searched(grid: Callable[..., Path], grid_of: Callable[..., Study]) -> Callable[..., Path]:
    """Writes a search of segmentation: `searched(space, **changes of the study)`; `how` goes to `grid`."""

    def write(space: Mapping[str, Any] = SPACE, how: Mapping[str, Any] | None = None, **changes: Any) -> Path:
        trials = math.prod(domain.size() or 1 for domain in space.values())
        kept = {
            "trainer": "segmentation",
            "data": "embedded-scenes",
            "objectives": BOTH,
            "measure": ("noisy_miou_deviation",),
            "options": MATCHED,
            "budget": Budget(trials, 2),
        }
        return grid(grid_of(dict(space), **{**kept, **changes}), **{"score": score, **(how or {})})

    return write


def drawn_miou(row: Row, scale: float, draw: int, split: str) -> float:
    """Of an evaluation: test images are harder, draws lie 0.01 apart."""
    trained: float = row["options.noise_scale"]
    return 0.5 - scale + 0.1 * trained + 0.01 * draw - 0.2 * (split == "test")


def evaluate(folder: Path, numbers: Sequence[int] | None = None, scales: Sequence[float] = (0, 0.1, 0.2)) -> list[Row]:
    """Writes `noise-curve.parquet` of the trials, all complete ones by default; returns them."""
    rows = [row for row in records.trials(folder).to_pylist() if row["state"] == "complete"]
    rows = [row for row in rows if numbers is None or row["number"] in numbers]
    lines = [
        {"trial": row["number"], "scale": float(scale), "draw": draw, "split": split}
        | {"miou": drawn_miou(row, scale, draw, split)}
        for row in rows
        for split in ("original", "test")
        for scale in sorted({*scales, row["options.noise_scale"]})
        for draw in range(3 if scale else 1)
    ]
    random.Random(0).shuffle(lines)
    table = pa.Table.from_pylist(lines).replace_schema_metadata({"study": records.read_study(folder).digest})
    pq.write_table(table, folder / "noise-curve.parquet")
    return rows


def chart(*folders: Path, split: noise_nets.Split | None = None) -> NoiseChart:
    return training_chart(noise_nets.read(list(folders), split))


def by_scale(drawn: NoiseChart, noisy: bool, arm: int = 0) -> dict[float, Point]:
    return {point.scale: point for point in drawn.points if (point.noisy, point.arm) == (noisy, arm)}


def test_defaults_are_the_trainers() -> None:
    for trainer, metric in (("segmentation", "miou"), ("classification", "clean_accuracy")):
        own: Any = load_options(trainer)()
        assert {name: getattr(own, name) for name in noise_nets.DEFAULTS} == noise_nets.DEFAULTS
        assert own.evaluation_noise_images == noise_nets.NOISY_IMAGES[metric]


def test_both_curves_are_means_over_nets_with_the_spread_of_nets_and_draws(searched: Callable[..., Path]) -> None:
    drawn = chart(searched())
    between = statistics.variance([0.0, 0.02, 0.04])
    for noisy in (False, True):
        points = by_scale(drawn, noisy)
        assert tuple(points) == SCALES
        for scale, point in points.items():
            assert point.mean == pytest.approx(0.62 - 0.5 * scale - noisy * scale)
            assert point.deviation == pytest.approx(math.sqrt(between + (noisy * 0.1 * scale) ** 2))
            assert (point.low, point.high) == pytest.approx((point.mean - 0.02, point.mean + 0.02))
            assert (point.seeds, point.draws) == (3, 4 if noisy else 1)
            assert point.inference == scale * noisy
    (panel,) = drawn.panels
    for line, noisy in zip(panel.lines, (False, True), strict=True):
        points = by_scale(drawn, noisy)
        assert line.corners == tuple((scale, point.mean) for scale, point in points.items())
        assert line.spread == tuple((scale, *(point.band or ())) for scale, point in points.items())
        assert all(panel.y.has(end) for _, low, high in line.spread for end in (low, high))
    assert (panel.x.low, panel.x.high) == (0, 0.3)
    assert drawn.series.written == ("clean", "same noise")
    assert not any("left out" in remark for remark in drawn.remarks)


def test_it_is_told_where_noise_was_scored_on_fewer_images(searched: Callable[..., Path]) -> None:
    told = "under noise on the first 32 of these images alone"
    assert told in chart(searched(options={**MATCHED, "evaluation_noise_images": 32})).remarks
    assert not any("of these images alone" in remark for remark in chart(searched()).remarks)


@pytest.mark.parametrize("count", [2, 4, 50])
def test_total_deviation_is_that_of_single_draws_of_single_nets_and_of_a_mean_over_draws(count: int) -> None:
    draw = np.random.default_rng(0)
    nets = 0.5 + 0.04 * draw.standard_normal((4000, 1)) + 0.03 * draw.standard_normal((4000, count))
    scores = [Score(float(one.mean()), float(one.std(ddof=1)), count) for one in nets]
    assert total_deviation(scores) == pytest.approx(math.sqrt(0.04**2 + 0.03**2 * (1 + 1 / count)), rel=0.02)


def test_total_deviation_of_few_nets_is_by_hand() -> None:
    assert total_deviation([Score(0.5, 0.2, 4)]) == pytest.approx(0.2)
    assert total_deviation([Score(0.4, 0.1, 4), Score(0.6, 0.3, 4)]) == pytest.approx(math.sqrt(0.02 + 0.05))
    assert total_deviation([Score(0.4, None, 4), Score(0.6, 0.3, 4)]) == pytest.approx(math.sqrt(0.02))
    assert total_deviation([Score(0.4, None, 4)]) is None


def test_trials_without_a_full_score_are_left_out_and_counted(searched: Callable[..., Path]) -> None:
    folder = searched(how={"failed": 1, "left": 3})
    with Ledger.open(folder, {}) as ledger:
        scores = dict.fromkeys(records.read_study(folder).metrics, 0.99)
        for number in (6, 7):
            ledger.ask(number, {"noise_scale": 0.1, "replicate": 0}, seed=number, attributes={})
            ledger.report(number, 1, scores, 1.0, 0.1, None, "stopped" if number == 6 else None)
    drawn = chart(folder)
    assert drawn.remarks[-1] == "left out: 1 failed, 1 not tried yet, 1 still running, 1 stopped early"
    assert sum(point.seeds for point in drawn.points) == 2 * 5
    assert all(point.high < 0.9 for point in drawn.points)
    alone = {point.scale: point.mean for point in drawn.points if point.deviation is None}
    (clean, _) = drawn.panels[0].lines
    assert [(low, high) for x, low, high in clean.spread if x in alone] == [(mean, mean) for mean in alone.values()]


def test_nets_of_other_options_are_other_lines_whether_searched_or_held(searched: Callable[..., Path]) -> None:
    recovered = searched(name="recovered")
    perturbed = searched(
        name="perturbed",
        options={**MATCHED, "noise_gradient": "perturbed"},
        how={"score": lambda config, *rest: score({**config, "noise_gradient": "perturbed"}, *rest)},
    )
    held, one = chart(recovered, perturbed), chart(searched({**SPACE, "noise_gradient": GRADIENTS}))
    for drawn in (held, one):
        assert drawn.arms == ("noise gradient recovered", "noise gradient perturbed")
        assert drawn.series.written == ("recovered", "perturbed")
        assert [panel.title for panel in drawn.panels] == [
            "Clean weights at inference",
            "Under the noise of training at inference",
        ]
        assert drawn.panels[0].y == drawn.panels[1].y
        for noisy, panel in enumerate(drawn.panels):
            for arm, line in enumerate(panel.lines):
                points = by_scale(drawn, bool(noisy), arm)
                assert line.corners == tuple((scale, point.mean) for scale, point in points.items())
                assert points[0.3].mean == pytest.approx(0.62 - 0.15 * (1.5 if arm else 1) - 0.3 * noisy)
    unnamed = [[dataclasses.replace(point, names=()) for point in drawn.points] for drawn in (held, one)]
    assert [point.mean for point in unnamed[0]] == pytest.approx([point.mean for point in unnamed[1]])
    assert chart(perturbed, recovered).series.written == ("perturbed", "recovered")


def test_another_seed_of_a_study_is_more_nets_and_a_told_default_is_no_difference(
    searched: Callable[..., Path],
) -> None:
    folders = [searched(), searched(seed=1), searched(seed=2, options={**MATCHED, "noise_gradient": "recovered"})]
    drawn = chart(*folders)
    assert drawn.arms == ("",)
    assert {point.seeds for point in drawn.points} == {9}
    with pytest.raises(NotDrawable, match="count twice"):
        chart(folders[0], searched())


def test_fixed_noise_is_named_and_one_net_has_no_band_of_its_own(searched: Callable[..., Path]) -> None:
    space = {"noise_scale": SPACE["noise_scale"]}
    drawn = chart(searched(space, options={"evaluation_noise_scale": 0.2}, measure=()))
    assert drawn.series.written == ("clean", "noise of 0.2")
    assert {point.inference for point in drawn.points if point.noisy} == {0.2}
    assert all(point.deviation is None for point in drawn.points)
    assert all(line.spread == () for panel in drawn.panels for line in panel.lines)


def test_any_trainer_with_a_clean_and_a_noisy_score_has_its_curves(
    grid: Callable[..., Path], grid_of: Callable[..., Study]
) -> None:
    study = grid_of({"noise_scale": SPACE["noise_scale"]}, budget=Budget(3, 4))
    drawn = chart(grid(study, lambda config, metric, _: config["noise_scale"] + ("noise" in metric)))
    assert drawn.metric == "clean_accuracy"
    assert drawn.panels[0].y.label == "Accuracy (higher is better)"
    assert [point.mean for point in by_scale(drawn, True).values()] == pytest.approx([1, 1.1, 1.3])


@pytest.mark.parametrize("split", ["original", "test"])
def test_evaluated_nets_are_scored_under_the_noise_they_trained_with(
    searched: Callable[..., Path], split: noise_nets.Split
) -> None:
    folder = searched(options={})
    evaluate(folder)
    drawn = chart(folder, split=split)
    for noisy in (False, True):
        for scale, point in by_scale(drawn, noisy).items():
            row = {"options.noise_scale": scale}
            values = [drawn_miou(row, scale * noisy, draw, split) for draw in range(3 if noisy and scale else 1)]
            assert point.mean == pytest.approx(statistics.fmean(values))
            assert point.deviation == pytest.approx(0.01 if noisy and scale else 0, abs=1e-9)
            assert (point.inference, point.seeds) == (scale * noisy, 3)
    assert drawn.split == split


def test_nets_that_were_not_evaluated_are_counted(searched: Callable[..., Path]) -> None:
    folder = searched()
    evaluate(folder, [0, 1, 2, 3, 4])
    drawn = chart(folder, split="test")
    assert drawn.remarks[-1] == "left out: 4 not evaluated"
    assert sum(point.seeds for point in drawn.points) == 2 * 5


def test_single_nets_are_drawn_over_the_noise_at_inference(searched: Callable[..., Path]) -> None:
    folder = searched()
    rows = {row["number"]: row for row in evaluate(folder)}
    drawn = inference_chart(folder, [4, 0, 4], "original")
    assert drawn.series.written == ("trial 4", "trial 0")
    for arm, (number, line, (series, ring)) in enumerate(
        zip((4, 0), drawn.panels[0].lines, drawn.rings[0], strict=True)
    ):
        scale = rows[number]["options.noise_scale"]
        points = {point.inference: point for point in drawn.points if point.arm == arm}
        assert set(points) == {0, 0.1, 0.2, scale}
        for inference, point in points.items():
            values = [drawn_miou(rows[number], inference, draw, "original") for draw in range(3 if inference else 1)]
            assert point.mean == pytest.approx(statistics.fmean(values))
            assert point.deviation == pytest.approx(0.01 if inference else 0)
            assert (point.low, point.high) == pytest.approx((min(values), max(values)))
            assert point.draws == len(values)
        assert line.corners == tuple(sorted((inference, point.mean) for inference, point in points.items()))
        assert (series, ring) == (arm, (scale, points[scale].mean))


def test_a_page_shows_some_of_many_evaluated_nets_by_the_noise_of_their_training(searched: Callable[..., Path]) -> None:
    folder = searched()
    rows = {row["number"]: row["options.noise_scale"] for row in evaluate(folder)}
    shown = evaluated_trials(folder, records.read_study(folder))
    assert len(shown) == 6
    assert [rows[number] for number in shown] == sorted(rows[number] for number in shown)
    assert {rows[number] for number in shown} == set(SCALES)


def test_figure_table_and_page_say_the_same_each_time(searched: Callable[..., Path], tmp_path: Path) -> None:
    folder = searched({**SPACE, "noise_gradient": GRADIENTS})
    evaluate(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        once = plot_noise_curve.write([folder], tmp_path / "once")
        paths = report.write_to(folder, tmp_path / "report")
    assert all(path.read_bytes() == paths[name].read_bytes() for name, path in once.items())
    rows = pq.read_table(once["noise-curve-points.parquet"]).to_pylist()
    assert [(row["mean"], row["deviation"], row["seeds"]) for row in rows] == [
        (point.mean, point.deviation, point.seeds) for point in chart(folder).points
    ]
    assert {row["arm"] for row in rows} == {"noise gradient recovered", "noise gradient perturbed"}
    assert {(row["study"], row["metric"], row["split"]) for row in rows} == {("grid", "miou", "original")}
    assert sorted(name for row in rows for name in row["trials"]) == sorted(2 * [f"grid: {n}" for n in range(18)])
    said = " ".join(ElementTree.parse(once["noise-curve.svg"]).getroot().itertext())
    assert "perturbed" in said
    assert "mean over 3 nets" in said
    assert {*figure_files("noise-curve", "noise-curve-test", "noise-curve-trials")} <= set(paths)
    page = paths["report.html"].read_text()
    assert "<h3>Over the noise of training</h3>" in page
    assert page.count("Single nets over the noise at inference") == 1


def test_a_page_of_other_studies_has_no_such_curves(searched: Callable[..., Path]) -> None:
    one = searched({"noise_scale": Choice((0.1,)), "replicate": Whole(0, 1)})
    assert not any(name.startswith("noise-curve") for name in report.write(one))


WIDE = {**SPACE, "batch_size": Choice((4, 8, 16, 32)), "noise_draw": Choice(("per_step", "per_epoch"))}


@pytest.mark.parametrize(
    ("changes", "arguments", "said"),
    [
        ({"space": WIDE}, [], "grid: besides noise_scale its nets differ in noise_draw, batch_size, which makes 8"),
        ({"objectives": BOTH[:1], "measure": ()}, [], "grid: it records miou; the curves need miou and noisy_miou or"),
        ({"how": {"left": 9}}, [], "grid: no trial has spent its epochs and has scores to draw: 9 not tried yet"),
        ({}, ["--split", "hold_out"], "grid: no trial has spent its epochs and has scores to draw: 9 not evaluated"),
        ({}, ["--trial", "9"], "grid: it has no trial 9; it has 0 to 8"),
        ({"how": {"failed": 3}}, ["--trial", "3"], "grid: trial 3 failed; trials that spent their epochs are"),
        ({}, ["--trial", "0", "--split", "hold_out"], "grid: trial 0 was evaluated on original, test images and not"),
        ({}, [part for number in range(7) for part in ("--trial", str(number))], "grid: 7 trials were asked for"),
    ],
)
def test_a_mistake_is_one_line_with_a_code(
    searched: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, Any],
    arguments: list[str],
    said: str,
) -> None:
    folder = searched(**changes)
    evaluate(folder)
    assert plot_noise_curve.main([str(folder), *arguments]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"OPTION_INVALID: {said}")
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ({"replicate": Whole(0, 2)}, "grid: it does not search noise_scale"),
        ({**SPACE, "learning_rate": Uniform(0, 1)}, "grid: it draws learning_rate from ranges"),
    ],
)
def test_a_search_that_has_no_such_curves_is_told_which_has(
    tmp_path: Path, grid_of: Callable[..., Study], capsys: pytest.CaptureFixture[str], space: dict[str, Any], said: str
) -> None:
    Ledger.create(tmp_path / "grid", grid_of(space, objectives=BOTH), {}).close()
    assert plot_noise_curve.main([str(tmp_path / "grid")]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"OPTION_INVALID: {said}")
    assert "weight-noise-curve" in told
    assert told.count("\n") == 1


def test_what_was_not_evaluated_or_is_damaged_is_told(
    searched: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = searched()
    for arguments in (["--split", "test"], ["--trial", "1"]):
        assert plot_noise_curve.main([str(folder), *arguments]) == 2
        assert "let `robustune evaluate grid --all` make it" in capsys.readouterr().err
    evaluate(folder, [0])
    assert plot_noise_curve.main([str(folder), "--trial", "1"]) == 2
    assert (
        "trial 1 was not evaluated (evaluated: 0); let `robustune evaluate grid --trial 1`" in capsys.readouterr().err
    )
    path = folder / "noise-curve.parquet"
    path.write_bytes(path.read_bytes()[:100])
    assert plot_noise_curve.main([str(folder), "--trial", "0"]) == 3
    assert "no whole Parquet file" in capsys.readouterr().err
    assert plot_noise_curve.main([str(folder)]) == 0


def test_studies_on_one_figure_were_scored_in_one_way(
    searched: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = searched()
    for other, said in (
        (searched(options={}), "evaluation_noise: fixed; there: matched"),
        (searched(data="voc"), "data: voc; there: embedded-scenes"),
    ):
        assert plot_noise_curve.main([str(folder), str(other), "--out", str(tmp_path)]) == 2
        assert said in capsys.readouterr().err
    for arguments in ([], ["--trial", "0", "--out", str(tmp_path)]):
        with pytest.raises(SystemExit, match="2"):
            plot_noise_curve.main([str(folder), str(folder), *arguments])


def test_files_are_called_by_what_they_show(
    searched: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = searched()
    evaluate(folder)
    out = ["--out", str(tmp_path)]
    assert plot_noise_curve.main([str(folder), *out, "--split", "test"]) == 0
    assert plot_noise_curve.main([str(folder), *out, "--trial", "3", "--trial", "5"]) == 0
    written = [Path(line).name for line in capsys.readouterr().out.splitlines()]
    names = ("noise-curve-test", "noise-curve-trial-3-5")
    assert written == [file for name in names for file in (*figure_files(name), f"{name}-points.parquet")]
