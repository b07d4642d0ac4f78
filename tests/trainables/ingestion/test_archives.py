"""No archive puts a file anywhere, and a hostile one is refused whole with the member that makes it so."""

import io
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trainables.data.ingestion import archives
from trainables.data.ingestion.archives import opened
from trainables.data.ingestion.trees import Tree, Unreadable, rooted
from trainables.errors import TrainableError

FILES = {
    "top/a/1.txt": b"one",
    "top/a/2.txt": b"two" * 1000,
    "top/b/3.txt": b"",
    "top/.hidden": b"x",
    "__MACOSX/a": b"x",
}


def contents(tree: Tree, at: str = "") -> dict[str, bytes]:
    """Every file that a tree shows."""
    below = f"{at}/" if at else ""
    found = {f"{below}{name}": tree.read(f"{below}{name}") for name in tree.files(at)}
    for folder in tree.folders(at):
        found |= contents(tree, f"{below}{folder}")
    return found


@pytest.mark.parametrize("name", ["x.zip", "x.tar", "x.tar.gz", "x.tgz", "x.tar.bz2", "x.tar.xz", "folder"])
def test_archives_and_folders_show_the_same_files(making: Any, tmp_path: Path, name: str) -> None:
    path = making.written(tmp_path / name, FILES) if name == "folder" else making.packed(tmp_path / name, FILES)
    before = sorted(tmp_path.rglob("*"))
    with opened(path, tmp_path) as tree:
        visible = {name: content for name, content in FILES.items() if "a/" in name or "b/" in name}
        assert contents(tree) == visible
        assert rooted(tree, ["a"]) == "top"
        assert tree.folders("nowhere") == tree.files("nowhere") == []
        with pytest.raises(Unreadable):
            tree.read("top/nowhere")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_stored_zip_reads_like_a_deflated_one(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("a/b", b"content")
    with opened(tmp_path / "x.zip", tmp_path) as tree:
        assert tree.read("a/b") == b"content"


def test_dots_in_front_of_names_change_nothing(making: Any, tmp_path: Path) -> None:
    with opened(making.packed(tmp_path / "x.tar", {"./a/./b": b"content"}), tmp_path) as tree:
        assert tree.read("a/b") == b"content"


HOSTILE = ["../evil", "a/../../evil", "/etc/evil", "..", "a\\..\\..\\evil", "C:/evil", "a/" + "x" * 2000]


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz"])
@pytest.mark.parametrize("name", HOSTILE)
def test_a_member_outside_the_root_is_refused_by_name(making: Any, tmp_path: Path, suffix: str, name: str) -> None:
    (tmp_path / "inner").mkdir()
    path = making.packed(tmp_path / "inner" / f"x{suffix}", {"fine": b"x", name: b"evil"})
    refused(path, "ARCHIVE_UNSAFE", name[:40].replace("\\", "\\\\"))
    assert sorted(tmp_path.rglob("*")) == [tmp_path / "inner", path]


def refused(path: Path, code: str, *told: str) -> TrainableError:
    """Holds an archive to be refused, in one line and without anything written."""
    before = sorted(path.parent.rglob("*"))
    with pytest.raises(TrainableError) as caught, opened(path, path.parent):
        pass
    assert caught.value.code == code
    for part in (str(path), *told):
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)
    assert sorted(path.parent.rglob("*")) == before
    return caught.value


def tar_with(path: Path, change: Callable[[tarfile.TarInfo], None]) -> Path:
    with tarfile.open(path, "w") as archive:
        member = tarfile.TarInfo("odd")
        change(member)
        archive.addfile(member, io.BytesIO(b"\0" * member.size))
    return path


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.GNUTYPE_SPARSE],
)
def test_links_devices_and_pipes_in_a_tar_are_refused(tmp_path: Path, kind: bytes) -> None:
    def change(member: tarfile.TarInfo) -> None:
        member.type, member.linkname = kind, "/etc/passwd"

    refused(tar_with(tmp_path / "x.tar", change), "ARCHIVE_UNSAFE", "'odd'")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFSOCK])
def test_links_and_devices_in_a_zip_are_refused(tmp_path: Path, kind: int) -> None:
    member = zipfile.ZipInfo("odd")
    member.external_attr = (kind | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(member, "/etc/passwd")
    refused(tmp_path / "x.zip", "ARCHIVE_UNSAFE", "'odd'", "link")


def test_a_name_with_a_nul_is_refused_and_not_cut_there(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("abcdefgh", b"x")
    content = (tmp_path / "x.zip").read_bytes().replace(b"abcdefgh", b"a.jpg\0gh")
    (tmp_path / "x.zip").write_bytes(content)
    refused(tmp_path / "x.zip", "ARCHIVE_UNSAFE", "\\x00")


@pytest.mark.parametrize("suffix", [".zip", ".tar"])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_stands_there_twice_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    if suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a/b", b"one")
            archive.writestr("a//b", b"two")
    else:
        with tarfile.open(path, "w") as packed:
            packed.addfile(tarfile.TarInfo("a/b"))
            packed.addfile(tarfile.TarInfo("./a/b"))
    refused(path, "ARCHIVE_UNSAFE", "a/b", "twice")


@pytest.mark.parametrize("suffix", [".zip", ".tar.gz", ".tar.xz", ".tar.bz2"])
def test_a_bomb_is_refused_before_it_unpacks(
    making: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setattr(archives, "FREE_OF_RATIO", 1 << 16)
    path = making.packed(tmp_path / f"x{suffix}", {"zeros": b"\0" * (1 << 23)})
    refused(path, "ARCHIVE_UNSAFE", f"{path.stat().st_size}")


def test_too_many_members_and_too_large_ones_are_refused(
    making: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = making.packed(tmp_path / "x.zip", {f"{number}": b"x" for number in range(12)})
    monkeypatch.setattr(archives, "MOST_MEMBERS", 10)
    refused(path, "ARCHIVE_UNSAFE", "'10'", "10")
    monkeypatch.undo()
    monkeypatch.setattr(archives, "LARGEST_FILE", 100)
    refused(making.packed(tmp_path / "y.tar", {"large": b"x" * 101}), "ARCHIVE_UNSAFE", "'large'", "101")


def test_a_zip_that_lies_about_a_size_gives_no_more_than_it_says(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("liar", b"\0" * 100_000)
    content = (tmp_path / "x.zip").read_bytes().replace((100_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    (tmp_path / "x.zip").write_bytes(content)
    with opened(tmp_path / "x.zip", tmp_path) as tree, pytest.raises(Unreadable, match="damaged"):
        tree.read("liar")


def test_damaged_members_are_unreadable(making: Any, tmp_path: Path) -> None:
    path = making.packed(tmp_path / "x.zip", {"a": bytes(range(256)) * 10, "b": b"fine"})
    content = bytearray(path.read_bytes())
    content[60] ^= 0xFF
    path.write_bytes(content)
    with opened(path, tmp_path) as tree:
        with pytest.raises(Unreadable, match="damaged"):
            tree.read("a")
        assert tree.read("b") == b"fine"


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz", ".tar.xz", ".tar.bz2"])
def test_an_archive_that_is_cut_short_is_no_archive(making: Any, tmp_path: Path, suffix: str) -> None:
    path = making.packed(tmp_path / f"x{suffix}", {f"{n}": zlib.compress(bytes([n]) * 9000) * 300 for n in range(9)})
    content = path.read_bytes()
    for share in (0.3, 0.9):
        path.write_bytes(content[: int(len(content) * share)])
        refused(path, "DATA_INVALID")


def test_a_tar_with_a_damaged_header_does_not_just_end_there(making: Any, tmp_path: Path) -> None:
    path = making.packed(tmp_path / "x.tar", {"a": b"one", "b": b"two", "c": b"three"})
    content = bytearray(path.read_bytes())
    content[1024 + 150] ^= 0xFF  # in the checksum of the second header
    path.write_bytes(content)
    refused(path, "DATA_INVALID", "damaged", "1 members")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x1f\x8b", b"text" * 500, b"BZh9", b"\xfd7zXZ\x00"])
def test_other_files_are_no_archives(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    refused(tmp_path / "x", "DATA_INVALID")


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere", tmp_path / ("x" * 300), tmp_path / "nul\0"):
        with pytest.raises(TrainableError) as caught, opened(path, tmp_path):
            pass
        assert caught.value.code == "DATA_INVALID"


def test_an_encrypted_zip_is_refused(making: Any, tmp_path: Path) -> None:
    path = making.packed(tmp_path / "x.zip", {"a": b"secret"})
    content = bytearray(path.read_bytes())
    for start in (content.index(b"PK\x03\x04") + 6, content.index(b"PK\x01\x02") + 8):
        content[start] |= 1
    path.write_bytes(content)
    refused(path, "DATA_INVALID", "encrypted")


# Folders


def test_links_in_a_folder_lead_to_plain_files_alone(tmp_path: Path) -> None:
    import os

    root = tmp_path / "folder"
    root.mkdir()
    (tmp_path / "outside").write_bytes(b"content")
    (root / "link").symlink_to(tmp_path / "outside")
    (root / "device").symlink_to("/dev/zero")
    (root / "broken").symlink_to(tmp_path / "nowhere")
    (root / "loop").symlink_to(root / "loop")
    os.mkfifo(root / "pipe")
    with opened(root, tmp_path) as tree:
        assert tree.files("") == ["broken", "device", "link", "loop", "pipe"]
        assert tree.read("link") == b"content"
        for name in ("broken", "device", "loop", "pipe"):
            with pytest.raises(Unreadable):
                tree.read(name)


def test_a_tar_of_long_names_within_each_other_is_no_archive(tmp_path: Path) -> None:
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 4
    (tmp_path / "x.tar").write_bytes((header.tobuf() + b"abc".ljust(tarfile.BLOCKSIZE, b"\0")) * 3000)
    refused(tmp_path / "x.tar", "DATA_INVALID")


def test_a_zip_member_that_lies_beyond_the_end_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("far", b"content")
        archive.filelist[0].header_offset = 1 << 63
    refused(tmp_path / "x.zip", "ARCHIVE_UNSAFE", "far")
