"""Taking recordings into an index of fingerprints: analysed side by side, written in their order."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from mirtool.cli.job import Job
from mirtool.cli.outcomes import Outcome, caught, in_order
from mirtool.cli.plan import Plan
from mirtool.errors import OutputProblem
from mirtool.retrieval.parameters import FingerprintParameters

if TYPE_CHECKING:
    from mirtool.retrieval.recognition.library import Known, Track

AT_ONCE = 1 << 20  # landmarks that are committed together, of some 50 songs: what a killed run loses at most

Row = tuple[str, float, Literal["added", "updated", "unchanged"]]


@dataclass(frozen=True)
class _Task:
    """A file to analyse; travels between processes."""

    plan: Plan
    parameters: FingerprintParameters


def ingest(job: Job, path: str, parameters: FingerprintParameters) -> tuple[list[Row], list[str]]:
    """Add the inputs of a job to an index; files that have not changed since they were added are left alone.

    What is done is kept, whatever happens later: an interrupted run goes on where it is called again.

    Parameters
    ----------
    job : Job
    path : str
        Of the index, which is made if there is none.
    parameters : FingerprintParameters
        What the user did not give is as the index has it.

    Returns
    -------
    rows : list of (str, float, str)
        Name, duration (s) and what was done, of each file that could be read, in the order of the inputs.
    failed : list of str
        The others, which have been reported.

    Raises
    ------
    MirtoolError
        Of a single input that cannot be read.
    """
    from mirtool.store import Document

    names = list(dict.fromkeys(job.inputs))
    parameters, known = _known(path, names, parameters, job.plan.given)
    rows: dict[str, Row] = {}
    for name, before in known.items():
        if name != "-" and before.document == Document.of_file(name):
            rows[name] = (name, before.duration, "unchanged")
    missing = [name for name in names if name not in rows]
    failed, kept = [], _Kept(path, parameters)
    try:
        with job.progress(len(missing), "identify add") as advance:
            outcomes = _tracks(job.plan, missing, parameters, alone=len(names) == 1)
            for name, outcome in zip(missing, outcomes, strict=True):
                advance(1)
                outcome.replay(name)
                if outcome.result is None:
                    failed.append(name)
                    continue
                kept.add(outcome.result)
                rows[name] = (name, outcome.result.duration, "updated" if name in known else "added")
    except (KeyboardInterrupt, SystemExit):
        kept.commit()
        raise
    kept.commit()
    return [rows[name] for name in names if name in rows], failed


def _known(
    path: str, names: Sequence[str], parameters: FingerprintParameters, given: frozenset[str]
) -> "tuple[FingerprintParameters, dict[str, Known]]":
    """Look into the index, if there is one: its parameters, and which of the files it knows."""
    from mirtool import store
    from mirtool.retrieval.recognition import library

    if os.path.lexists(path):
        with store.reading(path, library.KIND) as index:
            return library.agreed(index, parameters, given), library.known(index, names)
    if not os.path.isdir(os.path.dirname(path) or "."):
        raise OutputProblem(f"{path}: no such folder")
    return parameters, {}


class _Kept:
    """Tracks on their way into an index."""

    def __init__(self, path: str, parameters: FingerprintParameters) -> None:
        self._path, self._parameters = path, parameters
        self._tracks: list[Track] = []
        self._landmarks = 0

    def add(self, track: "Track") -> None:
        """Take a track; commit when there are many."""
        self._tracks.append(track)
        self._landmarks += len(track.fingerprint.hashes)
        if self._landmarks >= AT_ONCE:
            self.commit()

    def commit(self) -> None:
        """Write all."""
        from mirtool.retrieval.recognition import library

        if self._tracks:
            library.add(self._path, self._tracks, self._parameters)
        self._tracks, self._landmarks = [], 0


def _tracks(
    plan: Plan, names: Sequence[str], parameters: FingerprintParameters, *, alone: bool
) -> "Iterator[Outcome[Track]]":
    """Yield what comes of each file; the error of one that is alone is raised."""
    tasks = [_Task(replace(plan, inputs=(name,)), parameters) for name in names]
    if alone:
        yield from (Outcome(_track(task)) for task in tasks)
    else:
        yield from in_order(_attempt, tasks, [(name,) for name in names], plan.jobs)


def _attempt(task: _Task) -> "Outcome[Track]":
    return caught(_track, task, task.plan.inputs, task.plan.level)


def _track(task: _Task) -> "Track":
    """Compute the track of a file, whose state is that before it is read."""
    from mirtool.retrieval.recognition.fingerprints import fingerprint
    from mirtool.retrieval.recognition.library import Track
    from mirtool.retrieval.recognition.peaks import FRAME
    from mirtool.store import Document

    document = Document.of_file(task.plan.inputs[0])
    source, start = Job(task.plan).read_from_zero()
    found = fingerprint(source, task.parameters)
    if begin := round(start / FRAME):
        found = replace(found, times=found.times + begin, frames=found.frames + begin)
    seconds = found.frames * FRAME if source.frames is None else start + source.frames / source.sample_rate
    return Track(document, seconds, found)
