"""Promise and confirmation over two objectives: whose edges they are, one way for each trial, links to the trials."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pyarrow as pa
import pytest

from analysis import records
from analysis.confirmation import Confirmation
from analysis.confirmation_plane_chart import plane_chart
from analysis.confirmation_plane_figure import draw_planes
from analysis.confirmation_planes import Plane, planes
from analysis.front import front, scores, staircase
from search_spaces.study import Study


@pytest.fixture(scope="module")
def trials(made_up: Path) -> pa.Table:
    return records.trials(made_up)


@pytest.fixture
def drawn(trials: pa.Table, study_of: Callable[..., Study], confirmation_of: Callable[..., Confirmation]) -> Plane:
    study = study_of()
    last = front(trials, study)["number"].to_pylist()[-1]
    (plane,) = planes(confirmation_of(trials, study, fallen=[last]), study)
    return plane


def test_the_searched_edge_is_that_of_the_front_and_the_confirmed_one_leaves_out_who_fell(
    drawn: Plane, trials: pa.Table, study_of: Callable[..., Study]
) -> None:
    study = study_of()
    members = front(trials, study)
    assert drawn.searched == tuple(map(tuple, staircase(scores(members, study), study.objectives).tolist()))
    fell = members["number"].to_pylist()[-1]
    corners = set(drawn.confirmed)
    for way in drawn.ways:
        assert ((way.x.mean, way.y.mean) in corners) == (way.trial != fell)


def test_every_trial_has_a_link_that_says_its_scores_and_both_of_its_marks(drawn: Plane) -> None:
    svg = ElementTree.fromstring(plane_chart(drawn, "plane-0"))
    links = {link.get("href"): link for link in svg.iter("a")}
    assert set(links) == {f"#trial-{way.trial}" for way in drawn.ways}
    for way in drawn.ways:
        link = links[f"#trial-{way.trial}"]
        assert [mark.get("class") for mark in link.iter("circle")] == ["promise", "mean"]
        assert link.get("aria-label", "").startswith(f"Trial {way.trial}, ")


def test_the_figure_names_both_fronts_and_draws_a_label_for_each_trial(drawn: Plane) -> None:
    figure = draw_planes([drawn], "a study")
    told = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    assert {"searched front", "confirmed front", "promised by the search", "fell from the front"} <= set(told)
    assert {text.get_text() for text in figure.axes[0].texts} == {str(way.trial) for way in drawn.ways}


def test_three_objectives_have_three_planes_without_edges_and_one_objective_none(
    trials: pa.Table, study_of: Callable[..., Study], confirmation_of: Callable[..., Confirmation]
) -> None:
    study = study_of()
    first, second = study.objectives
    three = replace(study, objectives=(first, second, first))
    found = confirmation_of(trials, study)
    assert [(plane.searched, plane.confirmed) for plane in planes(found, three)] == [((), ())] * 3
    assert planes(found, replace(study, objectives=(first,))) == ()
