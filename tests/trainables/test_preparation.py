import json
from pathlib import Path
from typing import Any

import pytest

from trainables.data.store import Store
from trainables.errors import TrainableError
from trainables.preparation import Step, plan, run_step, step_address
from trainables.registry import trainer_names, vocabulary

PERTURBED = ("perturbed_training_accuracy", "perturbed_validation_accuracy")
BARE = {"width": 64, "stem": "imagenet"}  # as published weights are
FILES = {"checkpoint": "checkpoint_path", "pretrained": "pretrained_path"}
LAWS = vocabulary("classification")["options"]
SCORED = ("noise_clip", "evaluation_noise", "pgd_")  # what is read in a trial, when it is scored
OF_CORRUPTION = ("corruption", "early_corruption")  # test_corruption_steps.py holds them to this
OF_STYLES = ("stylisation", "styles")  # files: test_stylised_sets.py holds them to this
OTHERWISE = {
    "evaluation_attack": "gaussian",
    "out_of_distribution_attack": "gaussian",
    "attack_precision": "bfloat16",
    "set_keep": "all",
    "baseline_start": "pretext",
    "baseline_transform": "none",
    "baseline_unfrozen_layers": 2,
}


def names(steps: tuple[Step, ...]) -> set[str]:
    return {step.name for step in steps if step.kind not in ("set-shard", "sources")}


def named(steps: tuple[Step, ...], name: str) -> Step:
    (found,) = (step for step in steps if step.name == name)
    return found


def test_a_plan_has_what_options_and_metrics_need_and_no_more(planned: Any) -> None:
    assert names(planned()) == {
        "data",
        "baseline",
        "set/augmentation/fooling-1",
        "set/augmentation/fooling-0.5",
        "set/augmentation/gaussian",
        "set/augmentation/pixel",
        "set/perturbed-training",
        "set/perturbed-validation",
    }
    assert names(planned(possible={}, metrics=("clean_accuracy",))) == {"data"}
    assert names(planned({"start": "baseline"}, {}, ())) == {"data", "baseline"}
    assert names(planned({"start": "pretext"}, {}, ())) == {"data", "pretext"}
    rate = names(planned({"fooling_rates": [0.5]}, {}, ()))
    assert rate == {"data", "baseline", "set/augmentation/fooling-0.5"}
    fewer = names(planned({"training_images": 50}, {"start": ["baseline"]}, ()))
    assert fewer == {"data", "training-images", "baseline"}


def test_steps_come_after_what_they_read_and_are_plain_data(planned: Any) -> None:
    seen: set[str] = set()
    for step in planned():
        assert set(step.after) <= seen
        assert json.loads(json.dumps(dict(step.arguments))) == step.arguments
        assert step.name not in seen
        seen.add(step.name)
    assert planned()[0].name == "data"
    assert {"set/augmentation/fooling-0.5/0", "set/augmentation/fooling-0.5/1"} <= seen


def test_every_planner_can_be_asked_for_held_out_sets() -> None:
    for trainer in trainer_names():
        assert isinstance(plan(trainer, "embedded-digits", {}, {}, (), seed=0, hold_out=True), tuple)


@pytest.mark.parametrize(
    ("options", "possible", "word"),
    [
        ({}, {"start": ["baseline"], "width": [4, 16]}, "architecture"),
        ({}, {"start": ["baseline"], "head": ["fresh", "kept"]}, "head is searched"),
        ({}, {"start": ["scratch", "pretrained"]}, "pretrained"),
        ({"augmentation_images": 0}, {}, "augmentation_images"),
        ({"evaluation_attack": "pixel"}, {}, "out_of_distribution_attack: 'pixel' .* fooling, gaussian"),
        ({}, {"extra_sets": ["sepia"]}, "extra_sets: 'sepia'"),
    ],
)
def test_what_cannot_go_together_is_said_in_the_plan(planned: Any, options: Any, possible: Any, word: str) -> None:
    with pytest.raises(TrainableError, match=word) as caught:
        planned(options, possible)
    assert caught.value.code == "OPTION_INVALID"


def test_sets_may_be_searched_as_whole_lists(planned: Any) -> None:
    lists = {"fooling_rates": [[], [5], [5, 20]], "extra_sets": [[], ["pixel", "gaussian"]]}
    assert planned({}, lists) == planned({}, {"fooling_rates": [5, 20], "extra_sets": ["gaussian", "pixel"]})


def test_files_are_named_by_absolute_paths_on_the_planning_machine(planned: Any) -> None:
    for start, option in FILES.items():
        step = named(planned({**BARE, "start": start, option: "here"}, {}, ()), start)
        assert (step.here, step.places) == (True, {"path": str(Path.cwd() / "here")})
    step = named(planned({"start": "baseline", "baseline_weights": "here"}, {}, ()), "baseline")
    assert (step.here, step.places) == (True, {"weights": str(Path.cwd() / "here")})
    assert not any(step.here or step.places for step in planned())


@pytest.mark.parametrize("option", ["checkpoint_path", "pretrained_path", "baseline_weights"])
def test_a_file_is_known_by_its_content_wherever_it_lies(planned: Any, tmp_path: Path, option: str) -> None:
    start = {"checkpoint_path": "checkpoint", "pretrained_path": "pretrained"}.get(option, "baseline")

    def address(path: Path) -> str:
        step = named(planned({**BARE, "start": start, option: str(path)}, {}, ()), start)
        return step_address(step, {"data": "a"})

    here, there, other = (tmp_path / name for name in ("here", "there", "other"))
    here.write_bytes(b"one"), there.write_bytes(b"one"), other.write_bytes(b"two")
    assert address(here) == address(there) != address(other)


@pytest.mark.parametrize("option", ["checkpoint_path", "pretrained_path"])
def test_files_that_planning_cannot_read_are_told_apart_by_their_places(planned: Any, option: str) -> None:
    start = {path: name for name, path in FILES.items()}[option]

    def address(path: str) -> str:
        step = named(planned({**BARE, "start": start, "checkpoint_path": "x", option: path}, {}, ()), start)
        return step_address(step, {"data": "a"})

    places = ["s3://bucket/one", "s3://bucket/two", "nowhere", *([""] if start == "pretrained" else [])]
    assert len({address(place) for place in places}) == len(places)


def test_a_baseline_that_lies_elsewhere_needs_its_sha256(planned: Any) -> None:
    options = {"start": "baseline", "baseline_weights": "s3://bucket/one"}
    with pytest.raises(TrainableError, match="baseline_sha256: s3://bucket/one") as caught:
        planned(options, {}, ())
    assert caught.value.code == "OPTION_INVALID"
    step = named(planned({**options, "baseline_sha256": "ab" * 32}, {}, ()), "baseline")
    assert (step.arguments["sha256"], step.places) == ("ab" * 32, {"weights": "s3://bucket/one"})


def test_addresses_depend_on_arguments_and_inputs_alone(planned: Any) -> None:
    baseline, sources = (named(planned(), name) for name in ("baseline", "sources/train"))
    address = step_address(baseline, {"data": "a"})
    assert address == step_address(baseline, {"data": "a", "other": "b"})
    assert address != step_address(baseline, {"data": "b"})
    other = planned({"augmentation_images": 21})
    assert step_address(named(other, "baseline"), {"data": "a"}) == address
    given = {"data": "a", "baseline": "b"}
    assert step_address(named(other, "sources/train"), given) != step_address(sources, given)


def test_options_of_one_attack_are_no_part_of_another_ones_sets(planned: Any) -> None:
    other = planned({"gaussian_penalty": 0.5})
    changed = {step.name for step in planned() if named(other, step.name) != step}
    assert changed == {"set/augmentation/gaussian", *(f"set/augmentation/gaussian/{shard}" for shard in (0, 1))}


@pytest.mark.parametrize("option", [name for name, law in LAWS.items() if law.get("fixed")])
def test_every_fixed_option_shapes_a_step_or_a_score(planned: Any, tmp_path: Path, option: str) -> None:
    if option.startswith((*SCORED, *OF_STYLES, *OF_CORRUPTION)):
        return
    (tmp_path / "weights").write_bytes(b"weights")
    default = LAWS[option]["default"]
    if option in OTHERWISE or LAWS[option]["type"] == "string":
        other = OTHERWISE.get(option, str(tmp_path / "weights"))
    else:
        other = 2 * default + 1 if LAWS[option]["type"] == "integer" else default / 2
    possible = {"fooling_rates": [5], "extra_sets": ["gaussian", "pixel"], "start": [*FILES, "baseline"]}
    held = {**BARE, "checkpoint_path": "here"}
    if option == "baseline_sha256":
        held["baseline_weights"] = "here"
    if option == "baseline_unfrozen_layers":
        held["baseline_start"] = "checkpoint"  # random layers are not frozen
    one, two = (
        planned({**held, option: value}, possible, hold_out=True)
        for value in (default or "here" if option == "checkpoint_path" else default, other)
    )
    assert [(step.name, step.arguments) for step in one] != [(step.name, step.arguments) for step in two]


def test_a_start_from_files_is_prepared_before_the_baseline_and_the_trials(planned: Any, tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    file.write_bytes(b"one")
    first = planned({"baseline_start": "checkpoint", "checkpoint_path": str(file)})
    assert [step.name for step in first[:3]] == ["data", "checkpoint", "baseline"]
    assert first[2].after == ("data", "checkpoint")
    adopted = planned({"baseline_start": "pretext", "baseline_weights": str(file)})
    assert [step.name for step in adopted[:2]] == ["data", "baseline"]


def test_the_second_search_that_needs_a_set_builds_nothing(
    planned: Any, store: Store, store_root: str, prepared: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainables.preparation._BUILDERS", {})  # whatever is built ends in an error
    known = {"data": prepared.digests["data"]}
    for step in planned(possible={"fooling_rates": [0.5]})[1:]:
        known[step.name], summary = run_step(step, store_root, known, threads=1)
        assert summary == prepared.summaries[step.name]
        assert known[step.name] == prepared.digests[step.name]


def test_a_damaged_result_is_built_anew(store: Store, store_root: str, prepared: Any) -> None:
    step = prepared.step("set/augmentation/fooling-0.5")
    images = store.open(prepared.digests[step.name]).path / "images.arrow"
    content = images.read_bytes()
    images.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert run_step(step, store_root, prepared.digests, threads=1)[0] == prepared.digests[step.name]
    assert images.read_bytes() == content


def test_a_step_of_an_unknown_kind_is_named(store_root: str) -> None:
    with pytest.raises(TrainableError, match="no builder of kind 'nonsense'"):
        run_step(Step("x", "nonsense", {}), store_root, {}, threads=1)


@pytest.mark.slow
def test_embedded_digits_are_prepared_from_one_plan(tmp_path: Path) -> None:
    digests: dict[str, str] = {}
    summaries = {}
    options = {"width": 16, "stem": "strided", "augmentation_images": 60, "evaluation_images": 40}
    possible = {"fooling_rates": [5, 20, 100], "extra_sets": ["gaussian"]}
    for step in plan("classification", "embedded-digits", options, possible, PERTURBED, seed=0, hold_out=True):
        digests[step.name], summaries[step.name] = run_step(step, str(tmp_path), digests, threads=1)
    assert summaries["baseline"]["validation_accuracy"] > 0.85
    for name in ("fooling-5", "fooling-20", "fooling-100", "gaussian"):
        assert summaries[f"set/augmentation/{name}"]["success"] > 0.9
    for name in ("perturbed-training", "perturbed-validation", "hold-out"):
        assert summaries[f"set/{name}"]["images"] > 30
