"""What is built, where, and on how many CPUs: no step twice, no shard of a set that is there, no node idle."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from robustune.cluster import Cluster
from robustune.errors import Mistake
from robustune.preparation import addresses, missing, standing, whole_names, with_files
from trainables.data.store import Store
from trainables.preparation import SUMMARY, Step

NAMES = ("data", "baseline", "set/hold-out/0", "set/hold-out/1", "set/hold-out", "set/augmentation/fooling-0.5/0")


def chain(names: Sequence[str] = NAMES) -> list[Step]:
    """Steps, each of which reads all before it."""
    return [Step(name, "data", {"name": name}, tuple(names[:place])) for place, name in enumerate(names)]


def publish(steps: Sequence[Step], root: Path, *names: str) -> None:
    digests = addresses(steps)
    for name in names:
        text = json.dumps({"of": name})
        Store(str(root)).publish(digests[name], lambda folder, text=text: said(folder, text), {})  # type: ignore[misc]


def said(folder: Path, text: str) -> None:
    (folder / SUMMARY).write_text(text)


@pytest.mark.parametrize(
    ("nodes", "tasks", "gpus", "threads"),
    [
        ([(2, 0)], 1, 0, 2),
        ([(2, 0)], 2, 0, 1),
        ([(2, 0)], 16, 0, 1),
        ([(16, 0), (16, 0)], 1, 0, 16),  # a task never spans nodes
        ([(16, 0), (16, 0)], 2, 0, 16),
        ([(16, 0), (16, 0)], 3, 0, 8),
        ([(16, 0), (16, 0)], 16, 0, 2),  # both nodes are full
        ([(16, 0), (16, 0)], 40, 0, 1),
        ([(0, 0), (8, 0)], 4, 0, 2),  # a head node that offers nothing
        ([(16, 2)], 16, 1, 8),  # GPUs let only two run at a time
        ([(16, 1)], 16, 0.25, 4),
        ([(0.5, 0)], 3, 0, 1),
        ([(4, 0)], 3, 1, 1),  # a cluster that is still to grow
    ],
)
def test_as_many_tasks_run_as_can_and_share_all_cpus(
    nodes: list[tuple[float, float]], tasks: int, gpus: float, threads: int
) -> None:
    cluster = Cluster(tuple(nodes))
    assert cluster.threads(tasks, gpus) == threads
    at_a_time = min(tasks, cluster.slots(1, gpus))
    assert cluster.slots(threads, gpus) >= at_a_time
    if at_a_time and threads < max(cpus for cpus, _ in nodes):
        assert cluster.slots(threads + 1, gpus) < at_a_time


def test_a_shard_belongs_to_its_set_and_every_other_step_to_itself() -> None:
    owners = whole_names(NAMES)
    assert owners["set/hold-out/1"] == owners["set/hold-out"] == "set/hold-out"
    assert owners["set/augmentation/fooling-0.5/0"] == "set/augmentation/fooling-0.5/0"
    assert owners["baseline"] == "baseline"


def test_what_the_store_holds_is_not_missing_nor_are_the_shards_of_a_set_that_is_there(tmp_path: Path) -> None:
    steps = chain()
    assert standing(steps, str(tmp_path)) == {}
    assert missing(steps, ()) == steps
    publish(steps, tmp_path, "data", "set/hold-out")
    there = standing(steps, str(tmp_path))
    assert {name: (one.summary, one.there) for name, one in there.items()} == {
        "data": ({"of": "data"}, True),
        "set/hold-out": ({"of": "set/hold-out"}, True),
    }
    assert [step.name for step in missing(steps, there)] == ["baseline", "set/augmentation/fooling-0.5/0"]


def test_a_damaged_entry_is_taken_away_and_missing(tmp_path: Path) -> None:
    steps = chain()
    publish(steps, tmp_path, "data", "baseline")
    digest = addresses(steps)["baseline"]
    (tmp_path / digest / SUMMARY).write_text('{"of": "somebody"}')
    assert set(standing(steps, str(tmp_path))) == {"data"}
    assert not (tmp_path / digest).exists()


def test_a_file_at_a_uri_is_fetched_and_the_address_stays(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "weights.safetensors").write_bytes(b"weights")
    near = tmp_path / "near"
    near.mkdir()
    step = Step("set/a", "data", {}, here=True, places={"weights": f"file://{tmp_path}/far/weights.safetensors"})
    ours = with_files(step, near)
    fetched = Path(ours.places["weights"])
    assert fetched.parent == near
    assert fetched.read_bytes() == b"weights"
    assert addresses([ours]) == addresses([step])
    local: Any = replace(step, places={"weights": str(fetched)})
    assert with_files(local, near) is local
    gone = replace(step, places={"weights": f"file://{tmp_path}/far/none"})
    with pytest.raises(Mistake, match="CKPT_MISSING"):
        with_files(gone, near)
