"""`cluster.yaml` is what Ray's own launcher takes: its schema first, then its checks with everything filled in."""

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import ray.autoscaler
import yaml

ROOT = Path(__file__).parents[1]


@pytest.fixture
def cluster() -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load((ROOT / "cluster.yaml").read_text())
    return config


def test_it_passes_the_schema_that_ray_ships(cluster: dict[str, Any]) -> None:
    schema = json.loads((Path(ray.autoscaler.__file__).parent / "ray-schema.json").read_text())
    jsonschema.validate(cluster, schema)
    with pytest.raises(jsonschema.ValidationError):  # the schema does judge
        jsonschema.validate({**cluster, "max_worker": 4}, schema)


def test_it_passes_the_checks_of_ray_up(cluster: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from ray.autoscaler._private.util import prepare_config, validate_config

    monkeypatch.chdir(ROOT)  # file mounts are relative to where `ray up` is run
    validate_config(prepare_config(cluster))


def test_every_node_runs_the_locked_versions_from_the_folder_that_travels(cluster: dict[str, Any]) -> None:
    assert cluster["file_mounts"][f"/home/{cluster['auth']['ssh_user']}/robustune"] == "."
    assert any("make setup" in line for line in cluster["setup_commands"])
    assert {"results", ".venv"} <= set(cluster["rsync_exclude"])


def test_the_head_runs_no_trial_and_shows_nothing_to_strangers(cluster: dict[str, Any]) -> None:
    head = cluster["available_node_types"][cluster["head_node_type"]]
    assert head["resources"]["CPU"] == 0
    started = " ".join(cluster["head_start_ray_commands"])
    assert "--dashboard-host=127.0.0.1" in started
    assert any("RAY_AUTH_MODE=token" in line for line in cluster["setup_commands"])
