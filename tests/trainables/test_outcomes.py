"""The mean over sources of what a net scored is its score, and its spread is what images do to the score."""

import math

import numpy as np
import pytest
import torch

from trainables.classification.corruption_outcomes import Cells, corruption_values
from trainables.corruption_errors import ErrorTable
from trainables.corruption_scores import corruption_errors, mce, relative_mce
from trainables.outcomes import Measured, by_source, deviation_values, ratio_values
from trainables.segmentation.confusion import confusion, largest_predicted_share, mean_iou, pixel_accuracy
from trainables.segmentation.outcomes import clean_values, iou_values

NAMES = ("gaussian_noise", "fog", "spatter")


def test_the_mean_over_sources_is_the_mean_over_images_whatever_their_sizes() -> None:
    draws = np.random.default_rng(0)
    values, sources = draws.random(50), [f"digit:{number}" for number in draws.integers(0, 7, 50)]
    numbers, sums = by_source(Measured(values, sources))
    assert len(numbers) == len(set(sources))
    assert sums.mean() == pytest.approx(values.mean(), rel=1e-12)


def test_the_spread_over_sources_is_that_of_the_score_where_some_have_more_images_than_others() -> None:
    """Against what is drawn anew: 4,000 samples of 120 sources of one to four images, easy or hard together."""
    draws = np.random.default_rng(5)

    def sample() -> Measured:
        sizes = draws.integers(1, 5, 120)
        ease = np.repeat(draws.beta(4.0, 1.0, 120), sizes)
        sources = [f"photograph:{number}" for number in np.repeat(np.arange(120), sizes)]
        return Measured((draws.random(len(ease)) < ease).astype(np.float64), sources)

    scores = [sample().values.mean() for _ in range(4000)]
    told = [by_source(sample())[1].std(ddof=1) / math.sqrt(120) for _ in range(100)]
    assert np.mean(told) == pytest.approx(np.std(scores, ddof=1), rel=0.05)


def test_a_net_that_is_always_right_is_surely_so_whatever_its_sources_have() -> None:
    _, values = by_source(Measured(np.ones(5), ["a", "b", "b", "b", "c"]))
    np.testing.assert_allclose(values, 1.0, rtol=1e-12)


def test_a_source_has_one_number_in_any_order_and_beside_any_others() -> None:
    first, _ = by_source(Measured(np.ones(3), ["a", "b", "c"]))
    second, _ = by_source(Measured(np.ones(2), ["c", "a"]))
    assert set(second) < set(first)
    with pytest.raises(ValueError, match="no image"):
        by_source(Measured(np.empty(0), []))


def test_the_mean_of_linearised_ratios_is_the_ratio_of_sums() -> None:
    draws = np.random.default_rng(1)
    parts, wholes = draws.random((4, 30)), 0.1 + draws.random((4, 30))
    wanted = (parts.sum(1) / wholes.sum(1)).mean()
    assert ratio_values(parts, wholes).mean() == pytest.approx(wanted, rel=1e-12)
    with pytest.raises(ValueError, match="not above zero"):
        ratio_values(parts, np.zeros((4, 30)))


def test_the_spread_of_linearised_ratios_is_that_of_the_score_over_samples_of_images() -> None:
    """Against what is drawn anew: 4,000 samples of 200 images of one population."""
    draws = np.random.default_rng(2)

    def sample() -> tuple[np.ndarray, np.ndarray]:
        wholes = draws.gamma(2.0, size=(3, 200))
        return wholes * draws.beta(2.0, 1.0, size=(3, 200)), wholes

    scores = [ratio_values(*sample()).mean() for _ in range(4000)]
    told = [ratio_values(*sample()).std(ddof=1) / math.sqrt(200) for _ in range(40)]
    assert np.mean(told) == pytest.approx(np.std(scores, ddof=1), rel=0.05)


def test_the_mean_of_linearised_deviations_is_the_deviation_of_the_draws() -> None:
    draws = np.random.default_rng(3).random((6, 40))
    assert deviation_values(draws).mean() == pytest.approx(draws.mean(1).std(ddof=1), rel=1e-12)
    assert not deviation_values(draws[:1]).any()
    assert not deviation_values(np.repeat(draws[:1], 3, 0)).any()


def test_the_linearised_deviation_is_the_derivative_by_the_weight_of_an_image() -> None:
    draws = np.random.default_rng(4).random((5, 30))
    told, small = deviation_values(draws) - draws.mean(1).std(ddof=1), 1e-6
    for image in (0, 17):
        weights = np.full(30, (1 - small) / 30)
        weights[image] += small
        slope = ((draws @ weights).std(ddof=1) - draws.mean(1).std(ddof=1)) / small
        assert slope == pytest.approx(told[image], abs=1e-4)


def a_net(seed: int, images: int = 60) -> Cells:
    draws = torch.Generator().manual_seed(seed)
    clean = torch.rand(images, generator=draws) < 0.2
    return Cells(NAMES, clean, torch.rand(3, 5, images, generator=draws) < 0.5)


def table_of(cells: Cells) -> ErrorTable:
    rates = cells.cells.double().mean(2)
    return ErrorTable(cells.corruptions, (1, 2, 3, 4, 5), rates, float(cells.clean.double().mean()))


def test_values_under_corruptions_average_to_the_scores_of_error_tables() -> None:
    own, baseline = a_net(0), a_net(1)
    metrics = ("mce", "relative_mce", "mce_without_overlap", "ce/fog", "ce/weather")
    told = corruption_values(own, baseline, metrics, seen=("spatter",), overlap=("fog",))
    mine, other = table_of(own), table_of(baseline)
    unseen = ("spatter",)
    wanted = {
        "mce_all": mce(mine, other),
        "mce_unseen": mce(mine, other, unseen),
        "mce": mce(mine, other, unseen),
        "relative_mce": relative_mce(mine, other, unseen),
        "mce_without_overlap": mce(mine, other, ("spatter", "fog")),
        "ce/fog": corruption_errors(mine, other)["fog"],
        "ce/weather": corruption_errors(mine, other)["fog"],
    }
    assert {metric: float(values.mean()) for metric, values in told.items()} == pytest.approx(wanted, rel=1e-9)


def test_the_baseline_scores_one_on_every_image() -> None:
    baseline = a_net(1)
    for values in corruption_values(baseline, baseline, ("mce", "relative_mce"), (), ()).values():
        np.testing.assert_allclose(values, 1.0)


def test_where_the_search_saw_every_corruption_its_scores_are_over_all_of_them() -> None:
    told = corruption_values(a_net(0), a_net(1), ("mce",), NAMES, ())
    np.testing.assert_array_equal(told["mce"], told["mce_all"])


def test_a_flawless_baseline_takes_its_corruption_out_and_leaves_no_score_where_none_is_left() -> None:
    own, baseline = a_net(0), a_net(1)
    perfect = Cells(NAMES, baseline.clean, baseline.cells.clone())
    perfect.cells[1] = False
    told = corruption_values(own, perfect, ("ce/fog",), (), ())
    assert "ce/fog" not in told
    assert told["mce_all"].mean() == pytest.approx(mce(table_of(own), table_of(perfect), ("fog",)), rel=1e-9)


def test_values_of_segmentation_average_to_the_scores_of_the_summed_matrix() -> None:
    draws = torch.Generator().manual_seed(0)
    masks = torch.randint(0, 4, (12, 8, 8), generator=draws)
    said = torch.where(torch.rand(12, 8, 8, generator=draws) < 0.6, masks, torch.randint(0, 4, masks.shape))
    masks[0, :2] = 255  # pixels that count nowhere
    counts = torch.stack([confusion(one, mask, 5) for one, mask in zip(said, masks, strict=True)])
    whole, values = counts.sum(0), clean_values(counts)
    assert values["miou"].mean() == pytest.approx(mean_iou(whole), rel=1e-12)
    assert iou_values(counts).mean() == pytest.approx(mean_iou(whole), rel=1e-12)
    assert values["pixel_accuracy"].mean() == pytest.approx(pixel_accuracy(whole), rel=1e-12)
    assert values["largest_class_share"].mean() == pytest.approx(largest_predicted_share(whole), rel=1e-12)
