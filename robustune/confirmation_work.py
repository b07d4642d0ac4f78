"""Trains and scores the nets of a confirmation on Ray, which is connected when something is first to be done."""

import contextlib
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from analysis import records
from analysis.confirmation import OUTCOMES
from robustune.aside import own_folder
from robustune.building import warn_of_unshared
from robustune.cluster import Cluster, connected
from robustune.confirmation_left import Left, left
from robustune.confirmation_nets import Net, Retraining, Wanted, kept_epochs, nets, still_to_train
from robustune.confirmation_sets import Sets, checkpoint_of, outcomes_steps, read_by
from robustune.errors import Mistake
from robustune.ledger import Ledger
from robustune.preparation import Prepared, missing, prepare, standing
from robustune.screen import Screen
from robustune.settings import Settings
from robustune.whole_trials import Recorded, options_of
from trainables.outcomes import OUTCOMES as NET_OUTCOMES
from trainables.preparation import Step

LEDGER_FOLDER: Final = "confirmation"


class Work:
    """Trains nets that a ledger lacks, and scores each once; what was done before is taken as it is.

    Args:
        done: the search.
        ledger: of the confirmation.
        sets: that it is made with.
        settings: where the store is, and the cluster.
        screen: shows how it goes.
        session: ends with the caller's block, and Ray's connection with it.
    """

    def __init__(
        self,
        done: Recorded,
        ledger: Ledger,
        sets: Sets,
        settings: Settings,
        screen: Screen,
        session: contextlib.ExitStack,
    ) -> None:
        self._done = done
        self._ledger = ledger
        self._sets = sets
        self._settings = settings
        self._screen = screen
        self._session = session
        self._aside = session.enter_context(own_folder("nets"))
        self._cluster: Cluster | None = None
        self._tried: set[tuple[int, int]] = set()  # a worker that was lost too often is not tried again in one run
        self.scores: dict[tuple[int, int], dict[str, float]] = {}

    @property
    def nets(self) -> list[Net]:
        """Every net that was begun, as the ledger has it now."""
        return nets(self._ledger.folder)

    def outcomes(self, wanted: Sequence[Wanted]) -> pa.Table:
        """Trains what of these nets is missing, and returns what the whole ones among them scored, and no others.

        So whoever decides by it decides as if the nets of earlier runs, or of later seeds, were not there.

        Raises:
            Mistake: what training, building and scoring say.
        """
        self._train([one for one in still_to_train(wanted, self.nets) if one.key not in self._tried])
        keys = {one.key for one in wanted}
        return self._scored([net for net in self.nets if net.state == "complete" and net.key in keys])

    def left(self, wanted: Sequence[Wanted]) -> Left:
        """Returns what is left until these nets are trained and scored."""
        return left(self._done, wanted, self.nets, self._sets, self._settings)

    def all_outcomes(self) -> pa.Table:
        """Returns what every whole net scored, those of earlier runs among them.

        Raises:
            Mistake: what building and scoring say.
        """
        return self._scored([net for net in self.nets if net.state == "complete"])

    def _train(self, waiting: Sequence[Wanted]) -> None:
        running = [net.key for net in self.nets if net.state == "running"]
        if not waiting and not running:
            return
        self._tried |= {*running, *(one.key for one in waiting)}
        cluster = self._connected()
        prepared = self._built(self._sets.training)
        for name, built in prepared.items():
            self._record(name, built)
        from robustune.running import concurrency
        from robustune.tuning import Slots, run_trials
        from trainables.trial import TrialPlan

        study, settings = self._done.study, self._settings
        base = TrialPlan(
            number=-1,
            seed=-1,
            trainer=study.trainer,
            options=dict(study.options),
            metrics=(),  # a net is scored when it has trained, on images that it could not reach before
            sets={name: built.digest for name, built in prepared.items() if name in self._sets.trained_with},
            store=settings.store,
            checkpoints=settings.checkpoints(f"{self._done.folder.name}/{LEDGER_FOLDER}"),
            epochs=study.budget.epochs,
            rungs=kept_epochs(study.budget.epochs),
            threads=max(1, int(settings.cpus_per_trial)),
        )
        slots = Slots(settings.cpus_per_trial, settings.gpus_per_trial, concurrency(cluster, settings))
        try:
            run_trials(Retraining(self._ledger, waiting, self._screen.say), base, slots)
        except Mistake as mistake:
            if mistake.code != "CLUSTER_LOST":
                raise
            told = mistake.message.replace("ended the search", "ended the confirmation")
            raise Mistake(mistake.code, told.replace("`robustune resume`", "the same command")) from mistake

    def _scored(self, whole: Sequence[Net]) -> pa.Table:
        steps = {net.key: self._steps(net) for net in whole}
        planned = read_by(self._sets, list({step.name: step for each in steps.values() for step in each}.values()))
        waiting = {step.name for step in missing(planned, standing(planned, self._settings.store))}
        files = {steps[net.key][-1].name: self._placed(net) for net in whole if steps[net.key][-1].name in waiting}
        own = {net.key: steps[net.key][-1].name for net in whole}
        built = self._built([replace(step, **files.get(step.name, {})) for step in planned], set(own.values()))
        for name, one in built.items():
            self._record(name, one)
        finite = [net for net in whole if "failure" not in built[own[net.key]].summary]
        self.scores |= {net.key: built[own[net.key]].summary["scores"] for net in finite}
        rows = [_rows(net, self._file(built[own[net.key]])) for net in finite]
        return pa.concat_tables([OUTCOMES.empty_table(), *rows])

    def _steps(self, net: Net) -> tuple[Step, ...]:
        return outcomes_steps(self._done.study, self._sets, net, options_of(self._done, net.trial))

    def _placed(self, net: Net) -> dict[str, Any]:
        """Where a step reads a net's checkpoint, and whether that is on the driver's machine alone."""
        place, here = checkpoint_of(net, self._ledger.folder, self._settings, self._aside)
        return {"places": {"checkpoint": place}, "here": here}

    def _built(self, planned: Sequence[Step], spared: Collection[str] = ()) -> dict[str, Prepared]:
        ready = standing(planned, self._settings.store)
        if not missing(planned, ready):
            return ready
        cluster = self._connected()
        with self._screen.building(planned, ready, len(cluster.nodes)) as watcher:
            gpus = self._settings.gpus_per_trial
            return prepare(planned, ready, self._settings.store, cluster, gpus, watcher, spared)

    def _record(self, name: str, built: Prepared) -> None:
        told = records.sets(self._ledger.folder).get(name)
        if told is None or told["digest"] != built.digest:
            self._ledger.record_set(name, built.digest, built.summary)

    def _file(self, built: Prepared) -> Path:
        from trainables.data.store import Store  # late: it takes torch along

        return Store(self._settings.store).open(built.digest).path / NET_OUTCOMES

    def _connected(self) -> Cluster:
        if self._cluster is None:
            self._cluster = self._session.enter_context(connected(self._settings.address))
            warn_of_unshared(self._cluster, self._settings, self._screen)
        return self._cluster


def _rows(net: Net, path: Path) -> pa.Table:
    """What one net scored, as rows of the whole table."""
    own = pq.read_table(path)
    columns = {
        "trial": pa.array([net.trial] * len(own), pa.int64()),
        "replicate": pa.array([net.replicate] * len(own), pa.int32()),
        **{name: own[name] for name in ("metric", "source", "value")},
    }
    return pa.table(columns, schema=OUTCOMES)
