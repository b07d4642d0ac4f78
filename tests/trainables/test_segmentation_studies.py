"""The shipped studies of weight noise in segmentation hold what they promise, before anything is trained."""

import pytest

from search_spaces import read_study, shipped
from trainables.registry import vocabularies
from trainables.segmentation.options import read


def test_the_search_varies_all_of_the_noise_and_scores_it_alike() -> None:
    study = read_study(shipped()["weight-noise"], vocabularies())
    knobs = {"noise_scale", "noise_clip", "noise_targets", "noise_draw", "noise_gradient"}
    assert knobs | {"learning_rate", "batch_size", "unfrozen_layers"} <= set(study.space)
    assert [objective.metric for objective in study.objectives] == ["miou", "noisy_miou"]
    assert read(study.options).evaluation_noise == "fixed"


def test_the_curve_has_three_nets_at_six_scales_or_more_each_scored_under_its_own() -> None:
    study = read_study(shipped()["weight-noise-curve"], vocabularies())
    scales = study.space["noise_scale"].points
    assert scales is not None
    assert len(set(scales)) >= 6
    assert 0 in scales
    assert study.budget.trials == 3 * len(scales)
    assert study.sampler.name == "grid"
    assert read(study.options).evaluation_noise == "matched"


def test_corruption_is_a_third_objective_of_the_same_search() -> None:
    names = ("weight-noise", "weight-noise-and-corruption")
    plain, more = (read_study(shipped()[name], vocabularies()) for name in names)
    assert more.space == plain.space
    assert dict(plain.options).items() <= dict(more.options).items()
    assert [objective.metric for objective in more.objectives] == ["miou", "noisy_miou", "corrupted_miou"]


@pytest.mark.parametrize("name", ["weight-noise", "weight-noise-curve", "weight-noise-curve-perturbed"])
def test_both_are_scored_on_the_same_images(name: str) -> None:
    study = read_study(shipped()[name], vocabularies())
    assert read(study.options).evaluation_noise_images == 0
