"""A Ray that does not come up in time. Ray is a stand-in here: a machine so busy cannot be had on demand."""

import pytest

from robustune.cluster import _start
from robustune.errors import Mistake


class LateRay:
    """Fails to start as Ray does on a busy machine, so many times."""

    def __init__(self, failures):
        self.failures, self.started, self.ended = failures, 0, 0

    def init(self, **_):
        self.started += 1
        if self.started <= self.failures:
            raise Exception("The current node timed out during startup. This could happen because some of the raylet")

    def shutdown(self):
        self.ended += 1


def test_a_ray_that_was_late_once_is_started_again():
    ray = LateRay(failures=1)
    _start(ray, "local", {})
    assert (ray.started, ray.ended) == (2, 1)


def test_a_ray_that_is_late_twice_ends_in_one_line():
    with pytest.raises(Mistake, match="did not start on this machine in time") as told:
        _start(LateRay(failures=2), "local", {})
    assert told.value.code == "CLUSTER_UNREACHABLE"
    assert "\n" not in str(told.value)


def test_any_other_failure_is_told_at_once():
    ray = LateRay(failures=1)
    with pytest.raises(Mistake, match="did not start or answer"):
        _start(ray, "10.0.0.5:6379", {})
    assert ray.started == 1
