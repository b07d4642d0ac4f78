"""One connection to MLflow: finds where the search belongs there, and sends what the ledger has beyond the cursor."""

import json
import time
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

from mlflow.entities import Metric, RunTag
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from analysis import records
from analysis.front import hypervolume_history
from analysis.records import Event
from analysis.tracked import RECORD_FILE
from robustune import relative
from robustune.brackets import Brackets
from robustune.tracking import closing, places, translation
from robustune.tracking.cursor import Cursor
from robustune.tracking.destination import begin_database, printable
from robustune.tracking.machine import Machine

EVENTS_AT_A_TIME: Final = 200
HYPERVOLUME_SECONDS: Final = 5.0
_REFUSALS: Final = ("INVALID_PARAMETER_VALUE", "BAD_REQUEST", "RESOURCE_DOES_NOT_EXIST")


class Sender:
    """Sends in the order of the ledger; whatever is sent twice arrives once.

    Every method may raise MlflowException or an error of the connection: what was not committed to the cursor is then
    sent again, by another sender.

    Args:
        folder: the study's folder.
        uri: the tracking URI.
        cursor: of this destination.
        warn: takes one line for the user.
    """

    def __init__(self, folder: Path, uri: str, cursor: Cursor, warn: Callable[[str], None]) -> None:
        self._folder = folder
        self._cursor = cursor
        self._warn = warn
        self._study = records.read_study(folder)
        self._ways = records.measured(folder)
        begin_database(uri)
        self._client = MlflowClient(tracking_uri=uri)
        self._inputs = 0
        self._artifacts_taken = True
        self._hypervolume_due = 0.0
        self._machine = Machine(records.facts(folder)["created"])
        self._brackets = Brackets(self._study)
        self.refused: set[int] = set()
        self._experiment = places.experiment(
            self._client, uri, self._study.name, warn, closing.escaped(self._study.description)
        )
        self._parent = self._opened_parent()
        self._adopt()
        self._send_file(self._send_study)
        self._send_file(self._send_record)

    @property
    def compare_fragment(self) -> str | None:
        """Where the MLflow UI compares the runs of the front, or None while the front is empty."""
        return closing.compare_fragment(self._experiment, closing.front_runs(self._folder, self._cursor.runs))

    def send(self) -> bool:
        """Sends the next events and returns whether there were any."""
        happened = list(islice(records.events(self._folder, after=self._cursor.seq), EVENTS_AT_A_TIME))
        self._send_inputs()
        if measured := self._machine.measured():
            self._client.log_batch(self._parent, metrics=measured)
        if not happened:
            return False
        promised = self._cursor.promise(happened)
        by_trial: dict[int, list[Event]] = {}
        for event in happened:
            if event.kind == "reported":
                event = promised[event.trial, event.epoch]
            by_trial.setdefault(event.trial, []).append(event)
        for trial, events in by_trial.items():
            self._send_or_skip(trial, events)
        self._cursor.advance(happened[-1].seq)
        if any(event.state == "complete" for event in happened) and time.monotonic() >= self._hypervolume_due:
            self._send_hypervolume()
        return True

    def close(self, interrupted: bool) -> None:
        """Ends the parent run with its front, its figures and a note, and every run that is still open.

        Args:
            interrupted: the search ended before its budget; its trials in flight end KILLED until it is resumed.
        """
        self._send_hypervolume()
        self._adopt()
        in_flight = self._in_flight()
        for trial in in_flight & self._cursor.runs.keys():
            self._end(self._cursor.runs[trial], "interrupted", time.time())
        for path in closing.artifacts(self._folder):
            self._send_file(partial(self._client.log_artifact, self._parent, str(path)))
        self._send_file(self._send_front)
        self._send_file(self._send_record)  # again: what ended the search is known by now
        self._send_best()
        status = "interrupted" if interrupted or in_flight else "complete"
        note = closing.note(self._folder, self._experiment, self._cursor.runs)
        tags = [RunTag("robustune.status", status), RunTag("mlflow.note.content", note)]
        self._client.log_batch(self._parent, tags=tags)
        self._client.set_terminated(self._parent, translation.STATUS[status], translation.milliseconds(time.time()))

    def _opened_parent(self) -> str:
        facts = records.facts(self._folder)
        created = translation.milliseconds(facts["created"])
        tags = {
            # The digest as it was begun: a study that is extended keeps its run.
            **translation.search_tags(self._study, f"{facts['digest'][:16]}-{created}"),
            **translation.measured_tags(self._ways, self._study.budget.epochs),
        }
        run = places.parent(self._client, self._experiment, tags, created)
        identity = str(run.info.run_id)
        self._cursor.settle(self._experiment, identity)
        if not run.data.params:
            # Pages that compare searches begin with the metric that came first, which is the machine's otherwise.
            none = Metric("hypervolume", 0.0, created, 0)
            self._client.log_batch(identity, metrics=[none], params=translation.search_parameters(self._study))
        if run.data.tags.get("robustune.status") != "running":
            self._client.set_tag(identity, "robustune.status", "running")
        if run.info.status != "RUNNING":
            self._client.update_run(identity, status="RUNNING")
        return identity

    def _send_file(self, send: Callable[[], None]) -> None:
        """Sends an artifact; a server that takes none is told of once, and does not hold up the rest."""
        try:
            send()
        except (MlflowException, OSError) as error:
            self._client.get_run(self._parent)
            if self._artifacts_taken:
                self._artifacts_taken = False
                self._warn(f"MLflow took no files ({printable(str(error))}); they are in the study's folder")

    def _send_study(self) -> None:
        self._client.log_text(self._parent, self._study.source or self._study.to_json(), "study.toml")

    def _send_record(self) -> None:
        self._client.log_text(self._parent, json.dumps(records.context(self._folder), indent=1), RECORD_FILE)

    def _send_best(self) -> None:
        if best := closing.best(self._folder):
            # The time and the place of the last ending, so that the same front sent again is the same point.
            ended = [at for at in records.trials(self._folder)["ended"].to_pylist() if at is not None]
            at = translation.milliseconds(max(ended))
            points = [Metric(name, value, at, len(ended)) for name, value in best.items()]
            self._client.log_batch(self._parent, metrics=points)

    def _send_front(self) -> None:
        version, told = closing.version(self._folder), closing.front_csv(self._folder)
        for path in closing.versioned(self._folder):
            self._client.log_artifact(self._parent, str(path), version)
        self._client.log_text(self._parent, told, f"{version}/front.csv")
        self._client.log_text(self._parent, told, "front.csv")

    def _adopt(self) -> None:
        found = places.children(self._client, self._experiment, self._parent, self._cursor.runs)
        in_flight = self._in_flight()
        for trial, run in found.items():
            self._cursor.adopt(trial, run.info.run_id)
            if trial in in_flight and run.info.status != "RUNNING":
                self._client.update_run(run.info.run_id, status="RUNNING")
                self._client.set_tag(run.info.run_id, "robustune.state", "running")

    def _in_flight(self) -> set[int]:
        table = records.trials(self._folder)
        states = zip(table["number"].to_pylist(), table["state"].to_pylist(), strict=True)
        return {number for number, state in states if state == "running"}

    def _send_or_skip(self, trial: int, events: list[Event]) -> None:
        try:
            self._send_trial(trial, events)
        except MlflowException as error:
            if error.error_code not in _REFUSALS:
                raise
            # Where the parent run is gone too, this is another server than before: this call raises, and the next
            # sender sends everything there. Otherwise the user deleted this one run, and it stays deleted.
            self._client.log_batch(self._parent, tags=[RunTag("robustune.status", "running")])
            if not self.refused:
                self._warn(f"MLflow refused trial {trial} ({printable(error.message)}); the ledger has it")
            self.refused.add(trial)

    def _send_trial(self, trial: int, events: list[Event]) -> None:
        asked = events[0].kind == "asked"
        run = self._cursor.runs.get(trial)
        if run is None:
            run = self._create(trial, events[0].recorded)
            asked = True
        if asked and self._inputs:
            self._client.log_inputs(run, translation.inputs(records.sets(self._folder)))
        epochs = self._study.budget.epochs
        reported = [event for event in events if event.kind == "reported"]
        points = [point for event in reported for point in translation.points(event, self._ways, epochs)]
        ending = next((event for event in events if event.kind == "ended"), None)
        tags = self._place_tags(trial, max((event.epoch for event in events), default=0))
        self._client.log_batch(
            run,
            metrics=points,
            params=translation.trial_parameters(self._study, events[0]) if asked else [],
            tags=[*tags, *(translation.ending_tags(ending) if ending else [])],
        )
        if ending:
            status, ended = translation.STATUS[ending.state], translation.milliseconds(ending.recorded)
            self._client.set_terminated(run, status, ended)

    def _place_tags(self, trial: int, reached: int) -> list[RunTag]:
        rule, epochs, bracket = self._study.early_stopping, self._study.budget.epochs, self._brackets.of(trial)
        rungs, several = (*rule.rungs(epochs, bracket), epochs), rule.brackets > 1
        order = records.order(self._folder, trial)
        return translation.place_tags(order, rungs, bracket if several else None, reached)

    def _create(self, trial: int, started: float) -> str:
        tags = translation.trial_tags(self._study, self._parent, trial)
        run = self._client.create_run(
            self._experiment, translation.milliseconds(started), tags, run_name=f"trial {trial}"
        )
        self._cursor.adopt(trial, run.info.run_id)
        return str(run.info.run_id)

    def _end(self, run: str, state: str, ended: float) -> None:
        self._client.set_tag(run, "robustune.state", state)
        self._client.set_terminated(run, translation.STATUS[state], translation.milliseconds(ended))

    def _send_inputs(self) -> None:
        sets = records.sets(self._folder)
        if len(sets) > self._inputs:
            self._client.log_inputs(self._parent, translation.inputs(sets))
            if errors := sets.get(relative.ERRORS):
                told = relative.baseline(self._study, errors)[: translation.LONGEST_TAG]
                self._client.set_tag(self._parent, "robustune.baseline", told)
            self._send_file(self._send_record)
            self._inputs = len(sets)

    def _send_hypervolume(self) -> None:
        table = records.trials(self._folder)
        ended = dict(zip(table["number"].to_pylist(), table["ended"].to_pylist(), strict=True))
        rows = hypervolume_history(table, self._study).to_pylist()
        new = [row for row in rows if row["finished"] > self._cursor.finished]
        self._hypervolume_due = time.monotonic() + HYPERVOLUME_SECONDS
        if new:
            points = [
                Metric(
                    "hypervolume", row["hypervolume"], translation.milliseconds(ended[row["trial"]]), row["finished"]
                )
                for row in new
            ]
            self._client.log_batch(self._parent, metrics=points)
            self._cursor.advance_hypervolume(new[-1]["finished"])
