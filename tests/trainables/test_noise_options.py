"""The options of weight noise that both trainers share, and what they refuse before anything trains."""

import dataclasses
from typing import Any

import pytest
import torchvision.models as zoo

from trainables import preparation
from trainables.architectures import MODELS, NOISE_LAYERS, layers_of
from trainables.classification.options import ClassificationOptions
from trainables.errors import TrainableError
from trainables.laws import fragments
from trainables.noise_options import NOISE_BY_DEFAULT, NOISE_MAXIMA, ScoredNoiseOptions
from trainables.noise_reach import reaches
from trainables.preparation import Step
from trainables.registry import load_advice
from trainables.segmentation.options import SegmentationOptions
from trainables.training_options import TrainingOptions

NOISY = ("clean_accuracy", "weight_noise_accuracy")
DATA = {"classification": "embedded-digits", "segmentation": "embedded-scenes"}


def plan(trainer: str = "classification", **told: Any) -> tuple[Step, ...]:
    metrics = NOISY[:1] if trainer == "classification" else ("miou",)
    wanted = {"data": DATA[trainer], "options": {}, "possible": {}, "metrics": metrics, "seed": 0} | told
    return preparation.plan(trainer, **wanted)


def refusal(*arguments: Any, **told: Any) -> str:
    with pytest.raises(TrainableError) as caught:
        plan(*arguments, **told)
    assert caught.value.code == "OPTION_INVALID"
    return str(caught.value)


@pytest.mark.parametrize("shared", [ScoredNoiseOptions, TrainingOptions])
def test_both_trainers_have_the_shared_options_with_one_law(shared: type) -> None:
    own = {"batch_size", "schedule", "evaluation_noise_images"}  # the default of these is each trainer's own
    for options in (ClassificationOptions, SegmentationOptions):
        laws, common = fragments(options), fragments(shared)
        assert {name: laws[name] for name in common if name not in own} == {
            name: law for name, law in common.items() if name not in own
        }
        for name in own & set(common):
            different = {"default", "description"}
            assert {key: laws[name][key] for key in common[name] if key not in different} == {
                key: law for key, law in common[name].items() if key not in different
            }


def test_what_the_options_offer_is_what_the_noise_knows() -> None:
    from trainables.perturbations.noise_draws import MAXIMA
    from trainables.perturbations.noise_targets import LAYERS, Targets
    from trainables.perturbations.weight_noise import GRADIENTS

    laws = fragments(ScoredNoiseOptions)
    assert tuple(laws["noise_gradient"]["enum"]) == GRADIENTS
    assert NOISE_MAXIMA == MAXIMA
    assert NOISE_LAYERS == LAYERS
    assert Targets() == Targets(NOISE_BY_DEFAULT, tuple(laws["noise_names"]["default"]))


@pytest.mark.parametrize(
    ("trainer", "options", "says"),
    [
        (
            "segmentation",
            {"noise_targets": ["conv", "linear"]},
            "noise_targets: 'linear' reaches no weight of UNet3+, which has conv, batch_norm, norm; set "
            'noise_targets = ["conv"]',
        ),
        ("segmentation", {"evaluation_noise_targets": ["linear"]}, 'set evaluation_noise_targets = ["conv", '),
        (
            "classification",
            {"model": "vit_b_16", "noise_scale": 0.1},
            "noise_targets: 'batch_norm' reaches no weight of vit_b_16, which has conv, norm, linear; set "
            'noise_targets = ["linear"]',
        ),
        ("classification", {"model": "swin_t", "noise_targets": ["conv", "batch_norm"]}, '["linear"]'),
        ("classification", {"model": "squeezenet1_1", "noise_scale": 0.1}, 'set noise_targets = ["conv"]'),
    ],
)
def test_a_target_that_no_network_has_is_refused_with_what_would_do(
    trainer: str, options: dict[str, Any], says: str
) -> None:
    assert says in refusal(trainer, options=options)


def test_a_range_of_scales_and_a_score_under_noise_want_targets_and_no_noise_wants_none() -> None:
    assert "noise_targets" in refusal(options={"model": "vit_b_16"}, possible={"noise_scale": [0.0, 0.2]})
    assert "evaluation_noise_targets" in refusal(options={"model": "vit_b_16"}, metrics=NOISY)
    assert [step.name for step in plan(options={"model": "vit_b_16"})] == ["data"]
    with_none = {"model": "vit_b_16", "noise_scale": 0.1, "noise_targets": []}
    assert [step.name for step in plan(options=with_none)] == ["data"]
    matched = {"model": "vit_b_16", "noise_scale": 0.1, "noise_targets": ["linear"], "evaluation_noise": "matched"}
    assert [step.name for step in plan(options=matched, metrics=NOISY)] == ["data"]


def test_among_searched_networks_a_target_may_be_of_one_but_each_needs_some() -> None:
    both = {"model": ["resnet18", "vit_b_16"]}
    assert plan(options={"noise_scale": 0.1, "noise_targets": ["batch_norm", "linear"]}, possible=both)
    said = refusal(options={"noise_scale": 0.1, "noise_targets": ["batch_norm"]}, possible=both)
    assert "'batch_norm' reaches no weight of vit_b_16" in said
    assert plan(options={"noise_scale": 0.1}, possible={**both, "noise_targets": ["conv", "batch_norm", "linear"]})


def test_reach_is_all_that_some_trial_may_ask_for() -> None:
    (found,) = reaches(
        {"noise_names": ["a*"]}, {"noise_targets": ["conv", "linear"], "noise_scale": [0.0, 0.1]}, under_noise=False
    )
    assert dataclasses.astuple(found) == ("noise", ("conv", "linear"), ("a*",))
    assert [each.prefix for each in reaches({"noise_scale": 0.1}, {}, under_noise=True)] == [
        "noise",
        "evaluation_noise",
    ]
    assert reaches({"evaluation_noise_scale": 0.0}, {}, under_noise=True) == ()


@pytest.mark.parametrize("trainer", DATA)
def test_names_are_held_against_the_networks_by_a_step_of_their_own(trainer: str) -> None:
    step = plan(trainer, options={"noise_names": ["layer4*"]})[-1]
    assert (step.name, step.kind, step.after) == ("noise-targets", f"{trainer}-noise-targets", ("data",))
    assert step.arguments["asked"] == [{"prefix": "noise", "targets": ("conv", "batch_norm"), "names": ("layer4*",)}]


def test_the_step_counts_weights_or_says_which_pattern_matches_none(data: str, store_root: str, build_all: Any) -> None:
    thin = {"width": 4, "stem": "small", "noise_scale": 0.1}
    steps = plan(options={**thin, "noise_names": ["layer1*", "fc*"], "noise_targets": ["conv", "linear"]})
    built = build_all(steps, {"data": data})
    assert built.summaries["noise-targets"]["noise"] == {"resnet18": 5}
    steps = plan(options={**thin, "noise_names": ["layer1*", "layer9.*.weight"]})
    with pytest.raises(TrainableError) as caught:
        build_all(steps, {"data": data})
    assert caught.value.code == "OPTION_INVALID"
    assert str(caught.value).startswith(
        "noise_names: 'layer9.*.weight' matches no weight of these layers ('conv', 'batch_norm') in resnet18; "
    )


@pytest.mark.parametrize("depths", [[4, 0], [0, 4]])
def test_each_searched_depth_is_looked_into_the_published_one_too(depths: list[int]) -> None:
    thin = {"model": "vit_b_16", "width": 4, "noise_targets": ["linear"], "noise_names": ["*layer_11*"]}
    nets = plan(options=thin, possible={"depth": depths})[-1].arguments["nets"]
    assert {name: net.get("depth", 0) for name, net in nets.items()} == {"vit_b_16": 0, "vit_b_16 of depth 4": 4}


def test_the_networks_of_unet3plus_are_searched_by_name_too(sets: Any, store: Any, build_all: Any) -> None:
    thin = {"encoder_width": 4, "decoder_width": 1, "noise_scale": 0.1, "stem": "strided"}
    encoders = {"encoder": ["resnet18", "resnet34"]}
    steps = plan("segmentation", options={**thin, "noise_names": ["encoder.*", "*layer1.2*"]}, possible=encoders)
    built = build_all(steps, {"data": sets["masked"]})
    counts = built.summaries["noise-targets"]["noise"]
    assert counts["UNet3+ of resnet18"] < counts["UNet3+ of resnet34"]
    steps = plan("segmentation", options={**thin, "noise_names": ["decoder.*"]}, possible=encoders)
    with pytest.raises(TrainableError, match=r"noise_names: 'decoder\.\*' matches no weight"):
        build_all(steps, {"data": sets["masked"]})


FAMILIES = ("resnet18", "squeezenet1_1", "mnasnet0_5", "shufflenet_v2_x0_5", "mobilenet_v3_small", "vit_b_32")


@pytest.mark.parametrize(
    "model", [*FAMILIES, *(pytest.param(model, marks=pytest.mark.slow) for model in MODELS if model not in FAMILIES)]
)
def test_the_layers_that_are_told_without_torch_are_those_of_the_network(model: str) -> None:
    import torch

    from trainables.perturbations.noise_targets import Targets, reached

    if model.startswith("regnet") and not model.endswith("400mf"):
        pytest.skip("this family cannot be built without memory, and its largest net has 600 million weights")
    without = {"aux_logits": False, "init_weights": False} if model in ("googlenet", "inception_v3") else {}
    with torch.device("cpu" if model.startswith("regnet") else "meta"):
        net = zoo.get_model(model, weights=None, **without)
    found = tuple(layer for layer in NOISE_LAYERS if reached(net, Targets((layer,))))
    assert layers_of(model) == found


@pytest.mark.parametrize(("trainer", "metric"), [("classification", NOISY[1]), ("segmentation", "noisy_miou")])
def test_scores_under_matched_noise_come_with_advice_in_both_trainers(trainer: str, metric: str) -> None:
    advice = load_advice(trainer)
    assert advice({}, {}, (metric,)) == []
    (line,) = advice({"evaluation_noise": "matched"}, {}, (metric,))
    assert line.startswith(f"{metric}: with evaluation_noise = 'matched'")
