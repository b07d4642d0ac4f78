"""Real image files under corruptions: what is written, what decides it, and what is refused."""

import io
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

from trainables.corrupting.making import Made, Treatment, make, seed_of
from trainables.corrupting.recipe import Cell, Recipe
from trainables.corruption_facts import CONSTANTS, CORRUPTIONS, SEVERITIES
from trainables.data.ingestion.decoding import decoded, fitted
from trainables.errors import TrainableError
from trainables.perturbations import corruptions
from trainables.perturbations.corruptions import corrupt
from trainables.seeds import derive

Pixels = npt.NDArray[np.uint8]
Run = Callable[..., Made]
FEW = ("shot_noise", "fog", "contrast")
RANDOM = Recipe((3,), ("shot_noise",))
ALONE = Recipe((2,), FEW)


def picture(number: int, height: int = 32, width: int = 32) -> Pixels:
    """A smooth picture of its own, (height, width, 3)."""
    waves = np.random.default_rng(number).uniform(1, 4, (2, 3))
    down, across = np.linspace(0, np.pi, height)[:, None, None], np.linspace(0, np.pi, width)[None, :, None]
    pixels: Pixels = (128 + 100 * np.sin(waves[0] * down + waves[1] * across)).astype(np.uint8)
    return pixels


def save(path: Path, pixels: Pixels | Image.Image, **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    (pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)).save(path, **options)


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones too, by its relative path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def pixels_of(path: Path) -> Pixels:
    return np.asarray(Image.open(path))


def expected(pixels: Pixels, recipe: Recipe, cell: Cell, name: str) -> Pixels:
    """What `corrupt` makes of one image with the seed that the papers tell."""
    image = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None]
    seeds = torch.tensor([derive(recipe.seed, cell.corruption, cell.severity, name)])
    made = corrupt(image, cell.corruption, cell.severity, seeds, recipe.constants)
    result: Pixels = made[0].permute(1, 2, 0).numpy()
    return result


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Five pictures of two sizes in two folders and at the top."""
    root = tmp_path / "photos"
    for number, name in enumerate(("a/1.png", "a/2.png", "b/deep/1.png", "b/2.png", "top.png")):
        save(root / name, picture(number, 32 + 8 * (number % 2), 36))
    return root


@pytest.fixture
def run(photos: Path, tmp_path: Path) -> Run:
    def call(
        recipe: Recipe = ALONE, path: Path = photos, out: Path = tmp_path / "out", workers: int = 2, **treatment: bool
    ) -> Made:
        return make(path, out, recipe, Treatment(workers, **treatment), lambda *_: None)

    return call


def refused(code: str, *told: str, run: Run, **arguments: Any) -> None:
    """Holds a refusal to its law: its code, and one line with what came and what would do."""
    with pytest.raises(TrainableError) as caught:
        run(**arguments)
    assert caught.value.code == code
    assert "\n" not in str(caught.value)
    for part in told:
        assert part in str(caught.value)


def test_the_facts_say_without_torch_what_corruptions_there_are() -> None:
    assert corruptions.names() == CORRUPTIONS
    assert tuple(corruptions.TABLES) == CONSTANTS
    assert {len(settings) for table in corruptions.TABLES.values() for settings in table.values()} == {len(SEVERITIES)}


def test_png_files_hold_what_corrupt_makes_of_the_decoded_image(run: Run, photos: Path, tmp_path: Path) -> None:
    recipe = Recipe((1, 4), FEW, constants="tiny-imagenet-c", seed=7)
    made = run(recipe)
    names = [path.relative_to(photos).as_posix() for path in photos.rglob("*.png")]
    assert (made.pictures, made.written, made.kept, made.others) == (5, 30, 0, 0)
    for cell in recipe.cells:
        for name in names:
            ours = pixels_of(tmp_path / "out" / cell.corruption / str(cell.severity) / name)
            assert np.array_equal(ours, expected(pixels_of(photos / name), recipe, cell, name))
        note = json.loads((tmp_path / "out" / f"{cell.folder}.json").read_text())
        assert (note["seed"], note["constants"], note["corruption"]) == (7, "tiny-imagenet-c", cell.corruption)
    assert len(files(tmp_path / "out")) == 30 + 6


def test_all_nineteen_are_made_where_none_is_named(run: Run, photos: Path, tmp_path: Path) -> None:
    assert run(Recipe((3,)), path=photos / "top.png").written == 19
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(CORRUPTIONS)
    assert all((tmp_path / "out" / name / "3" / "top.png").exists() for name in CORRUPTIONS)


def test_every_mode_of_image_is_read_as_ingestion_reads_it(run: Run, tmp_path: Path) -> None:
    root, colour = tmp_path / "modes", Image.fromarray(picture(1))
    save(root / "grey.png", colour.convert("L"))
    save(root / "palette.gif", colour.convert("P"))
    save(root / "inks.jpg", colour.convert("CMYK"))
    save(root / "clear.webp", colour.convert("RGBA"), lossless=True)
    save(root / "deep.png", Image.fromarray(picture(2)[..., 0].astype(np.uint16) * 257))
    recipe = Recipe((5,), ("brightness",))
    run(recipe, path=root)
    for path in root.iterdir():
        ours = pixels_of(tmp_path / "out" / "brightness" / "5" / f"{path.stem}.png")
        assert np.array_equal(ours, expected(decoded(path.read_bytes()), recipe, recipe.cells[0], path.name))


def test_size_fits_as_ingestion_fits(run: Run, tmp_path: Path) -> None:
    save(tmp_path / "large" / "wide.png", picture(3, 600, 900))
    recipe = Recipe((2,), ("saturate",), size=64)
    run(recipe, path=tmp_path / "large")
    ours = pixels_of(tmp_path / "out" / "saturate" / "2" / "wide.png")
    assert np.array_equal(ours, expected(fitted(picture(3, 600, 900), 64), recipe, recipe.cells[0], "wide.png"))


def test_a_file_depends_on_its_own_picture_alone(run: Run, photos: Path, tmp_path: Path) -> None:
    recipe = Recipe((3,), ("glass_blur", "fog", "spatter", "elastic_transform"))
    run(recipe)
    for number in range(20):  # enough that a picture's corruptions are no longer spread over threads
        save(photos / "a" / f"more {number}.png", picture(50 + number))
    run(recipe, out=tmp_path / "more", workers=1)
    run(recipe, out=tmp_path / "three", workers=3)
    before, more, three = (files(tmp_path / name) for name in ("out", "more", "three"))
    assert before.items() < more.items()
    assert more == three


def test_seeds_and_places_decide_the_draws(run: Run, tmp_path: Path) -> None:
    for name in ("one.png", "two.png"):
        save(tmp_path / "same" / name, picture(0))
    run(RANDOM, path=tmp_path / "same")
    run(Recipe((3,), ("shot_noise",), seed=1), path=tmp_path / "same", out=tmp_path / "other")
    cell = tmp_path / "out" / "shot_noise" / "3"
    assert (cell / "one.png").read_bytes() != (cell / "two.png").read_bytes()
    assert (cell / "one.png").read_bytes() != (tmp_path / "other/shot_noise/3/one.png").read_bytes()
    assert seed_of(RANDOM, Cell("fog", 3), "a.png") == derive(0, "fog", 3, "a.png")


def test_jpeg_has_the_quality_of_the_published_sets_and_keeps_suffixes(run: Run, tmp_path: Path) -> None:
    root = tmp_path / "mixed"
    save(root / "val_1.JPEG", picture(1), format="JPEG")
    save(root / "2.jpg", picture(2))
    save(root / "3.png", picture(3))
    run(Recipe((1,), ("contrast",), format="jpeg"), path=root)
    cell = tmp_path / "out" / "contrast" / "1"
    assert sorted(path.name for path in cell.iterdir()) == ["2.jpg", "3.jpg", "val_1.JPEG"]
    yardstick = io.BytesIO()
    Image.fromarray(picture(1)).save(yardstick, "JPEG", quality=85)
    with Image.open(cell / "val_1.JPEG") as ours, Image.open(yardstick) as theirs:
        assert ours.quantization == theirs.quantization  # type: ignore[attr-defined]


def test_ice_of_ones_own_is_taken_and_noted(run: Run, photos: Path, tmp_path: Path) -> None:
    save(tmp_path / "ice" / "black.png", np.zeros((64, 64, 3), np.uint8))
    frost = Recipe((1,), ("frost", "contrast"), ice=tmp_path / "ice")
    run(frost)
    ours = pixels_of(tmp_path / "out" / "frost" / "1" / "top.png").astype(int)
    kept = corruptions.TABLES["imagenet-c"]["frost"][0].kept
    assert np.abs(ours - pixels_of(photos / "top.png") * kept).max() <= 1
    note = json.loads((tmp_path / "out" / "frost" / "1.json").read_text())
    assert len(note["ice"]) == 64
    refused("FILES_EXIST", "frost/1.json", "ice", run=run, recipe=Recipe((1,), ("frost",)), resume=True)


def test_torch_is_left_as_it_was(run: Run) -> None:
    torch.set_num_threads(2)
    state = torch.get_rng_state()
    run()
    assert torch.get_num_threads() == 2
    assert torch.equal(torch.get_rng_state(), state)
    torch.set_num_threads(1)


# Files that are there


def test_files_that_are_there_stay_unless_the_user_says_otherwise(run: Run, tmp_path: Path) -> None:
    run()
    whole = files(tmp_path / "out")
    lost, spoilt = tmp_path / "out/fog/2/a/1.png", tmp_path / "out/fog/2/a/2.png"
    lost.unlink()
    spoilt.write_bytes(b"mine")
    refused("FILES_EXIST", "14 of 15 files", "shot_noise/2/a/1.png", "--resume", "--overwrite", run=run)
    assert not lost.exists()
    resumed = run(resume=True)
    assert (resumed.written, resumed.kept) == (1, 14)
    assert files(tmp_path / "out") == {**whole, "fog/2/a/2.png": b"mine"}
    assert run(overwrite=True).written == 15
    assert files(tmp_path / "out") == whole


def test_two_recipes_never_share_a_folder(run: Run, tmp_path: Path) -> None:
    run(RANDOM)
    again = Recipe((3,), ("shot_noise",), seed=5)
    refused("FILES_EXIST", "shot_noise/3.json", "seed 0, not 5", run=run, recipe=again, resume=True)
    run(Recipe((4,), ("shot_noise",), seed=5))  # another folder
    run(again, overwrite=True)
    assert json.loads((tmp_path / "out/shot_noise/3.json").read_text())["seed"] == 5
    (tmp_path / "out/shot_noise/3.json").write_text("[" * 10_000)
    refused("FILES_EXIST", "is no note", run=run, recipe=again, resume=True)


def test_replacing_never_leaves_pictures_of_another_recipe(run: Run, photos: Path, tmp_path: Path) -> None:
    """They would stand beside a note that tells of others, and --resume would keep them."""
    run(RANDOM)
    again = Recipe((3,), ("shot_noise",), seed=5)
    refused("FILES_EXIST", "4 files", "a/2.png", run=run, path=photos / "top.png", recipe=again, overwrite=True)
    assert json.loads((tmp_path / "out/shot_noise/3.json").read_text())["seed"] == 0

    def interrupt(what: str, done: int, total: int) -> None:
        if what == "corrupting":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(photos, tmp_path / "out", again, Treatment(1, overwrite=True), interrupt)
    run(again, resume=True)
    run(again, out=tmp_path / "fresh")
    assert files(tmp_path / "out") == files(tmp_path / "fresh")


def test_pictures_without_a_note_stay(run: Run, photos: Path, tmp_path: Path) -> None:
    """As in a published set to which some are added."""
    save(tmp_path / "out/shot_noise/3/theirs.png", picture(9))
    theirs = files(tmp_path / "out")
    run(RANDOM, resume=True)
    assert theirs.items() < files(tmp_path / "out").items()


def test_an_interrupt_leaves_whole_files_and_the_rest_can_be_made(run: Run, photos: Path, tmp_path: Path) -> None:
    recipe, out = Recipe((1, 2, 3), FEW), tmp_path / "stopped"

    def interrupt(what: str, done: int, total: int) -> None:
        if what == "corrupting" and done >= 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(photos, out, recipe, Treatment(2), interrupt)
    run(recipe)
    whole, left = files(tmp_path / "out"), files(out)
    assert 10 <= len(left) - len(recipe.cells) < 45
    assert left.items() < whole.items()
    assert run(recipe, out=out, resume=True).kept == len(left) - len(recipe.cells)
    assert files(out) == whole


# Refusals: each before anything is written


@pytest.mark.parametrize(
    ("recipe", "told"),
    [
        ({"severities": (0,)}, ["severity is 0", "1 (weak) to 5"]),
        ({"severities": (3, 6)}, ["severity is 6"]),
        ({"severities": ()}, ["no severity"]),
        ({"corruptions": ("fogg",)}, ["'fogg', did you mean 'fog'?", "gaussian_noise"]),
        ({"constants": "imagenet"}, ["'imagenet', did you mean 'imagenet-c'?", "cifar-10-c"]),
        ({"format": "gif"}, ["no format 'gif'", "png, jpeg"]),
        ({"size": 31}, ["size is 31", "32 to 512"]),
        ({"severities": (9,), "size": 600}, ["severity is 9", "size is 600"]),
    ],
)
def test_unlawful_recipes_are_told_at_once(recipe: dict[str, Any], told: Sequence[str]) -> None:
    with pytest.raises(TrainableError) as caught:
        Recipe(**{"severities": (3,), **recipe})
    assert caught.value.code == "OPTION_INVALID"
    for part in told:
        assert part in str(caught.value)


def test_pictures_that_cannot_be_corrupted_are_named_together(run: Run, photos: Path, tmp_path: Path) -> None:
    save(photos / "small.png", picture(0, 31, 40))
    save(photos / "large.png", picture(0, 40, 513))
    (photos / "torn.jpg").write_bytes(b"\xff\xd8\xffno")
    (photos / "readme.txt").write_text("no image")
    told = ["3 of 8 pictures", "small.png (is 40x31", "large.png (is 513x40", "torn.jpg (", "--size N", "--skip-un"]
    refused("IMAGES_UNREADABLE", *told, run=run)
    assert not (tmp_path / "out").exists()
    made = run(skip_unreadable=True)
    assert [name for name, _ in made.left_out] == ["large.png", "small.png", "torn.jpg"]
    assert (made.pictures, made.written, made.others) == (5, 15, 1)
    fitting = Recipe((2,), FEW, size=48)
    refused("IMAGES_UNREADABLE", "1 of 8", "torn.jpg", run=run, recipe=fitting, out=tmp_path / "fitted")


def test_nothing_readable_is_refused_even_where_pictures_may_be_left_out(run: Run, tmp_path: Path) -> None:
    save(tmp_path / "tiny" / "1.png", picture(0, 8, 8))
    refused("IMAGES_UNREADABLE", "1 of 1", "--size N", run=run, path=tmp_path / "tiny", skip_unreadable=True)


def test_only_what_would_do_is_offered(run: Run, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_text("words")
    with pytest.raises(TrainableError, match=r"broken\.png.*; mend them$"):
        run(path=tmp_path / "broken.png")
    save(tmp_path / "photos" / "tiny.png", picture(0, 8, 8))
    (tmp_path / "photos" / "words.png").write_text("words")
    with pytest.raises(TrainableError, match="--size N fits those of other sides to N by N, --skip-unreadable leaves"):
        run(path=tmp_path / "photos")


def test_what_is_no_picture_is_refused(run: Run, tmp_path: Path) -> None:
    refused("DATA_INVALID", "nowhere", "No such file", run=run, path=tmp_path / "nowhere")
    (tmp_path / "empty" / "deep").mkdir(parents=True)
    (tmp_path / "empty" / "deep" / "notes.txt").write_text("words")
    refused("DATA_INVALID", "no image", "1 other file", ".png", run=run, path=tmp_path / "empty")
    refused("IMAGES_UNREADABLE", "notes.txt", run=run, path=tmp_path / "empty/deep/notes.txt")


def test_pictures_that_would_become_one_file_are_refused(run: Run, photos: Path) -> None:
    save(photos / "top.jpg", picture(0))
    refused("DATA_INVALID", "top.jpg and top.png (both top.png)", "rename", run=run)


def test_output_never_lies_among_the_pictures(run: Run, photos: Path, tmp_path: Path) -> None:
    for out in (photos, photos / "out", photos / "a" / ".." / "c"):
        refused("OPTION_INVALID", str(photos), "elsewhere", run=run, out=out)
    run(RANDOM, path=photos / "a")
    (photos / "linked").symlink_to(tmp_path / "out")
    refused("OPTION_INVALID", "elsewhere", run=run, recipe=RANDOM)
    made = tmp_path / "out" / "shot_noise" / "3"
    for path in (made, made / "1.png"):
        refused("OPTION_INVALID", "elsewhere", run=run, recipe=RANDOM, path=path, overwrite=True)
    run(Recipe((1,), ("contrast",)), path=photos / "top.png", out=photos.parent)  # beside it is no harm


def test_a_link_to_a_folder_above_is_not_followed(run: Run, photos: Path) -> None:
    (photos / "a" / "back").symlink_to(photos)
    assert run().pictures == 5


def test_a_folder_that_cannot_be_written_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    refused("RESULTS_UNWRITABLE", "taken", "Not a directory", run=run, out=tmp_path / "taken")


def test_ice_without_pictures_is_refused(run: Run, tmp_path: Path) -> None:
    frost = Recipe((1,), ("frost",), ice=tmp_path)
    refused("OPTION_INVALID", "--ice", "no picture of ice", ".png", run=run, recipe=frost)
    save(tmp_path / "ice.png", picture(0, 16, 16))
    refused("OPTION_INVALID", "--ice", "32 pixels", run=run, recipe=frost)


def test_keeping_and_replacing_at_once_is_refused(run: Run) -> None:
    refused("OPTION_INVALID", "--overwrite", "--resume", run=run, overwrite=True, resume=True)


def test_names_of_strangers_are_kept_as_they_are(run: Run, photos: Path, tmp_path: Path) -> None:
    names = [os.fsdecode(b"\xff\xfe.png"), "two\nlines.png", "\x1b[31m.PNG", "no image.png.txt"]
    save(tmp_path / "odd" / "plain.png", picture(0))
    for name in names:
        (tmp_path / "odd" / name).write_bytes((tmp_path / "odd" / "plain.png").read_bytes())
    made = run(RANDOM, path=tmp_path / "odd")
    assert (made.written, made.others) == (4, 1)
    there = {path.name for path in (tmp_path / "out" / "shot_noise" / "3").iterdir()}
    assert there == {"plain.png", *names[:3]}
    refused("FILES_EXIST", "4 of 4", "\\x1b[31m.PNG", "\\udcff", run=run, recipe=RANDOM, path=tmp_path / "odd")
