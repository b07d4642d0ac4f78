"""Lines are broken where scores are measured in another way, and reduced scores stand in no column of full ones."""

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from analysis import page, records, report
from analysis.arms import Recorded
from analysis.breaks import changes, pieces, told
from analysis.curves import by_epoch
from analysis.front import front
from analysis.panels import panels
from analysis.sweep import sweep
from robustune.ledger import Ledger
from search_spaces.domains import Choice
from search_spaces.study import Budget, Objective, Study

EARLY = {"early_corruption_severities": (3,)}
MCE = (Objective("mce", "min", 1.2), Objective("clean_accuracy", "max", 0.5))
WAYS = {"mce": [(1, "fog at severity 3"), (4, "fog at severities 1 to 5")]}


def test_pieces_lie_on_their_own_side_of_every_break() -> None:
    course = [(float(epoch), 0.1 * epoch) for epoch in range(1, 7)]
    assert pieces(course, ()) == (tuple(course),)
    assert pieces(course, ((4, "a"), (6, "b"))) == (tuple(course[:3]), tuple(course[3:5]), tuple(course[5:]))
    assert pieces(course[:2], ((4, "a"),)) == (tuple(course[:2]),)
    assert pieces([], ((4, "a"),)) == ()


def test_a_change_is_told_with_its_epoch() -> None:
    assert changes(WAYS, "mce", 9) == ((4, "fog at severities 1 to 5"),)
    assert changes(WAYS, "mce", 3) == changes(WAYS, "clean_accuracy", 9) == changes({}, "mce", 9) == ()
    assert told(changes(WAYS, "mce", 9)) == "from epoch 4 on measured in another way: fog at severities 1 to 5"


@pytest.fixture(scope="module")
def reduced(tmp_path_factory: pytest.TempPathFactory, grid_of: Callable[..., Study]) -> Path:
    """A study of four epochs whose mce is a reduced one before the last, with one trial stopped at the second."""
    study = grid_of({"batch_size": Choice((8, 16))}, objectives=MCE, measure=("ce/fog",), options=EARLY)
    folder = tmp_path_factory.mktemp("results") / study.name
    with Ledger.create(folder, study, {}) as ledger:
        for number, last in ((0, 4), (1, 2)):
            ledger.ask(number, {"batch_size": 8 * (number + 1)}, seed=number, attributes={})
            for epoch in range(1, last + 1):
                scores = {"mce": 0.1 if epoch < 4 else 0.9, "clean_accuracy": 0.6, "ce/fog": 1.1}
                end = None if epoch < last else ("complete" if last == 4 else "stopped")
                ledger.report(number, epoch, scores, 4.0, 0.5, None, end)
    return folder


def test_curves_and_sweeps_are_broken_at_the_change_alone(reduced: Path) -> None:
    study, trials, epochs = records.tables(reduced)
    mce, clean = by_epoch(epochs, front(trials, study), study)
    assert (mce.breaks, clean.breaks, clean.note) == ((4,), (), "")
    assert [[len(piece) for piece in line.pieces] for line in mce.lines] == [[2], [3, 1]]
    assert [[len(piece) for piece in line.pieces] for line in clean.lines] == [[2], [4]]
    assert "from epoch 4 on measured in another way" in mce.note
    (column,) = sweep([Recorded(study, trials, epochs)], ["mce", "clean_accuracy"]).columns
    assert [[first for first, _ in panel.breaks] for panel in column.panels] == [[4], []]


def test_a_stopped_trials_reduced_score_is_an_absent_point(reduced: Path) -> None:
    study, trials, epochs = records.tables(reduced)
    assert trials["metrics.mce"].to_pylist() == [0.9, None]
    best = front(trials, study)
    (panel,) = panels(trials, best, study)
    assert [point.trial for point in panel.points] == [0]
    assert panel.beyond == 0
    text = page.render(trials, epochs, best, study)
    assert "1 trial was stopped before its scores could be compared" in text
    assert text.count('data-trials="1"') == 2  # its lines by epoch, of both objectives


def test_a_report_of_it_is_whole(reduced: Path, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        paths = report.write_to(reduced, tmp_path)
    text = paths["report.html"].read_text()
    assert "CE fog" in text
    assert "From epoch 4 on measured in another way" in text
    assert "another way" in paths["knob.svg"].read_text()


def test_one_objective_alone_copes_with_absent_scores(reduced: Path) -> None:
    from dataclasses import replace

    study, trials, epochs = records.tables(reduced)
    alone = replace(study, objectives=MCE[:1], budget=Budget(2, 4))
    best = front(trials, alone)
    assert [point.trial for point in panels(trials, best, alone)[0].points] == [0]
    assert page.render(trials, epochs, best, alone)
