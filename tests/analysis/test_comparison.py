"""Comparisons of studies: what is one method, what can be compared, what is said, and what is written."""

import json
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis import comparison_report, plot_comparison, records, sources
from analysis.compared import Incomparable, Method, Searched, methods, read
from analysis.comparison import Comparison, Pair, compare
from analysis.comparison_figure import draw_differences, draw_fronts, draw_surfaces, draw_volumes
from analysis.comparison_notes import difference_rows
from analysis.comparison_objectives import agreed, parsed
from analysis.comparison_page import render
from analysis.comparison_panels import difference_panels
from analysis.comparison_words import chance, sentences, verdicts
from analysis.figure_files import figure_files
from analysis.front import hypervolume
from robustune.ledger import Ledger
from search_spaces.domains import Choice
from search_spaces.study import Budget, Constraint, Objective, Study

TRADE = (Objective("clean_accuracy", "max", 0.5), Objective("mce", "min", 1.2))
SIZES = (1, 2, 3, 4)
Make = Callable[..., str]


@pytest.fixture(scope="module")
def study(grid_of: Callable[..., Study]) -> Callable[..., Study]:
    """Makes studies of four trials of one epoch; `better` is of their content, and of their scores by `make`."""

    def of(name: str = "plain", seed: int = 0, better: int = 0, **changes: object) -> Study:
        kept = {"objectives": TRADE, "measure": (), "budget": Budget(4, 1), "options": {"better": better}}
        return grid_of({"batch_size": Choice(SIZES)}, name=name, seed=seed, **{**kept, **changes})

    return of


@pytest.fixture(scope="module")
def make(grid: Callable[..., Path]) -> Make:
    """Writes a search of a study: the greater `better` and the seed, the better its scores; returns its folder."""

    def write(study: Study, worth: Callable[[float], float] = lambda value: value) -> str:
        gain = 0.05 * float(str(study.options["better"])) + 0.004 * (study.seed % 3)

        def score(config: dict[str, int], metric: str, epoch: int) -> float:
            size = config["batch_size"]
            return worth(0.6 + 0.05 * size + gain) if metric == "clean_accuracy" else worth(0.8 + 0.05 * size - gain)

        return str(grid(study, score))

    return write


@pytest.fixture(scope="module")
def seeds(study: Callable[..., Study], make: Make) -> tuple[str, ...]:
    """Three seeds of one method, then three of a better one."""
    return tuple(
        make(study(name=f"{name}-seed{seed}", seed=seed, better=better))
        for name, better in (("plain", 0), ("fair", 1))
        for seed in range(3)
    )


def compared(places: tuple[str, ...] | list[str], objectives: str | None = None, apart: str = "none") -> Comparison:
    every = methods(agreed([read(place) for place in places], parsed(objectives)), apart)  # type: ignore[arg-type]
    return compare(every)


def test_studies_that_differ_in_name_and_seed_alone_are_one_method(seeds: tuple[str, ...]) -> None:
    searched = [read(place) for place in seeds]
    assert [(one.name, len(one.searches)) for one in methods(searched)] == [("plain", 3), ("fair", 3)]
    assert [one.name for one in methods(searched, "studies")] == [one.study.name for one in searched]
    assert dict(difference_rows(methods(searched))) == {"options.better": ("0", "1")}
    assert difference_rows(methods(searched[:3])) == []


def test_the_better_method_is_called_so_and_how_sure_that_is(seeds: tuple[str, ...]) -> None:
    done = compared(seeds)
    plain, fair = done.standings
    (pair,) = done.pairs
    assert [one.volumes for one in done.standings] == [
        tuple(hypervolume(read(place).front, TRADE) for place in part) for part in (seeds[:3], seeds[3:])
    ]
    assert plain.low < plain.mean < plain.high < fair.low
    assert pair.difference == pytest.approx(plain.mean - fair.mean)
    assert pair.p_value == pytest.approx(0.1)
    assert pair.more_one == pytest.approx(0, abs=1e-12)
    assert plain.best + fair.best == pytest.approx(1)
    verdict, where = sentences(done)
    assert verdict.startswith("fair is better than plain, with probability more than 0.995: ")
    assert where.startswith("No trade-off within the reference is attained by a larger share of the searches of plain")
    assert verdicts(done) == (verdict,)
    again = compared(seeds[::-1])  # the resampling has a seed of its own for each method
    assert [(one.low, one.high) for one in again.standings[::-1]] == [(one.low, one.high) for one in done.standings]
    assert again.pairs[0].probability == pytest.approx(1 - pair.probability)


@pytest.mark.parametrize(
    ("low", "high", "probability", "clear", "leaning"),
    [
        (0.01, 0.3, 0.98, True, True),
        (-0.1, 0.3, 0.9, False, True),
        (-0.3, 0.11, 0.1, False, False),  # the draws lean to the other one
        (-0.2, 0.3, 0.6, False, False),
    ],
)
def test_it_is_better_exactly_where_the_interval_leaves_out_nothing(
    low: float, high: float, probability: float, clear: bool, leaning: bool
) -> None:
    pair = Pair(0, 1, 0.1, low, high, probability, None, 0.2, 0.1)
    for one in (pair, pair.turned):
        assert (one.clear, one.leaning) == (clear, leaning)
    assert (pair.turned.low, pair.turned.high, pair.turned.more_one) == (-high, -low, 0.1)
    assert pair.turned.turned.probability == pytest.approx(probability)


def test_draws_that_lean_against_what_was_reached_make_nobody_better(study: Callable[..., Study]) -> None:
    """One trial of thirty attains as much as thirty twins do: most draws have it, and lie above what it attained."""

    def of(name: str, places: list[float]) -> Method:
        held = study(name=name, objectives=(Objective("clean_accuracy", "max", 0.0),), budget=Budget(30, 1))
        rows = {"number": list(range(30)), "state": ["complete"] * 30, "epochs": [1] * 30}
        trials = pa.table({**rows, "metrics.clean_accuracy": places})
        told = {records.CONTEXT_KEY: json.dumps({"sets": {}}).encode()}
        return Method(name, (Searched(held, trials.replace_schema_metadata(told), name, held),))

    done = compare([of("sure", [0.5] * 30), of("lucky", [0.499] * 2 + [0.1] * 28)])
    (pair,) = done.pairs
    assert pair.difference == pytest.approx(0.001)
    assert pair.probability < 0.2
    assert sentences(done)[0].startswith("Nothing can be said of which is better, sure or lucky:")
    for one in done.standings:
        assert one.low <= one.mean <= one.high
    assert pair.low <= pair.difference <= pair.high


def test_a_probability_is_told_to_two_digits_and_never_as_certain() -> None:
    assert [chance(value) for value in (1.0, 0.98, 0.0)] == ["more than 0.995", "0.98", "less than 0.005"]


def test_of_one_seed_nothing_is_said_that_trials_cannot_tell(seeds: tuple[str, ...]) -> None:
    done = compared([seeds[0], seeds[3]])
    told = " ".join(sentences(done))
    assert told.startswith("fair-seed0 got further than plain-seed0 in these searches: ")
    assert "not what another seed would have found" in told
    assert "is better than" not in told
    assert [one.resampled for one in done.standings] == ["trials", "trials"]


def test_a_search_is_as_good_as_its_copy(study: Callable[..., Study], make: Make, seeds: tuple[str, ...]) -> None:
    (pair,) = compared([seeds[0], make(study(name="plain-seed0"))], apart="folders").pairs
    assert pair.difference == 0
    assert pair.probability == pytest.approx(0.5, abs=0.03)


def test_equal_searches_cannot_be_told_apart_and_several_have_one_best(
    study: Callable[..., Study], make: Make, seeds: tuple[str, ...]
) -> None:
    twins = [make(study(name=f"twin-{seed}", seed=seed, better=0, measure=("pgd_accuracy",))) for seed in range(3)]
    done = compared([*seeds, *twins])
    assert sum(one.best for one in done.standings) == pytest.approx(1)
    assert sentences(done)[0].startswith("Of 3 methods fair has the greatest hypervolume; the probability")
    assert len(verdicts(done)) == 3
    assert sentences(compared([seeds[0], *twins[:1], seeds[4]], apart="studies"))[0].startswith("Of 3 methods fair")
    worse = make(study(name="worse", better=-1))
    told = sentences(compared([seeds[0], twins[0], worse]))[0]
    assert told.startswith(
        "Of 3 methods plain-seed0 and twin-0 have the same, greatest hypervolume. Nothing can be said"
    )
    same = compared([*seeds[:3], *twins])
    assert sentences(same)[0].startswith("Nothing can be said of which is better")
    assert "Both attain the same." in sentences(same)
    assert same.pairs[0].probability == pytest.approx(0.5, abs=0.05)


def test_one_method_alone_is_told_of_and_compared_with_nothing(seeds: tuple[str, ...]) -> None:
    assert "There is no other method to compare it with." in sentences(compared(seeds[:3]))[0]
    assert "over trials" in sentences(compared(seeds[:1]))[0]


def test_a_ledger_and_its_parquet_file_give_the_same_comparison(seeds: tuple[str, ...]) -> None:
    copies = [str(records.export(Path(place))["trials.parquet"]) for place in seeds]
    assert [one.volumes for one in compared(copies).standings] == [one.volumes for one in compared(seeds).standings]
    assert sentences(compared(copies)) == sentences(compared(seeds))


def test_objectives_that_differ_are_told_and_the_shared_ones_taken(
    study: Callable[..., Study], make: Make, seeds: tuple[str, ...]
) -> None:
    other = make(study(name="other", objectives=(Objective("mce", "min", 1.5), Objective("pgd_accuracy", "max", 0.0))))
    with pytest.raises(Incomparable, match=r"compare by what they share with --objectives mce=1\.2$"):
        compared([seeds[0], other])
    assert [one.reference for one in compared([seeds[0], other], "mce=1.4").objectives] == [1.4]
    turned = make(study(name="turned", objectives=TRADE[::-1]))
    assert compared([seeds[0], turned]).objectives == TRADE
    three = make(study(name="three", objectives=(*TRADE, Objective("pgd_accuracy", "max", 0.0))))
    assert len(compared([seeds[0], three], "clean_accuracy,mce").pairs) == 1


@pytest.mark.parametrize(
    ("objectives", "told"),
    [
        ("clean_accuracy,", "expected names with commas between them, each once"),
        ("mce,mce", "each once"),
        ("", "expected names"),
        ("mce=often", "expected NAME=REFERENCE with a finite number"),
        ("mce=nan", "finite number"),
        ("mce=", "finite number"),
        ("speed", "--objectives speed: not recorded by plain-seed0, fair-seed0; all record clean_accuracy, mce"),
        ("\x1b[31m", r"--objectives \\x1b[31m: not recorded"),
    ],
)
def test_objectives_that_cannot_be_compared_by_are_refused(seeds: tuple[str, ...], objectives: str, told: str) -> None:
    with pytest.raises(Incomparable) as refused:
        compared([seeds[0], seeds[3]], objectives)
    assert told.replace(r"\\", "\\") in str(refused.value)


def test_studies_that_cannot_be_compared_are_refused(
    study: Callable[..., Study], make: Make, seeds: tuple[str, ...]
) -> None:
    apart = (
        (make(study(name="scenes", data="embedded-scenes")), "are of different data"),
        (make(study(objectives=(Objective("pgd_accuracy", "max", 0.0),))), "share no objective"),
        (make(study(objectives=(replace(TRADE[0], goal="min"), TRADE[1]))), "--objectives mce$"),
        (seeds[0], "is given twice"),
        (make(study(name="again")), "same study with the same seed, 0"),
    )
    for place, told in apart:
        with pytest.raises(Incomparable, match=told):
            compared([seeds[0], place])
    again = apart[-1][0]
    assert [one.name for one in compared([seeds[0], again], apart="folders").methods] == ["plain-seed0", "again"]
    many = [make(study(name=f"many{better}", better=better)) for better in range(7)]
    with pytest.raises(Incomparable, match="7 methods: colours tell 6 at most apart"):
        compared(many)


def test_methods_of_one_name_are_told_apart_by_seed_or_folder(study: Callable[..., Study], make: Make) -> None:
    one, other, new = (make(study(seed=seed, better=better)) for seed, better in ((0, 0), (1, 0), (0, 0)))
    names = [method.name for method in compared([one, other], apart="studies").methods]
    assert names == ["plain, seed 0", "plain, seed 1"]
    names = [method.name for method in compared([one, new], apart="folders").methods]
    assert names == [f"plain in {Path(place).parent.name}" for place in (one, new)]


def test_what_is_not_alike_or_not_whole_is_noted(
    study: Callable[..., Study], make: Make, seeds: tuple[str, ...], tmp_path: Path
) -> None:
    begun = study(name="begun", better=2)
    with Ledger.create(tmp_path / "begun", begun, {}) as ledger:
        ledger.ask(0, {"batch_size": 1}, seed=0, attributes={})
    bound = make(study(name="bound", better=3, constraints=(Constraint("clean_accuracy", at_least=0.1),)))
    notes = "\n".join(compared([seeds[0], str(tmp_path / "begun"), bound]).notes)
    assert "begun (seed 0) has no trial of full epochs within its constraints, so its hypervolume is 0" in notes
    assert "has one trial" not in notes
    assert "begun (seed 0) is not finished: 1 of its trials runs still" in notes
    assert "the constraints differ" in notes
    assert "not of the same length" in notes


def test_names_stand_in_notes_as_they_are_and_a_single_trial_is_told(
    study: Callable[..., Study], make: Make, seeds: tuple[str, ...]
) -> None:
    one = {"batch_size": Choice((1,))}
    lone = make(replace(study(name="my_lone_mce", better=4, budget=Budget(1, 1)), space=one))
    done = compared([seeds[0], lone])
    note = "the search my_lone_mce has one trial: drawn again it is the same, so its interval has no width"
    assert note in done.notes
    assert f'<p class="quiet">T{note[1:]}.</p>' in render(done)


def test_seeds_that_are_all_alike_are_told(study: Callable[..., Study], make: Make, seeds: tuple[str, ...]) -> None:
    alike = [make(study(name=f"alike-{seed}", seed=seed, better=5)) for seed in (0, 3)]
    done = compared([*seeds[:3], *alike])
    assert [one.low == one.high for one in done.standings] == [False, True]
    assert [note for note in done.notes if "no width" in note] == [
        "all seeds of alike reached the same hypervolume, so its interval has no width"
    ]


def test_an_address_is_told_without_its_password() -> None:
    assert sources.told("https://me:secret@host:5000/a@b") == "https://host:5000/a@b"
    for place in ("http://host", "sqlite:////home/me@work/mlflow.db", "results/me@work"):
        assert sources.told(place) == place


def written(searched: list[Searched], out: Path, objectives: str | None = None) -> dict[str, Path]:
    return comparison_report.write(searched, out, parsed(objectives))[1]


def test_every_file_is_written_and_the_page_is_the_same_again(
    seeds: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    searched = [read(place) for place in (seeds[0], seeds[1], seeds[3])]
    assert plot_comparison.main([seeds[0], seeds[1], seeds[3], "--out", str(tmp_path / "once")]) == 0
    once = {path.name: path for path in map(Path, capsys.readouterr().out.splitlines())}
    names = ("compare-fronts", "compare-attainment", "compare-difference", "compare-hypervolume")
    assert set(figure_files(*names)) | {"compare.html"} <= set(once)
    assert once["compare.html"].read_text() == render(compared([seeds[0], seeds[1], seeds[3]]))
    points = pq.read_table(once["compare-points.parquet"])
    assert points.num_rows == sum(len(one.front) for one in searched)
    cells = pq.read_table(once["compare-difference.parquet"]).to_pylist()
    (pair,) = pq.read_table(once["compare-pairs.parquet"]).to_pylist()
    area = sum((one["right"] - one["left"]) * (one["high"] - one["low"]) * one["share"] for one in cells)
    assert area == pytest.approx(pair["difference"], abs=1e-6)
    # A later comparison of single searches leaves no picture of this one's seeds beside it.
    assert set(figure_files("compare-attainment")).isdisjoint(written(searched[1:], tmp_path / "once"))
    assert not (tmp_path / "once" / "compare-attainment.png").exists()


@pytest.mark.parametrize("count", [1, 3])
def test_one_objective_and_three_are_shown_too(study: Callable[..., Study], make: Make, count: int) -> None:
    objectives = (*TRADE, Objective("pgd_accuracy", "max", 0.0))[:count]
    done = compared(
        [
            make(study(name=f"s{seed}-{better}", seed=seed, better=better, objectives=objectives))
            for better in (0, 1)
            for seed in (0, 1)
        ]
    )
    page = render(done)
    assert page.count('class="value') > 2
    assert ("of two objectives at a time" in page) == (count == 3)
    drawn = [draw_fronts(done, ""), draw_surfaces(done, "")]
    assert [len(figure.axes) for figure in drawn] == [count, count]
    assert len(difference_panels(done)) == (3 if count == 3 else 0)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0.7, "Nothing can be said of which is better"),
        (1e308, "Nothing can be said: no study has a trial within the reference"),
        (0.0, "Nothing can be said: no study has a trial within the reference"),
    ],
)
def test_equal_and_endless_scores_still_give_a_page(
    study: Callable[..., Study], make: Make, value: float, told: str
) -> None:
    places = [make(study(name=f"s{better}", better=better), lambda _: value) for better in (0, 1)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        done = compared(places)
        page = render(done)
        draw_fronts(done, "")
        draw_differences(done, "")
        draw_volumes(done, "")
    assert told in page
    assert ">nan<" not in page


def test_the_script_says_in_one_line_what_cannot_be_done(
    seeds: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments, status, code in (
        ([seeds[0], seeds[0], "--out", str(tmp_path)], 2, "COMPARISON_UNFIT: "),
        ([seeds[0], str(tmp_path / "nowhere"), "--out", str(tmp_path)], 3, "STUDY_MISSING: "),
        ([seeds[0], f"sqlite:///{tmp_path}/none.db", "--out", str(tmp_path)], 4, "TRACKING_UNREACHABLE: "),
    ):
        assert plot_comparison.main(arguments) == status
        told = capsys.readouterr().err
        assert told.startswith(code)
        assert told.count("\n") == 1
