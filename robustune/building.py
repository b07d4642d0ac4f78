"""Has what is planned built outside a search, on a Ray that is started only where something is missing."""

from collections.abc import Sequence

from robustune.cluster import Cluster, connected
from robustune.preparation import Prepared, missing, prepare, standing
from robustune.screen import Screen
from robustune.settings import Settings
from trainables.preparation import Step


def bring(planned: Sequence[Step], settings: Settings, screen: Screen) -> dict[str, Prepared]:
    """Returns every planned step as the store holds it, built where it did not.

    Args:
        planned: each step after those that it reads.
        settings: where the store is, and the cluster.
        screen: shows how it goes.

    Raises:
        Mistake: CLUSTER_UNREACHABLE, PREPARATION_FAILED, and what a builder says.
    """
    ready = standing(planned, settings.store)
    if not missing(planned, ready):
        return ready
    with connected(settings.address) as cluster:
        warn_of_unshared(cluster, settings, screen)
        with screen.building(planned, ready, len(cluster.nodes)) as watcher:
            return prepare(planned, ready, settings.store, cluster, settings.gpus_per_trial, watcher)


def warn_of_unshared(cluster: Cluster, settings: Settings, screen: Screen) -> None:
    """Says what several nodes need where no storage is named."""
    if len(cluster.nodes) > 1 and settings.storage is None:
        screen.say(
            f"warning: the cluster has {len(cluster.nodes)} nodes; without --storage each must reach "
            f"{settings.results_folder} under that path"
        )
