"""In which ways scores under corruption are measured, and what a study is told of them: words, without torch."""

import subprocess
import sys
from typing import Any

import pytest

from trainables.classification.measured import advice, corruptions_of, measured, way
from trainables.classification.overlaps import overlap_of, trained_with
from trainables.classification.vocabulary import UNDER_CORRUPTION
from trainables.corruption_cells import Way
from trainables.corruption_options import CorruptionOptions
from trainables.corruption_overlaps import EXTRA, OVERLAPS

EARLY = {"early_corruptions": ["spatter"], "early_corruption_severities": [5, 1, 3]}


def test_the_words_are_of_corruptions_severities_and_constants() -> None:
    extra = "speckle_noise, gaussian_blur, spatter, saturate at severities 1 to 5; constants imagenet-c"
    assert measured({}, ("clean_accuracy", "mce"), 9) == {"mce": [(1, extra)]}
    told = measured({**EARLY, "corruption_constants": "cifar-10-c"}, ("mce",), 9)
    last = extra.replace("imagenet-c", "cifar-10-c")
    assert told == {"mce": [(1, "spatter at severities 1, 3, 5; constants cifar-10-c"), (9, last)]}
    assert measured({**EARLY, "corruption_severities": [1, 3, 5]}, ("ce/fog",), 9) == {
        "ce/fog": [(1, "fog at severities 1, 3, 5; constants imagenet-c")]
    }
    (only,) = measured({"corruption_images": 200, "corruption_severities": [3]}, ("mce_without_overlap",), 2).values()
    assert only == [(1, extra.replace("severities 1 to 5", "severity 3") + "; first 200 images; without overlap")]


def test_a_trial_of_one_epoch_is_measured_in_full() -> None:
    ((start, words),) = measured(EARLY, ("mce",), 1)["mce"]
    assert (start, "saturate at severities 1 to 5" in words) == (1, True)


def test_the_order_in_which_a_study_names_things_changes_nothing() -> None:
    turned = {"corruptions": list(EXTRA[::-1]), "corruption_severities": [5, 4, 3, 2, 1]}
    assert measured(turned, UNDER_CORRUPTION, 3) == measured({}, UNDER_CORRUPTION, 3)


def test_a_named_corruption_or_group_is_measured_in_every_epoch_at_the_severities_of_that_epoch() -> None:
    options = CorruptionOptions(early_corruptions=("spatter",), early_corruption_severities=(2,))
    assert way(options, "ce/fog", last=False) == Way(("fog",), (2,))
    assert way(options, "ce/weather", last=True) == Way(("snow", "frost", "fog", "brightness"), (1, 2, 3, 4, 5))
    assert way(options, "mce", last=False) == way(options, "relative_mce", last=False) == Way(("spatter",), (2,))
    assert corruptions_of(options, ("clean_accuracy",)) == ()
    assert corruptions_of(options, ("ce/fog",)) == ("fog",)
    assert corruptions_of(options, ("ce/fog", "mce")) == ("fog", *EXTRA)


@pytest.mark.parametrize(
    ("options", "possible", "names"),
    [
        ({}, {}, ()),
        ({"transform": "augmix"}, {"transform": ["crop_flip"]}, ("crop_flip",)),
        ({"augmix_overlapping": True}, {}, ()),
        ({"transform": "augmix"}, {"augmix_overlapping": [False, True]}, ("augmix", *list(OVERLAPS)[2:6])),
        ({"extra_sets": ["stylised"]}, {"fooling_rates": [5, 20]}, ("fooling", "stylised")),
        ({"generation_size": 16}, {}, ()),
        ({"generation_size": 16, "fooling_rates": [5]}, {}, ("fooling", "fooling/generation_size")),
        ({}, {"extra_sets": [[], ["gaussian", "pixel"]]}, ("gaussian", "pixel")),
        ({"noise_scale": 0.1}, {}, ("weight_noise",)),
        ({"extra_share": 0.0, "fooling_rates": [5]}, {"extra_sets": ["gaussian"]}, ()),
        ({"fooling_rates": [5]}, {"extra_share": [0.0, 0.5]}, ("fooling",)),
    ],
)
def test_what_some_trial_may_train_with_is_known(options: Any, possible: Any, names: tuple[str, ...]) -> None:
    assert trained_with(options, possible) == names
    assert set(names) <= set(OVERLAPS)


def test_a_study_that_overlaps_nothing_and_sees_the_extra_ones_alone_gets_no_advice() -> None:
    assert advice({"extra_sets": ["pixel"]}, {}, ("mce",)) == []
    assert advice({"extra_sets": ["gaussian"], "corruptions": ["fog"]}, {}, ("clean_accuracy",)) == []


def test_advice_names_what_resembles_what_and_why_and_what_the_search_sees() -> None:
    (line,) = advice({}, {"extra_sets": ["gaussian"]}, ("mce",))
    assert line == (
        "trials may train with 'gaussian', which resembles speckle_noise, and scores count that: starts from normal "
        "noise in every pixel, as they do; mce_without_overlap leaves them out"
    )
    (line,) = advice({}, {"extra_sets": ["gaussian"]}, ("mce", "mce_without_overlap"))
    assert "leaves" not in line
    (seen,) = advice({}, {}, ("mce", "ce/fog"))
    assert seen.startswith("the search sees fog: ")
    assert len(advice({"fooling_rates": [5], "generation_size": 8}, {}, ("ce/blur", "mce"))) == 2


def test_overlap_gives_the_cause_and_the_reason() -> None:
    assert overlap_of({"extra_sets": ["pixel"]}, {}) == {"impulse_noise": {"pixel": OVERLAPS["pixel"].reason}}


def test_ways_and_advice_need_no_torch() -> None:
    script = "import sys; sys.modules['torch'] = None; from trainables.classification.measured import advice, measured"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_corrupted_test_set_that_nothing_is_measured_on_is_told() -> None:
    (told,) = advice({"corruption_test_data": "imagenet-c"}, {}, ["clean_accuracy"])
    assert told.startswith("corruption_test_data = 'imagenet-c' is not used")
    assert not advice({"corruption_test_data": "imagenet-c"}, {}, ["clean_accuracy", "mce"])
