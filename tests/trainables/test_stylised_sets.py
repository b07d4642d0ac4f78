"""Sets of stylised training images, and where their styles and networks come from.

Published VGG-19 weights are not to be had where tests run: AdaIN gets random ones in a file with torchvision's names.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision.models.vgg as vgg
from PIL import Image

from trainables.classification.planner import examples_step
from trainables.data.facts import facts_of
from trainables.data.images import ImageSet
from trainables.data.soundness import lineage_columns, lineage_values
from trainables.data.store import Store, read_images
from trainables.errors import TrainableError
from trainables.models import own_randomness
from trainables.perturbations.stylisation.adain import fresh_decoder, save_decoder, vgg19_encoder
from trainables.perturbations.stylisation.statistics import StatisticsOptions, matched
from trainables.perturbations.stylisation.textures import textures
from trainables.preparation import Step, run_step, step_address
from trainables.seeds import generator

SET = "set/augmentation/stylised"
POSSIBLE = {"extra_sets": ["stylised"]}
Planned = Callable[..., tuple[Step, ...]]


@pytest.fixture
def build(planned: Planned, build_all: Any, prepared: Any) -> Callable[..., Any]:
    """Builds a study's stylised set, for the baseline and the sources of the other sets."""

    def build(metrics: tuple[str, ...] = (), **options: Any) -> Any:
        known = {name: prepared.digests[name] for name in ("data", "baseline", "sources/train")}
        return build_all(planned(options, POSSIBLE, metrics), known)

    return build


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four pictures in a folder."""
    return painted(tmp_path / "styles", 4)


@pytest.fixture(scope="session")
def networks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Options with an encoder of random weights under torchvision's names, and an untrained decoder for it."""
    place = tmp_path_factory.mktemp("networks")
    with own_randomness(0, torch.device("cpu")):
        features = vgg.make_layers(vgg.cfgs["E"][:13])
    weights = {f"features.{name}": value for name, value in features.state_dict().items()}
    torch.save(weights, place / "vgg.pth")
    save_decoder(place / "decoder.safetensors", fresh_decoder(1))
    return {
        "stylisation": "adain",
        "stylisation_encoder": str(place / "vgg.pth"),
        "stylisation_decoder": str(place / "decoder.safetensors"),
    }


def painted(to: Path, count: int, seed: str = "styles") -> Path:
    to.mkdir()
    for number, picture in enumerate(textures(count, 24, generator("test", seed))):
        Image.fromarray(picture.permute(1, 2, 0).numpy()).save(to / f"{number}.png")
    return to


def made(built: Any, store: Store) -> ImageSet:
    return read_images(built.inputs(store).folder(SET) / "images.arrow")


def column(images: ImageSet, name: str) -> torch.Tensor:
    return torch.tensor(images.columns[name].to_pylist())


def named(steps: tuple[Step, ...], name: str) -> Step:
    (found,) = (step for step in steps if step.name == name)
    return found


def address(planned: Planned, **options: Any) -> str:
    return step_address(named(planned(options, POSSIBLE, ()), "styles"), {"data": "a"})


def test_stylised_images_are_their_sources_in_all_but_pixels(build: Any, store: Store) -> None:
    built = build()
    images, told = made(built, store), built.summaries[SET]
    source = read_images(built.inputs(store).folder("data") / "train.arrow")
    rows = column(images, "row")
    assert torch.equal(rows, rows.sort().values)
    assert torch.equal(images.labels, source.labels[rows])
    assert torch.equal(column(images, "target"), images.labels)
    assert column(images, "fooled").all()
    assert not column(images, "steps").any()
    change = (images.images.double() - source.images[rows].double()).flatten(1)
    assert torch.allclose(column(images, "l2").double(), change.square().sum(1).sqrt())
    assert torch.equal(column(images, "linf").double(), change.abs().amax(1))
    assert (change.abs().mean(1) > 10).all()
    assert (told["images"], told["attacked"], told["dropped"], told["success"]) == (12, 12, 0, None)
    assert told["images_per_second"] > 0


def test_no_source_of_the_perturbed_training_set_is_stylised(build: Any, store: Store, prepared: Any) -> None:
    kept = read_images(prepared.inputs(store).folder("set/perturbed-training") / "images.arrow")
    images = made(build(), store)
    for lineage in lineage_columns(facts_of(prepared.inputs(store).folder("data"))):
        assert not set(lineage_values(images, lineage)) & set(lineage_values(kept, lineage))


def test_images_depend_on_seed_and_row_and_on_no_number_of_shards(
    build: Any, planned: Planned, build_all: Any, store: Store
) -> None:
    whole, parts = (made(build(set_shards=shards), store) for shards in (1, 5))
    assert torch.equal(whole.images, parts.images)
    assert whole.lineage == parts.lineage
    steps = planned({}, POSSIBLE, ())
    other = [Step(**{**vars(step), "arguments": {**step.arguments, "seed": 1}}) for step in steps if SET in step.name]
    built = build()
    again = build_all(other, {name: built.digests[name] for name in ("data", "sources/train", "styles")})
    assert not torch.equal(made(again, store).images, whole.images)


def test_the_same_plan_gives_the_same_bytes_in_another_store(
    build: Any, store: Store, store_root: str, tmp_path: Path
) -> None:
    built = build()
    for name in ("data", "sources/train"):
        digest = built.digests[name]
        folder = store.open(digest).path
        shutil.copytree(folder, tmp_path / folder.relative_to(store_root))
    known = {name: built.digests[name] for name in ("data", "baseline", "sources/train")}
    for step in built.steps:
        if step.name not in known:
            known[step.name], _ = run_step(step, str(tmp_path), known, threads=1)
    assert known == built.digests
    assert (Store(str(tmp_path)).open(known[SET]).path / "images.arrow").read_bytes() == (
        built.inputs(store).folder(SET) / "images.arrow"
    ).read_bytes()


def test_stylised_sets_stand_beside_others_and_change_none(planned: Planned) -> None:
    both = planned({}, {"fooling_rates": [0.5], "extra_sets": ["gaussian", "pixel", "stylised"]})
    without = planned({}, {"fooling_rates": [0.5], "extra_sets": ["gaussian", "pixel"]})
    more = [step for step in both if step not in without]
    assert [step.name for step in more] == ["styles", f"{SET}/0", f"{SET}/1", SET]
    assert all(step in both for step in without)
    (shard,) = (step for step in more if step.name == f"{SET}/0")
    assert shard.after == ("data", "styles", "sources/train")
    kept = planned({"set_keep": "all"}, POSSIBLE, ())
    assert named(kept, SET) == named(both, SET)


def test_styles_are_known_by_their_content_wherever_they_lie(planned: Planned, folder: Path, tmp_path: Path) -> None:
    step = named(planned({"styles": str(folder)}, POSSIBLE, ()), "styles")
    assert (step.here, step.places) == (True, {"styles": str(folder)})
    made_textures = named(planned({}, POSSIBLE, ()), "styles")
    assert (made_textures.here, made_textures.places) == (False, {})
    first = address(planned, styles=str(folder))
    moved = shutil.copytree(folder, tmp_path / "elsewhere" / "moved")
    assert address(planned, styles=str(moved)) == first != address(planned)
    (moved / "notes.txt").write_text("no picture")
    assert address(planned, styles=str(moved)) == first
    (moved / "3.png").write_bytes((moved / "2.png").read_bytes())
    assert address(planned, styles=str(moved)) != first


def test_networks_are_known_by_their_content(planned: Planned, networks: dict[str, str], tmp_path: Path) -> None:
    first = address(planned, **networks)
    assert first != address(planned)
    for option in ("stylisation_encoder", "stylisation_decoder"):
        moved = tmp_path / Path(networks[option]).name
        moved.write_bytes(Path(networks[option]).read_bytes())
        assert address(planned, **{**networks, option: str(moved)}) == first
        moved.write_bytes(b"another")
        assert address(planned, **{**networks, option: str(moved)}) != first
    step = named(planned({**networks, "stylisation_encoder": ""}, POSSIBLE, ()), "styles")
    assert step.arguments["encoder"]["published_with"].startswith("torchvision ")
    assert set(step.places) == {"decoder"}


def test_styles_from_a_folder_make_other_images(build: Any, store: Store, folder: Path) -> None:
    built = build(styles=str(folder))
    told = built.summaries["styles"]
    assert (told["styles"], told["side"], told["from"]) == (4, 20, "folder")
    assert not torch.equal(made(built, store).images, made(build(), store).images)


def test_adain_stylises_with_networks_from_files(build: Any, store: Store, networks: dict[str, str]) -> None:
    images = made(build(**networks), store)
    assert len(images) == 12
    parts = made(build(**networks, set_shards=3), store)
    assert (images.images.int() - parts.images.int()).abs().max() <= 1  # a sum in float32 depends on its neighbours


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ({"styles": "nowhere"}, "OPTION_INVALID", "styles: .*nowhere: there is no such folder"),
        ({"styles": "empty"}, "OPTION_INVALID", "styles: .*empty: no picture is in it"),
        ({"styles": "s3://bucket/styles"}, "OPTION_INVALID", "styles: s3://bucket/styles lies elsewhere; copy"),
        (
            {"stylisation_encoder": "nowhere"},
            "WEIGHTS_MISSING",
            "stylisation_encoder: .*nowhere: there is no such file",
        ),
        ({"stylisation_decoder": "nowhere"}, "CKPT_MISSING", "stylisation_decoder: .*nowhere: there is no such file"),
    ],
)
def test_what_is_not_there_is_told_when_planned(
    planned: Planned, networks: dict[str, str], tmp_path: Path, options: dict[str, str], code: str, words: str
) -> None:
    (tmp_path / "empty").mkdir()
    given = {name: place if "://" in place else str(tmp_path / place) for name, place in options.items()}
    with pytest.raises(TrainableError, match=words) as caught:
        planned({**networks, **given}, POSSIBLE, ())
    assert caught.value.code == code


def test_what_does_not_fit_is_told_when_built(
    build: Any, networks: dict[str, str], folder: Path, tmp_path: Path
) -> None:
    def refused(code: str, words: str, **options: str) -> None:
        with pytest.raises(TrainableError, match=words) as caught:
            build(**options)
        assert caught.value.code == code

    (folder / "torn.png").write_bytes(b"torn")
    refused("OPTION_INVALID", r"styles: .*torn\.png: no picture can be read from it", styles=str(folder))
    foreign = tmp_path / "foreign.safetensors"
    save_decoder(foreign, fresh_decoder(1, (4, 6, 8, 10)))
    refused("CKPT_CORRUPT", r"decoder .*foreign.* has shape", **{**networks, "stylisation_decoder": str(foreign)})
    save_decoder(foreign, fresh_decoder(1), {"encoder": "of another"})
    refused("OPTION_INVALID", "was trained with another encoder", **{**networks, "stylisation_decoder": str(foreign)})
    foreign.write_bytes(b"no weights")
    refused("CKPT_CORRUPT", "no whole safetensors file", **{**networks, "stylisation_decoder": str(foreign)})


def test_styles_that_change_after_planning_are_told(
    planned: Planned, prepared: Any, store_root: str, tmp_path: Path
) -> None:
    folder = painted(tmp_path / "styles", 3, "planned")
    step = named(planned({"styles": str(folder)}, POSSIBLE, ()), "styles")
    painted(folder / "more", 1, "more")
    with pytest.raises(TrainableError, match=r"styles: .* changed since it was planned; start again"):
        run_step(step, store_root, prepared.digests, threads=1)


def test_the_hub_s_encoder_is_held_to_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(TrainableError, match=r"AdaIN needs vgg19-.*\.pth, which is not at") as caught:
        vgg19_encoder()
    assert caught.value.code == "WEIGHTS_MISSING"
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "vgg19-dcbb9e9d.pth").write_bytes(b"another")
    with pytest.raises(TrainableError, match=r"its SHA-256 begins with .* not as its name says"):
        vgg19_encoder()


def test_examples_show_each_image_beside_its_style(build: Any, store: Store, store_root: str) -> None:
    import pyarrow as pa

    built = build()
    step = examples_step(named(built.steps, SET), count=5)
    digest, told = run_step(step, store_root, built.digests, threads=1)
    batch = pa.ipc.open_file(pa.memory_map(str(store.open(digest).path / "examples.arrow"))).get_batch(0)
    assert told == {**told, "images": 5, "set": "augmentation/stylised", "attack": "stylised"}
    names = ("clean", "style", "perturbed")
    clean, style, perturbed = (torch.from_numpy(batch.column(name).to_numpy_ndarray().copy()) for name in names)
    again = matched(clean.double() / 255, style.double() / 255, StatisticsOptions())
    assert torch.equal(again.mul(255).round().clamp(0, 255).to(torch.uint8), perturbed)


def test_a_trial_trains_with_stylised_images(build: Any, store: Store, make_trainer: Any) -> None:
    built = build()
    sets = {name: built.digests[name] for name in (SET,)}
    with_styles = make_trainer(sets, ("clean_accuracy",), extra_sets=["stylised"], extra_share=1.0)
    with_styles.train_epoch()
    assert 0 <= with_styles.score()["clean_accuracy"] <= 1
    with pytest.raises(TrainableError, match="stylised"):
        make_trainer({}, ("clean_accuracy",), extra_sets=["stylised"])
