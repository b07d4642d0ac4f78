"""A mask out of MATLAB's files is what scipy reads there, and a hostile file costs no more than its own bytes."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
import scipy.io
import scipy.sparse

from trainables.data.ingestion.segmentation_matlab import matrix_of
from trainables.data.ingestion.trees import Unreadable

VALUES = np.random.default_rng(0).integers(0, 21, (7, 11)).astype(np.uint8)


def saved(mask: Any = VALUES, packed: bool = True, **others: Any) -> bytes:
    """A file as SBD has them: `GTcls` with sparse boundaries in a cell, the mask, and the classes that are there."""
    boundaries = np.empty((20, 1), object)
    for place in range(20):
        boundaries[place, 0] = scipy.sparse.csc_matrix((np.asarray(mask).shape), dtype=bool)
    fields = {"Boundaries": boundaries, "Segmentation": mask, "CategoriesPresent": np.array([[1], [2]], np.uint8)}
    stream = io.BytesIO()
    scipy.io.savemat(stream, {**others, "GTcls": fields}, do_compression=packed)
    return stream.getvalue()


def read(content: bytes) -> Any:
    return matrix_of(content, "GTcls", "Segmentation")


def refused(content: bytes, *told: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read(content)
    for part in told:
        assert part in str(caught.value)


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("kind", ["u1", "i2", "i4", "f8", "u2"])
def test_a_matrix_is_what_scipy_reads(packed: bool, kind: str) -> None:
    content = saved(VALUES.astype(kind), packed, other=np.arange(9), name="text", more={"Segmentation": VALUES.T})
    found = read(content)
    wanted = scipy.io.loadmat(io.BytesIO(content))["GTcls"]["Segmentation"][0, 0]
    assert np.array_equal(found, wanted)
    assert np.array_equal(found, VALUES)
    assert found.dtype == np.uint8


@pytest.mark.parametrize("shape", [(1, 1), (1, 3), (2, 2), (5, 1), (100, 90)])
def test_small_matrices_that_stand_in_their_tag_are_read(shape: tuple[int, int]) -> None:
    values = (np.arange(shape[0] * shape[1]).reshape(shape) % 21).astype(np.uint8)
    assert np.array_equal(read(saved(values)), values)


def test_what_is_not_there_is_told() -> None:
    stream = io.BytesIO()
    scipy.io.savemat(stream, {"GTinst": {"Segmentation": VALUES}, "GTcls": VALUES})
    refused(stream.getvalue(), "has no GTcls.Segmentation")
    refused(b"", "no MATLAB 5 file")
    refused(b"MATLAB 7.3 MAT-file" + bytes(200), "no MATLAB 5 file", "-v7")


@pytest.mark.parametrize(
    ("mask", "told"),
    [
        (VALUES + 0.5, "whole ones"),
        (VALUES.astype(np.int16) - 1, "whole ones"),
        (VALUES.astype(np.int16) + 250, "whole ones"),
        (np.full((2, 2), np.nan), "whole ones"),
        (VALUES * 1j, "no matrix"),
        (np.array([["text"]], object), "no matrix"),
        ("text", "no matrix"),
        (np.zeros((2, 3, 4), np.uint8), "2x3x4"),
        (np.zeros((0, 4), np.uint8), "0x4"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_what_is_no_mask_is_told(mask: Any, told: str) -> None:
    stream = io.BytesIO()
    scipy.io.savemat(stream, {"GTcls": {"Segmentation": mask}})
    refused(stream.getvalue(), told)


def test_a_cut_file_is_refused_wherever_it_ends() -> None:
    for packed in (True, False):
        content = saved(packed=packed)
        for length in range(0, len(content) - 1, 13):
            try:
                assert np.array_equal(read(content[:length]), VALUES)  # what follows the mask may be missing
            except Unreadable:
                continue


def test_flipped_bytes_never_end_in_another_error() -> None:
    plain = saved(packed=False)
    draws = np.random.default_rng(5)
    for _ in range(400):
        content = bytearray(plain)
        for place in draws.integers(128, len(content), 3):
            content[place] = draws.integers(256)
        try:
            assert read(bytes(content)).ndim == 2
        except Unreadable:
            continue


def test_a_bomb_is_refused_before_it_is_unpacked_whole() -> None:
    packed = zlib.compress(struct.pack("<II", 14, 1 << 28) + bytes(1 << 28))
    refused(saved()[:128] + struct.pack("<II", 15, len(packed)) + packed, "damaged", "unpacks to more")
