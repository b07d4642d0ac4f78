from typing import Any

import pytest

from trainables import preparation
from trainables.errors import TrainableError
from trainables.laws import fragments
from trainables.optimizers import learning_rate
from trainables.registry import load_advice, vocabulary
from trainables.segmentation.options import ARCHITECTURE, LOSSES, SegmentationOptions, read
from trainables.segmentation.vocabulary import METRICS, UNDER_NOISE


def plan(**told: Any) -> Any:
    wanted = {"data": "embedded-scenes", "options": {}, "possible": {}, "metrics": ("miou",), "seed": 0} | told
    return preparation.plan("segmentation", **wanted)


def test_what_the_options_offer_is_what_the_parts_know() -> None:
    from dataclasses import fields

    from trainables.segmentation.objective import ADDED
    from trainables.unet3plus import ENCODERS, Architecture

    laws = fragments(SegmentationOptions)
    assert sorted(laws["encoder"]["enum"]) == sorted(ENCODERS)
    assert tuple(ADDED) == LOSSES
    assert tuple(field.name for field in fields(Architecture)) == ARCHITECTURE
    same = Architecture()
    assert {name: laws[name]["default"] for name in ARCHITECTURE} == {
        name: getattr(same, name) for name in ARCHITECTURE
    }


@pytest.mark.parametrize(
    ("plain", "says"),
    [
        ({"noise_scale": -0.1}, "noise_scale: -0.1 is not at least 0"),
        ({"noise_clip": 0.0}, "noise_clip: 0.0 is not above 0"),
        ({"noise_targets": ["dense"]}, "noise_targets: 'dense' is none of conv, batch_norm, norm, linear"),
        ({"evaluation_noise_names": ["a*", "a*"]}, "evaluation_noise_names: .* names a pattern twice"),
        ({"noise_targets": ["conv", "conv"]}, "names a layer twice"),
        ({"encoder": "unet", "stem": "small"}, "stem: it shapes ResNets"),
        ({"encoder": "unet", "start": "pretrained"}, "no weights are published"),
        ({"encoder_width": 16, "start": "pretrained"}, "encoder_width 64"),
        ({"start": "checkpoint"}, "checkpoint_path"),
        ({"evaluation_noise": "matched", "evaluation_noise_scale": 0.2}, "evaluation_noise_scale: .*leave it out"),
        ({"unfrozen_layers": 6}, "unfrozen_layers"),
    ],
)
def test_a_broken_law_is_named(plain: dict[str, Any], says: str) -> None:
    with pytest.raises(TrainableError, match=says) as caught:
        read(plain)
    assert caught.value.code == "OPTION_INVALID"


def test_how_trials_are_scored_is_fixed_and_how_they_train_is_not() -> None:
    laws = fragments(SegmentationOptions)
    fixed = {name for name, law in laws.items() if law.get("fixed")}
    assert {name for name in laws if name.startswith("evaluation_")} < fixed
    assert not {name for name in laws if name.startswith("noise_")} & fixed


def test_rates_of_closed_form() -> None:
    for schedule, quarter, half in (("constant", 0.2, 0.2), ("cosine", 0.1 + 0.1 * 0.5**0.5, 0.1)):
        options = read({"schedule": schedule, "learning_rate": 0.2})
        assert learning_rate(options, 0.0) == 0.2
        assert learning_rate(options, 0.25) == pytest.approx(quarter)
        assert learning_rate(options, 0.5) == pytest.approx(half)
    options = read({"schedule": "poly", "learning_rate": 0.2})
    assert [learning_rate(options, share) for share in (0.0, 0.5, 1.0)] == [0.2, 0.2 * 0.5**0.9, 0.0]


def test_the_plan_is_the_data_and_each_start_once() -> None:
    assert [step.name for step in plan()] == ["data"]
    options = {"checkpoint_path": "/a/b", "encoder_width": 64}
    steps = plan(options=options, possible={"start": ["scratch", "pretrained", "checkpoint"]}, hold_out=True)
    assert [(step.name, step.kind) for step in steps[1:]] == [
        ("checkpoint", "segmentation-start"),
        ("pretrained", "segmentation-start"),
    ]
    assert steps[1].places == {"path": "/a/b"}
    assert len(plan(options={"start": "pretrained"}, possible={"decoder_width": [8, 16]})) == 2
    for start, shape in (("pretrained", "encoder"), ("checkpoint", "decoder_width")):
        told = {"start": start, "checkpoint_path": "/a/b"}
        with pytest.raises(TrainableError, match=f"'{start}' fits one architecture, {shape} is searched"):
            plan(options=told, possible={shape: ["resnet18", "resnet34"] if shape == "encoder" else [8, 16]})
    with pytest.raises(TrainableError) as caught:
        plan(metrics=("clean_accuracy",))
    assert caught.value.code == "METRIC_UNKNOWN"


def test_data_sets_of_the_two_trainers_are_told_apart() -> None:
    told = vocabulary("segmentation")
    assert "embedded-scenes" in told["data"]
    assert "classification" in told["not_data"]["embedded-digits"]
    assert "segmentation" in vocabulary("classification")["not_data"]["embedded-scenes"]


def test_scores_under_matched_noise_come_with_advice() -> None:
    advice = load_advice("segmentation")
    assert set(UNDER_NOISE) < set(METRICS)
    assert advice({}, {}, tuple(METRICS)) == []
    assert advice({"evaluation_noise": "matched"}, {}, ("miou",)) == []
    (line,) = advice({"evaluation_noise": "matched"}, {}, ("miou", "noisy_miou"))
    assert line.startswith("noisy_miou: ")
