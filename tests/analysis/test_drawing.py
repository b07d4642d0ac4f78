"""What is drawn was computed before: axes hold their points, labels cover nothing, equal trials give equal bytes."""

from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import matplotlib as mpl
import matplotlib.pyplot
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import figure, page, printing, records
from analysis.curves import by_epoch
from analysis.figure_files import figure_files
from analysis.front import front
from analysis.panels import panels, ticks
from analysis.placement import Box, around, place
from search_spaces.study import Study

pixels = st.tuples(st.floats(0, 400), st.floats(0, 300))


@given(st.lists(pixels, max_size=25), st.lists(pixels, max_size=25))
def test_labels_cover_neither_each_other_nor_a_labelled_point(
    points: list[tuple[float, float]], others: list[tuple[float, float]]
) -> None:
    frame, size = Box(0, 0, 400, 300), (18.0, 11.0)
    centres = place(points, [size] * len(points), [around(one, 4) for one in others], frame, 4.0, (1.0, -1.0))
    boxes = [Box(x - 9, y - 5.5, x + 9, y + 5.5) for x, y in (centre for centre in centres if centre)]
    assert not any(one.meets(other) for one, other in combinations(boxes, 2))
    assert not any(box.meets(around(point, 4.0)) for box in boxes for point in points)
    assert all(box.within(frame) for box in boxes)


def test_points_far_apart_are_all_labelled() -> None:
    points = [(40.0 * k + 20, 30.0 * k + 20) for k in range(8)]
    assert all(place(points, [(18.0, 11.0)] * 8, [], Box(0, 0, 400, 300), 4.0, (1.0, 1.0)))


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_ticks_are_few_even_and_within(low: float, span: float) -> None:
    found = ticks(low, low + span)
    assert 1 <= len(found) <= 9
    slack = span * 1e-6 + abs(low) * 1e-9
    assert all(low - slack <= tick <= low + span + slack for tick in found)
    assert np.allclose(np.diff(found, 2), 0, atol=span * 1e-6 + abs(low) * 1e-9)


@pytest.mark.parametrize("objectives", [1, 2, 3])
def test_axes_hold_the_front_and_count_what_lies_beyond(
    search: Callable[..., Path], study_of: Callable[..., Study], objectives: int
) -> None:
    study = study_of(objectives)
    trials = records.trials(search(study))
    best = front(trials, study)
    drawn = panels(trials, best, study)
    assert len(drawn) == {1: 1, 2: 1, 3: 3}[objectives]
    scored = sum(state != "failed" for state in trials["state"].to_pylist())
    for panel in drawn:
        assert [p.trial for p in panel.points if p.kind == "front"]
        assert {p.trial for p in panel.points if p.kind == "front"} == set(best["number"].to_pylist())
        assert len(panel.points) + panel.beyond == scored
        assert all(panel.x.has(p.x) and panel.y.has(p.y) for p in panel.points)
        assert bool(panel.edge) == (objectives < 3)


@pytest.mark.parametrize("objectives", [1, 2, 3])
def test_the_same_trials_give_the_same_bytes(
    search: Callable[..., Path], study_of: Callable[..., Study], tmp_path: Path, objectives: int
) -> None:
    study = study_of(objectives)
    trials = records.trials(search(study))
    settings = dict(mpl.rcParams)
    once, again = tmp_path / "once", tmp_path / "again"
    for folder in (once, again):
        folder.mkdir()
        printing.save(figure.draw_front(trials, front(trials, study), study), folder, "front")
    for name in figure_files("front"):
        assert (once / name).read_bytes() == (again / name).read_bytes()
    assert dict(mpl.rcParams) == settings
    assert matplotlib.pyplot.get_fignums() == []
    said = "".join(ElementTree.parse(once / "front.svg").getroot().itertext())
    assert "Clean accuracy (higher is better)" in said
    assert {p.name for p in once.iterdir()} == set(figure_files("front"))


def test_the_last_bit_of_a_place_changes_no_byte(tmp_path: Path) -> None:
    """The solver of layouts gives such bits as memory happens to lie."""
    drawings, papers = [], []
    for width in (0.8, 0.8 + 2**-50):
        drawn = printing.blank(3, 2)
        drawn.add_axes((0.1, 0.1, width, 0.8)).plot([1, 2])
        paths = printing.save(drawn, tmp_path, "line")
        drawings.append(paths["line.svg"].read_bytes())
        papers.append(paths["line.pdf"].read_bytes())
    assert drawings[0] == drawings[1]
    assert papers[0] == papers[1]
    assert drawings[0].count(b"url(#clip0)") == drawings[0].count(b"url(#") > 0
    assert drawings[0].count(b'id="clip0"') == 1


def test_a_paper_embeds_its_letters_as_outlines_and_names_no_program_and_no_date(tmp_path: Path) -> None:
    drawn = printing.sheet(3, 2)
    printing.head(drawn, "mCE in %")
    said = printing.save(drawn, tmp_path, "title")["title.pdf"].read_bytes()
    assert said.startswith(b"%PDF-")
    assert b"/Subtype /CIDFontType2" in said
    assert b"/FontFile2" in said  # the letters come along
    assert b"/Type3" not in said
    assert not any(word in said for word in (b"CreationDate", b"Producer", b"Creator", b"atplotlib"))
    assert b"/MediaBox [ 0 0 216 144 ]" in said  # 72 points an inch


@pytest.mark.parametrize("description", ["$x^", "<script>", "a" * 300, "$\\frac{1}{0}$", ""])
def test_any_description_can_be_drawn(
    search: Callable[..., Path], study_of: Callable[..., Study], tmp_path: Path, description: str
) -> None:
    from dataclasses import replace

    study = replace(study_of(trials=3), description=description)
    trials = records.trials(search(study))
    drawn = figure.draw_front(trials, front(trials, study), study)
    path = printing.save(drawn, tmp_path, "front")["front.svg"]
    assert ElementTree.parse(path).getroot().tag.endswith("svg")


def test_a_search_without_an_ended_trial_can_be_drawn(
    study_of: Callable[..., Study], search: Callable[..., Path]
) -> None:
    study = study_of(3)
    trials = records.trials(search(study)).slice(0, 0)
    for count in (1, 2, 3):
        drawn = study_of(count)
        assert figure.draw_front(trials, front(trials, drawn), drawn).axes


def test_many_objectives_are_drawn_in_rows_and_not_in_one_endless_one(
    study_of: Callable[..., Study], search: Callable[..., Path]
) -> None:
    from dataclasses import replace

    study = study_of(3, trials=4)
    trials = records.trials(search(study))
    again = tuple(replace(one, reference=0.1) for one in study.objectives[:2])
    drawn = figure.draw_front(trials, front(trials, study), replace(study, objectives=(*study.objectives, *again)))
    width, height = drawn.get_size_inches()
    assert sum(axes.axison for axes in drawn.axes) == 10
    assert width < 16 < height


def test_one_exploding_epoch_flattens_no_curve(study_of: Callable[..., Study], search: Callable[..., Path]) -> None:
    study = study_of(2, trials=6)
    _, trials, epochs = records.tables(search(study))
    place = epochs.column_names.index("metrics.mce")
    scores = epochs["metrics.mce"].to_pylist()
    best = front(trials, study)
    calm = by_epoch(epochs, best, study)[1].y
    wild = epochs.set_column(place, "metrics.mce", pa.array([1e9, *scores[1:]]))
    assert by_epoch(wild, best, study)[1].y.high <= calm.high
    assert len(by_epoch(wild, best, study)[1].lines) == len(by_epoch(epochs, best, study)[1].lines)


@pytest.mark.parametrize(("count", "words"), [(1, ("Best so far", "best")), (2, ("Front", "front"))])
def test_the_front_of_one_objective_is_called_its_best_trials(
    search: Callable[..., Path], study_of: Callable[..., Study], count: int, words: tuple[str, str]
) -> None:
    study = study_of(count, trials=6)
    _, trials, epochs = records.tables(search(study))
    best = front(trials, study)
    drawn = figure.draw_front(trials, best, study)
    assert words[1] in [text.get_text() for text in drawn.legends[0].get_texts()]
    text = page.render(trials, epochs, best, study)
    assert f"<h2>{words[0]}</h2>" in text
    assert ("Hypervolume" in text) == (count > 1)
