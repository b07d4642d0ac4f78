import json
from pathlib import Path

import pyarrow.fs as pafs
import pytest

from trainables.checkpoint_folder import CheckpointFolder
from trainables.errors import TrainableError


class Counter:
    """The least that can be kept: a number in a file."""

    def __init__(self, epoch: int = 0) -> None:
        self.epoch = epoch

    def save(self, path: Path) -> None:
        path.write_text(str(self.epoch))

    def load(self, path: Path) -> None:
        try:
            self.epoch = int(path.read_text())
        except ValueError as error:
            raise TrainableError("CKPT_CORRUPT", "no number") from error


def filled(root: str, *epochs: int) -> CheckpointFolder:
    folder = CheckpointFolder(root)
    for epoch in epochs:
        folder.keep(Counter(epoch), {"epoch": epoch, "metrics": {"score": epoch / 10}})
    return folder


@pytest.fixture(params=["path", "uri"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "00001") if request.param == "path" else (tmp_path / "00001").as_uri()


def test_the_newest_checkpoint_is_taken_up_with_its_result(root: str) -> None:
    trainer = Counter()
    result = filled(root, 1, 3, 9).take_up(trainer, None)
    assert trainer.epoch == 9
    assert result is not None
    assert result["metrics"] == {"score": 0.9}
    assert result["checkpoint"]["bytes"] == 1


@pytest.mark.parametrize(("up_to", "expected"), [(0, 0), (1, 1), (2, 1), (3, 3), (100, 9)])
def test_no_checkpoint_beyond_the_bound_is_taken_up(root: str, up_to: int, expected: int) -> None:
    trainer = Counter()
    filled(root, 1, 3, 9).take_up(trainer, up_to)
    assert trainer.epoch == expected


def test_an_empty_folder_gives_nothing(root: str) -> None:
    assert CheckpointFolder(root).take_up(Counter(), None) is None


@pytest.mark.parametrize("damage", ["flip", "truncate", "no_result", "half_result", "refused"])
def test_a_checkpoint_that_is_not_whole_is_passed_over(tmp_path: Path, damage: str) -> None:
    folder = filled(str(tmp_path), 1, 3)
    file, result = tmp_path / "epoch-00003.safetensors", tmp_path / "epoch-00003.json"
    if damage == "flip":
        file.write_bytes(b"4")
    elif damage == "truncate":
        file.write_bytes(b"")
    elif damage == "no_result":
        result.unlink()
    elif damage == "half_result":
        result.write_text(result.read_text()[:-5])
    else:
        folder.keep(Counter(3), {"epoch": 3})
        (tmp_path / "epoch-00003.safetensors").write_text("x")
        whole = json.loads(result.read_text())
        whole["checkpoint"]["sha256"] = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
        result.write_text(json.dumps(whole))
    trainer = Counter()
    folder.take_up(trainer, None)
    assert trainer.epoch == 1


@pytest.mark.parametrize("foreign", ["[]", '"x"', "[" * 9999, '{"epoch": "3"}'])
def test_foreign_files_in_the_folder_count_for_nothing(tmp_path: Path, foreign: str) -> None:
    folder = filled(str(tmp_path), 1)
    for name in ("notes", "epoch-00003", "epoch-3"):
        (tmp_path / f"{name}.json").write_text(foreign)
        (tmp_path / f"{name}.safetensors").write_text("3")
    trainer = Counter()
    folder.take_up(trainer, None)
    assert trainer.epoch == 1


def test_storage_that_no_uri_describes_keeps_checkpoints_too(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    remote = pafs.SubTreeFileSystem(str(tmp_path / "shared"), pafs.LocalFileSystem())
    folder = CheckpointFolder("bucket/00001", remote)
    folder.keep(Counter(2), {"epoch": 2})
    trainer = Counter()
    assert CheckpointFolder("bucket/00001", remote).take_up(trainer, None) is not None
    assert trainer.epoch == 2


def test_a_secret_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(TrainableError) as caught:
        CheckpointFolder("s3://key:secret@bucket/folder")
    assert "secret" not in str(caught.value)


def test_a_traceback_with_undecodable_names_is_kept(tmp_path: Path) -> None:
    CheckpointFolder(str(tmp_path)).keep_error("no file \udcff")
    assert "udcff" in (tmp_path / "error.txt").read_text()


def test_nothing_is_left_aside(tmp_path: Path) -> None:
    filled(str(tmp_path), 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["epoch-00001.json", "epoch-00001.safetensors"]
