"""Scores under corruption: from the plan to a trial, held to closed forms and to a table counted by hand."""

import hashlib
import itertools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits
from torch import Tensor, nn

from trainables.classification.batches import LabelledImages
from trainables.classification.corruption_scorer import CorruptionScorer
from trainables.classification.corruption_steps import TEST_ERRORS, VALIDATION_ERRORS
from trainables.classification.options import ClassificationOptions
from trainables.classification.planner import evaluation_step
from trainables.classification.scores import correct
from trainables.classification.trainer import ClassificationTrainer
from trainables.corruption_errors import ErrorTable
from trainables.corruption_facts import CORRUPTIONS
from trainables.corruption_options import size_complaint
from trainables.corruption_overlaps import EXTRA, FIFTEEN
from trainables.data import library
from trainables.data.ingestion.adding import Choices, add
from trainables.data.store import Store, address, read_images, write_images
from trainables.errors import TrainableError
from trainables.images import Normalisation
from trainables.perturbations.corruptions import corrupt
from trainables.preparation import Step, run_step, step_address
from trainables.seeds import derive

IMAGES = 20
RELATIVE = ("mce", "mce_without_overlap", "ce/fog", "ce/extra")
HELD = {
    "stem": "strided",
    "baseline_epochs": 3,
    "corruption_images": IMAGES,
    "corruption_severities": [1, 3, 5],
    "early_corruptions": ["spatter", "speckle_noise"],
    "early_corruption_severities": [3, 5],
}
SEARCHED = {"extra_sets": ["gaussian"]}
SPLITS = {"train": range(96), "validation": range(96, 144), "test": range(144, 160), "holdout": range(176, 272)}


def write_enlarged(directory: Path) -> None:
    """Real digits at 32 x 32, the smallest images that are corrupted."""
    digits = load_digits()
    pixels = torch.from_numpy(digits.images).mul(255 / 16).round().to(torch.uint8)
    images = pixels[:, None].repeat(1, 3, 1, 1).repeat_interleave(4, 2).repeat_interleave(4, 3)
    labels = torch.from_numpy(digits.target).to(torch.int64)
    for name, rows in SPLITS.items():
        picked = torch.tensor(list(rows))
        lineage = [f"digit {row}" for row in rows]
        write_images(directory / f"{name}.arrow", images[picked], labels[picked], lineage)
    facts = {"classes": list("0123456789"), "mean": [0.3] * 3, "std": [0.35] * 3, "image_shape": [3, 32, 32]}
    (directory / "data.json").write_text(json.dumps(facts))


@pytest.fixture(scope="module")
def enlarged(store: Store) -> str:
    return store.publish(address("data", {"name": "thirty-two"}), write_enlarged, {"kind": "data"}).digest


@pytest.fixture(scope="module")
def built(planned: Any, build_all: Any, enlarged: str) -> Any:
    steps = [step for step in planned(HELD, SEARCHED, RELATIVE, hold_out=True) if not step.name.endswith("gaussian/1")]
    needed = [step for step in steps if step.kind in ("data", "baseline", "corrupted", "baseline-errors")]
    return build_all(needed, {"data": enlarged})


@pytest.fixture
def trial(built: Any, store: Store) -> Any:
    def trial(metrics: tuple[str, ...] = RELATIVE, epochs: int = 2, **options: Any) -> ClassificationTrainer:
        chosen = {"width": 8, "batch_size": 16, "precision": "float32", "start": "baseline", **HELD, **options}
        del chosen["baseline_epochs"]
        return ClassificationTrainer(chosen, built.digests, store, metrics, seed=3, epochs=epochs, threads=1)

    return trial


def rates(net: nn.Module, folder: Path) -> dict[int, float]:
    """A slow twin: image by image."""
    found = read_images(folder / "images.arrow")
    wrong: dict[int, list[bool]] = {}
    for image, label, severity in zip(found.images, found.labels, found.columns["severity"].to_pylist(), strict=True):
        with torch.no_grad():
            scores = net(((image[None] / 255 - 0.3) / 0.35).float())
        wrong.setdefault(severity, []).append(int(scores.argmax()) != int(label))
    return {severity: sum(each) / len(each) for severity, each in wrong.items()}


def ce(net: nn.Module, built: Any, store: Store, name: str, severities: tuple[int, ...]) -> float:
    baseline = built.summaries[VALIDATION_ERRORS]["table"]
    own = rates(net, store.open(built.digests[f"corrupted/validation/{name}"]).path)
    errors = baseline["errors"][baseline["corruptions"].index(name)]
    of_baseline = dict(zip(baseline["severities"], errors, strict=True))
    return sum(own[each] for each in severities) / sum(of_baseline[each] for each in severities)


def test_the_baseline_as_a_trial_scores_exactly_one(trial: Any) -> None:
    assert trial().score() == dict.fromkeys(RELATIVE, 1.0)
    assert trial(epochs=1, head="fresh").score() == dict.fromkeys(RELATIVE, 1.0)


def test_before_the_last_epoch_the_early_table_counts_and_then_the_full_one(
    trial: Any, built: Any, store: Store
) -> None:
    trainer = trial()
    for early, names, severities in ((True, ("speckle_noise", "spatter"), (3, 5)), (False, EXTRA, (1, 3, 5))):
        trainer.train_epoch()
        scores = trainer.score()
        net = trainer.net.eval()
        own = {name: ce(net, built, store, name, severities) for name in (*EXTRA, "fog")}
        assert scores["mce"] == pytest.approx(sum(own[name] for name in names) / len(names), rel=1e-9), early
        # ce/ metrics name their corruptions themselves: an epoch changes their severities alone.
        assert scores["ce/extra"] == pytest.approx(sum(own[name] for name in EXTRA) / 4, rel=1e-9)
        assert scores["ce/fog"] == pytest.approx(own["fog"], rel=1e-9)
        left = [name for name in names if name != "speckle_noise"]  # which 'gaussian' resembles
        assert scores["mce_without_overlap"] == pytest.approx(sum(own[n] for n in left) / len(left), rel=1e-9)


def test_scores_change_no_state_and_come_alone_as_together(trial: Any) -> None:
    together = trial()
    together.train_epoch()
    scores = together.score()
    for metric in RELATIVE:
        alone = trial(metrics=(metric, "clean_accuracy"))
        alone.train_epoch()
        assert alone.score()[metric] == scores[metric] == together.score()[metric]


def test_clean_images_that_were_scored_already_are_not_scored_again(enlarged: str, store: Store) -> None:
    found = read_images(store.open(enlarged).path / "validation.arrow")
    clean = LabelledImages(found.images, found.labels)
    passes: list[int] = []
    net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10)).eval()
    net.register_forward_hook(lambda _, inputs, scores: passes.append(len(scores)))
    norm = Normalisation((0.3,) * 3, (0.35,) * 3)
    baseline = ErrorTable(("fog", "spatter"), (3,), torch.full((2, 1), 0.9, dtype=torch.float64), 0.5)
    options = ClassificationOptions(corruptions=("fog", "spatter"), corruption_severities=(3,))
    darker = LabelledImages(clean.images // 2, clean.labels)
    scorer = CorruptionScorer(norm, options, clean, lambda name, severity: darker, baseline, ())
    known = correct(net, clean, norm)
    scores = []
    for told, count in ((None, 3), (known, 2), (known[:7], 3)):  # a part of the images is no help
        passes.clear()
        scores.append(scorer.score(net, ("mce", "relative_mce"), last=True, known=told))
        assert passes == [len(clean)] * count
    assert scores[0] == scores[1] == scores[2]


def test_a_checkpoint_goes_on_to_the_same_scores(trial: Any, tmp_path: Path) -> None:
    whole = trial()
    whole.train_epoch()
    whole.save(tmp_path / "one")
    whole.train_epoch()
    resumed = trial()
    resumed.load(tmp_path / "one")
    resumed.train_epoch()
    assert resumed.score() == whole.score()


def test_images_are_corrupted_by_seeds_of_study_split_corruption_severity_and_row(
    built: Any, store: Store, enlarged: str
) -> None:
    clean = read_images(store.open(enlarged).path / "validation.arrow")
    made = read_images(store.open(built.digests["corrupted/validation/speckle_noise"]).path / "images.arrow")
    assert made.columns["severity"].to_pylist() == [1] * IMAGES + [3] * IMAGES + [5] * IMAGES
    assert made.columns["row"].to_pylist() == list(range(IMAGES)) * 3
    assert made.lineage == clean.lineage[:IMAGES] * 3
    assert made.labels.tolist() == clean.labels[:IMAGES].tolist() * 3
    for place in (0, 25, 59):
        severity, row = (1, 3, 5)[place // IMAGES], place % IMAGES
        seed = torch.tensor([derive(0, "corruption", "validation", "speckle_noise", severity, row)])
        assert torch.equal(made.images[place], corrupt(clean.images[row : row + 1], "speckle_noise", severity, seed)[0])


def test_the_test_images_are_all_corrupted_by_everything(built: Any) -> None:
    told = built.summaries[TEST_ERRORS]
    assert tuple(told["table"]["corruptions"]) == CORRUPTIONS
    assert told["table"]["severities"] == [1, 2, 3, 4, 5]
    assert told["images"] == len(SPLITS["test"])
    assert set(told["overlap"]) == {"gaussian_noise", "shot_noise", "speckle_noise"}


def test_steps_that_are_alike_have_one_address_in_every_study(planned: Any) -> None:
    one = {step.name: step for step in planned(HELD, SEARCHED, ("mce",))}
    other = {step.name: step for step in planned({**HELD, "width": 16, "baseline_epochs": 5}, {}, RELATIVE)}
    shared = one.keys() & other.keys() & {f"corrupted/validation/{name}" for name in EXTRA}
    assert len(shared) == 4
    for name in shared:
        assert step_address(one[name], {"data": "a"}) == step_address(other[name], {"data": "a"})


def test_the_options_of_corruptions_shape_their_steps(planned: Any, tmp_path: Path) -> None:
    def plans(changes: Mapping[str, Any]) -> list[Any]:
        steps = planned({"corruptions": ["frost", "spatter"], **changes}, {}, ("mce",))
        return [(step.name, step.arguments) for step in steps]

    (tmp_path / "one.png").write_bytes(b"one")
    for changes in (
        {"corruptions": ["frost"]},
        {"corruption_severities": [3]},
        {"early_corruptions": ["frost"]},
        {"early_corruption_severities": [3]},
        {"corruption_images": 7},
        {"corruption_constants": "cifar-10-c"},
        {"corruption_ice": str(tmp_path)},
    ):
        assert plans(changes) != plans({})
    frost, spatter = (
        next(step for step in planned({"corruption_ice": str(tmp_path)}, {}, (f"ce/{name}",)) if name in step.name)
        for name in ("frost", "spatter")
    )
    assert frost.here
    assert frost.places == {"ice": str(tmp_path)}
    assert not spatter.here
    before = frost.arguments["ice"]
    (tmp_path / "one.png").write_bytes(b"two")
    steps = planned({"corruption_ice": str(tmp_path)}, {}, ("ce/frost",))
    after = next(step for step in steps if "frost" in step.name).arguments["ice"]
    assert before != after
    (tmp_path / "readme.txt").write_text("whose pictures these are changes no image")
    steps = planned({"corruption_ice": str(tmp_path)}, {}, ("ce/frost",))
    assert after == next(step for step in steps if "frost" in step.name).arguments["ice"]


def test_a_study_without_such_a_metric_corrupts_nothing(planned: Any) -> None:
    assert not [step for step in planned(HELD, SEARCHED, ("clean_accuracy",), hold_out=True) if "corrupt" in step.kind]


def test_a_search_plans_no_corrupted_test_image_whatever_its_options(planned: Any) -> None:
    for name in CORRUPTIONS:
        for step in planned({"corruptions": [name]}, SEARCHED, ("mce", "relative_mce", "ce/noise", f"ce/{name}")):
            assert step.arguments.get("split") in (None, "train", "validation")
            assert not any("test" in read for read in (step.name, *step.after))


def test_when_training_overlaps_every_corruption_the_plan_is_refused(planned: Any) -> None:
    for options, named in (({"corruptions": ["speckle_noise"]}, "corruptions"), (EARLY_NOISE, "early_corruptions")):
        with pytest.raises(TrainableError, match=f"gaussian, which resembles every one of {named}") as caught:
            planned(options, SEARCHED, ("mce_without_overlap",))
        assert caught.value.code == "OPTION_INVALID"
        planned(options, {}, ("mce_without_overlap",))


EARLY_NOISE = {"early_corruptions": ["speckle_noise"]}


def test_ice_that_is_no_folder_of_pictures_is_said(planned: Any, built: Any, store_root: str, tmp_path: Path) -> None:
    for place in (str(tmp_path / "none"), "s3://bucket/ice"):
        with pytest.raises(TrainableError, match="corruption_ice") as caught:
            planned({"corruption_ice": place}, {}, ("ce/frost",))
        assert caught.value.code == "OPTION_INVALID"
    (tmp_path / "readme.txt").write_text("no picture")
    with pytest.raises(TrainableError, match=f"corruption_ice: {tmp_path}: no picture is in it; .*png") as caught:
        planned({"corruption_ice": str(tmp_path)}, {}, ("mce",))  # an evaluation would need it after a whole search
    assert caught.value.code == "OPTION_INVALID"
    (tmp_path / "one.png").write_bytes(b"no picture")
    steps = planned({"corruption_ice": str(tmp_path)}, {}, ("ce/frost",))
    frost = next(step for step in steps if step.name == "corrupted/validation/frost")
    with pytest.raises(TrainableError, match=r"corruption_ice: .*one.png") as caught:
        run_step(frost, store_root, built.digests, threads=1)
    assert caught.value.code == "OPTION_INVALID"


def test_images_too_small_or_too_large_are_refused_with_the_law(
    planned: Any, store_root: str, data: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert size_complaint((3, 32, 512)) == ""
    assert "513x32 pixels" in size_complaint((3, 32, 513))
    step = next(step for step in planned({}, {}, ("mce",)) if step.kind == "corrupted")
    with pytest.raises(TrainableError, match="16x16 pixels cannot be corrupted: that takes sides of 32") as caught:
        run_step(step, store_root, {"data": data}, threads=1)
    assert caught.value.code == "DATA_INVALID"
    facts = "trainables.corruption_steps.registry.facts"
    monkeypatch.setattr(facts, lambda name: {"image_shape": [3, 28, 28]})  # as of a library's data set
    with pytest.raises(TrainableError, match="28x28 pixels"):
        planned({}, {}, ("mce",))


def test_a_baseline_without_an_error_is_named_with_its_corruptions(built: Any, store_root: str) -> None:
    step = built.step(VALIDATION_ERRORS)
    told = {**step.arguments, "needed": [{"corruptions": ["fog", "spatter"], "severities": [3], "beyond_clean": True}]}
    digests = {**built.digests, **_never_wrong(built, store_root)}
    for arguments, says in ((told, "no more errors than the 0 on clean images"), (step.arguments, "no error")):
        with pytest.raises(TrainableError, match=f"the baseline makes {says} under .*fog") as caught:
            run_step(Step("flawless", step.kind, arguments, step.after), store_root, digests, threads=1)
        assert caught.value.code == "BASELINE_FLAWLESS"
        assert "spatter" in str(caught.value)


def _never_wrong(built: Any, store_root: str) -> dict[str, str]:
    """Data and corrupted images of the one class that the baseline's first guess is, again and again."""
    store = Store(store_root)
    found = {}
    source = store.open(built.digests["data"]).path
    label, image = _surely_known(built, store)
    for name, digest in built.digests.items():
        if name == "data" or name.startswith("corrupted/validation"):
            folder = store.open(digest).path

            def write(to: Path, folder: Path = folder) -> None:
                for file in folder.glob("*.arrow"):
                    made = read_images(file)
                    images = image.expand(len(made), -1, -1, -1).contiguous()
                    columns = {key: value.to_pylist() for key, value in made.columns.items()}
                    write_images(to / file.name, images, torch.full_like(made.labels, label), made.lineage, **columns)
                (to / "data.json").write_text((source / "data.json").read_text())

            found[name] = store.publish(address("flawless", {"of": digest}), write, {}).digest
    return found


def _surely_known(built: Any, store: Store) -> tuple[int, Tensor]:
    from trainables.checkpoints import load

    known, _ = load(store.open(built.digests["baseline"]).path / "correct.safetensors")
    split = read_images(store.open(built.digests["data"]).path / "validation.arrow")
    row = int(known["validation"].nonzero()[0])
    return int(split.labels[row]), split.images[row]


def test_an_evaluation_tells_what_was_seen_and_every_mean(
    trial: Any, built: Any, store_root: str, planned: Any, build_all: Any, tmp_path: Path
) -> None:
    trainer = trial(metrics=())
    trainer.save(tmp_path / "one")
    sha256 = hashlib.sha256((tmp_path / "one").read_bytes()).hexdigest()
    steps = planned(HELD, SEARCHED, RELATIVE, hold_out=True)
    everything = build_all(steps, built.digests)
    options = {"width": 8, "stem": "strided"}
    step = evaluation_step("evaluation/00001", options, str(tmp_path / "one"), sha256, steps)
    told = run_step(step, store_root, everything.digests, threads=1)[1]["corruption"]
    assert told["table"] == told["baseline"] == built.summaries[TEST_ERRORS]["table"]  # it is the baseline
    assert told["seen"] == ["fog", *EXTRA]
    judged = [name for name in CORRUPTIONS if name not in told["flawless"]]
    assert {told["ce"][name] for name in judged} == {1.0}
    assert all(told["ce"][name] is None for name in told["flawless"])
    assert told["images"] == len(SPLITS["test"])
    counted = {"unseen": set(FIFTEEN) - {"fog"}, "all": set(CORRUPTIONS)}
    counted["without_overlap"] = counted["all"] - set(told["overlap"])
    for which, names in counted.items():
        assert told["mce"][which] == (None if names & set(told["flawless"]) else 1.0)
        assert told["relative_mce"][which] == (None if names <= set(told["harmless"]) else 1.0)
    without = evaluation_step("evaluation/00001", options, "x", sha256, planned(hold_out=True))
    assert "corrupted" not in without.arguments


def test_an_evaluation_takes_a_corrupted_set_of_the_library_in_the_place_of_test_images(
    trial: Any,
    built: Any,
    store_root: str,
    planned: Any,
    build_all: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(library.VARIABLE, str(tmp_path / "library"))
    for severity, digit, name in itertools.product(range(1, 6), range(10), ("fog", "spatter")):
        folder = tmp_path / "set" / name / str(severity) / str(digit)
        folder.mkdir(parents=True)
        Image.new("RGB", (32, 32), (10 * severity, 20 * digit, 0)).save(folder / "one.png")
    choices = Choices(corruptions=("fog", "spatter"))
    add("imagenet-c", tmp_path / "set", "mine", choices, tmp_path / "library", lambda *_: None)
    steps = planned({**HELD, "corruption_test_data": "mine"}, {}, RELATIVE, hold_out=True)
    assert not [step.name for step in steps if step.name.startswith("corrupted/test")]
    assert not [step for step in planned({**HELD, "corruption_test_data": "mine"}, {}, RELATIVE) if "test" in step.name]
    everything = build_all(steps, {name: digest for name, digest in built.digests.items() if "test" not in name})
    trial(metrics=()).save(tmp_path / "one")
    sha256 = hashlib.sha256((tmp_path / "one").read_bytes()).hexdigest()
    options = {"width": 8, "stem": "strided"}
    step = evaluation_step("evaluation/00001", options, str(tmp_path / "one"), sha256, steps)
    told = run_step(step, store_root, everything.digests, threads=1)[1]["corruption"]
    assert told["table"] == told["baseline"]
    assert told["table"]["corruptions"] == ["fog", "spatter"]
    assert (told["images"], told["mce"]["unseen"]) == (10, None)  # a search has seen both
    assert told["mce"]["all"] == 1.0
    assert told["source"] == "'mine' of the data library (imagenet-c), constants imagenet-c"
    with pytest.raises(TrainableError, match="no corrupted test set 'other'"):
        planned({"corruption_test_data": "other"}, {}, RELATIVE)
