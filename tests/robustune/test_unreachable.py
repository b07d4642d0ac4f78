"""No way into a search leads to images that are held out: not by metric, option, set, teacher or tracked score."""

import inspect
from pathlib import Path

import pytest

import robustune.explaining
from analysis.explain import images as explained_images
from analysis.schema import reading
from robustune.confirmation_nets import retraining_of
from robustune.confirmation_sets import fresh_sets
from robustune.ledger import Ledger
from robustune.preparation import steps
from robustune.tracking import translation
from robustune.tracking.confirmed import PREFIX
from search_spaces import Study, StudyError, read_study, shipped
from trainables.preparation import Step
from trainables.registry import load_planner, trainer_names, vocabularies, vocabulary

HELD_OUT = ("hold_out", "hold-out", "holdout", "out_of_distribution", "out-of-distribution", "test")
NAMES = (
    *("original", "test", "test_accuracy", "hold_out", "hold_out_accuracy", "out_of_distribution", "mce_unseen"),
    *("mce_all", "pgd", "confirmed/test", "hold_out_miou", "test_miou", "corrupted_miou_all"),
)
"""As a confirmation calls its scores, and as one might guess."""


def told_of(step: Step) -> str:
    return f"{step.name} {step.kind} {step.arguments.get('split', '')} {step.arguments.get('purpose', '')}"


def held_out(planned: tuple[Step, ...]) -> list[str]:
    return [step.name for step in planned if any(word in told_of(step) for word in HELD_OUT)]


@pytest.mark.parametrize("study", sorted(shipped()))
def test_what_is_built_for_a_search_looks_at_no_held_out_image(study: str) -> None:
    read = read_study(shipped()[study], vocabularies())
    assert held_out(steps(read)) == []


@pytest.mark.parametrize("trainer", trainer_names())
def test_no_metric_of_a_trainer_plans_a_held_out_image(trainer: str) -> None:
    told = vocabulary(trainer)
    data = next(iter(told["data"]))
    planned = load_planner(trainer)(data, {}, {}, tuple(told["metrics"]), 0)
    assert held_out(planned) == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("way", ["objective", "constraint", "measure", "option", "search"])
def test_a_study_that_names_a_held_out_score_is_refused(way: str, name: str, tmp_path: Path) -> None:
    written = {
        "objective": f'[[objectives]]\nmetric = "{name}"\ngoal = "max"\nreference = 0',
        "constraint": f'[[constraints]]\nmetric = "{name}"\nat_least = 0.1',
        "measure": "",
        "option": f'[options]\n"{name}" = 1',
        "search": "",
    }[way]
    measured = f'measure = ["{name}"]' if way == "measure" else ""
    space = (
        f'"{name}" = {{ uniform = [0, 1] }}' if way == "search" else "learning_rate = { log_uniform = [1e-5, 1e-2] }"
    )
    path = tmp_path / "study.toml"
    path.write_text(
        f"""
        trainer = "classification"
        data = "embedded-digits"
        {measured}
        [space]
        {space}
        [[objectives]]
        metric = "clean_accuracy"
        goal = "max"
        reference = 0.5
        [budget]
        trials = 4
        epochs = 2
        {written}
        """
    )
    with pytest.raises(StudyError, match=name.replace("/", ".")):
        read_study(path, vocabularies())


def test_no_option_names_a_split_or_a_set_to_train_with_that_is_held_out() -> None:
    for trainer in trainer_names():
        for name, law in vocabulary(trainer)["options"].items():
            choices = [*law.get("enum", ()), *law.get("items", {}).get("enum", ())]
            assert not [choice for choice in choices if any(word in str(choice) for word in HELD_OUT)], name


def test_nets_of_a_confirmation_reach_no_held_out_image_while_they_train() -> None:
    for name in ("quickstart", "adversarial", "corruption", "weight-noise"):
        study = read_study(shipped()[name], vocabularies())
        sets = fresh_sets(study)
        trained_with = tuple(step for step in sets.whole if step.name in sets.trained_with)
        assert held_out(trained_with) == []
        assert held_out(sets.whole) or study.trainer == "segmentation"


def test_a_confirmation_makes_anew_all_that_a_seed_decides() -> None:
    study = read_study(shipped()["adversarial"], vocabularies())
    seeds = {step.arguments["seed"] for step in fresh_sets(study).whole if "seed" in step.arguments}
    assert len(seeds) == 1
    assert study.seed not in seeds


def test_a_ledger_of_confirmed_nets_holds_no_score_that_could_teach(tmp_path: Path) -> None:
    """`warm_start_from` reads trials and their metrics: those of a confirmation have none."""
    study: Study = read_study(shipped()["smoke"], vocabularies())
    with Ledger.create(tmp_path / "confirmation", retraining_of(study), {}) as ledger:
        ledger.ask(0, {"learning_rate": 1e-3, "noise_scale": 0.0}, 1, {"trial": 3, "replicate": 0})
        for epoch in range(1, study.budget.epochs + 1):
            end = "complete" if epoch == study.budget.epochs else None
            ledger.report(0, epoch, {}, 1.0, 0.0, end=end)
        ledger.record_set("outcomes/00000", "ab" * 32, {"scores": {"clean_accuracy": 0.9}})
    with reading(tmp_path / "confirmation") as connection:
        assert {row[0] for row in connection.execute("SELECT metrics FROM epochs")} == {"{}"}


def test_explanations_show_validation_images_alone() -> None:
    assert explained_images.SPLIT == "validation"
    assert "hold_out" not in inspect.getsource(robustune.explaining)


def test_mlflow_never_mixes_confirmed_scores_with_those_of_a_search() -> None:
    metrics = {name for trainer in trainer_names() for name in vocabulary(trainer)["metrics"]}
    assert not [name for name in metrics if name.startswith(PREFIX)]
    assert PREFIX not in inspect.getsource(translation)
