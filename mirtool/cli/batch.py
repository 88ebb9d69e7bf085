"""Many inputs: how jobs are run, one by one or side by side, and which of them --skip-existing finds done."""

import json
import logging
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import Any

from mirtool import __version__
from mirtool.cli import progress
from mirtool.cli.command import HEADED, Command, entry_of
from mirtool.cli.failures import Failure
from mirtool.cli.job import Job
from mirtool.cli.outcomes import Outcome, caught, in_order
from mirtool.cli.parameters import as_mapping
from mirtool.cli.plan import Plan
from mirtool.errors import BatchFailure, FormatError

log = logging.getLogger("mirtool")

MANIFEST = "manifest.json"


def perform(plan: Plan) -> bytes:
    """Do one job in this process; return what it has for a shared stream."""
    import importlib

    command = entry_of(importlib.import_module(plan.module)).commands[plan.name]
    job = Job(plan)
    manifest = os.path.join(plan.output, MANIFEST) if plan.parts else None
    for folder in plan.folders:
        os.makedirs(folder, exist_ok=True)
    if manifest is not None:
        with suppress(FileNotFoundError):
            os.unlink(manifest)
    command(job, **plan.parameters, **plan.own)
    job.finish()
    if manifest is not None:
        _write_manifest(plan, manifest, list(job.parts.values()))
    return job.collected


def attempt(plan: Plan) -> Outcome[bytes]:
    """Do one job and catch what goes wrong; runs in worker processes, too."""
    return caught(perform, plan, plan.inputs, plan.level)


def run(command: Command, plans: Sequence[Plan], *, jobs: int, debug: bool, quiet: bool) -> None:
    """Do all jobs; results go to a shared stream in the order of the inputs.

    Parameters
    ----------
    command : Command
    plans : sequence of Plan
        One is done as if there were no batch: its error is the error of the program.
    jobs : int
        How many at once.
    debug, quiet : bool

    Raises
    ------
    BatchFailure
        At least one job failed; each has been reported.
    """
    if len(plans) == 1 and not plans[0].collect:
        perform(plans[0])
        return
    failed: list[str] = []
    with ExitStack() as stack:
        sink = _Shared(plans[0].output, plans[0].format) if plans and plans[0].collect else None
        advance = stack.enter_context(progress.bar(" ".join(command.path), len(plans), quiet=quiet))
        if sink is not None:
            stack.enter_context(sink)
        for plan, outcome in zip(plans, in_order(attempt, plans, [plan.inputs for plan in plans], jobs), strict=True):
            advance(1)
            if outcome.result is not None and sink is not None:
                outcome = replace(outcome, failure=sink.add(outcome.result, plan))
            outcome.replay(plan.label)
            failure = outcome.failure
            if failure is not None:
                failed.append(plan.label)
                if debug and failure.trace:
                    sys.stderr.write(failure.trace)
        if sink is not None and len(failed) == len(plans):
            raise failure_of(failed, len(plans))  # before the stream is closed: an older file stays
    if failed:
        raise failure_of(failed, len(plans))


def failure_of(failed: Sequence[str], count: int) -> BatchFailure:
    """Make the error of a run in which some of so many inputs failed."""
    shown = ", ".join(failed[:20]) + (f" and {len(failed) - 20} more" if len(failed) > 20 else "")
    return BatchFailure(f"{len(failed)} of {count} failed: {shown}")


class _Shared:
    """One stream for the results of several jobs: the header once, and nothing half-written under the target's name."""

    def __init__(self, target: str, format: str | None) -> None:
        from mirtool.io import streams

        self._output = streams.atomic(target)
        self._headed = format in HEADED
        self._header: bytes | None = None
        self._live = target == "-"

    def __enter__(self) -> None:
        self._stream = self._output.__enter__()

    def __exit__(self, *what: Any) -> None:
        self._output.__exit__(*what)

    def add(self, data: bytes, plan: Plan) -> Failure | None:
        """Append the result of a job; a failure if its columns differ from those before it."""
        if self._headed:
            header, _, rest = data.partition(b"\n")
            if self._header is None:
                self._header, rest = header, data
            elif header != self._header:
                message = f"its columns ({header.decode()}) differ from those before it ({self._header.decode()})"
                return Failure.of(FormatError(message, plan.label), plan.inputs, "")
            data = rest
        self._stream.write(data)
        if self._live:
            self._stream.flush()
        return None


# ----------------------------------------------------------------------------------------------- what is there already


def is_done(plan: Plan) -> bool:
    """Tell whether the outputs of a job are there, as --skip-existing understands it."""
    if not all(os.path.exists(name) for name in plan.extras):
        return False
    if not plan.parts:
        return plan.output != "-" and os.path.exists(plan.output)
    try:
        with open(os.path.join(plan.output, MANIFEST), encoding="utf-8") as stream:
            manifest = json.load(stream)
        files = manifest["files"]
        same = {key: manifest[key] for key in ("command", "parameters")} == _identity(plan)
        return same and all(os.path.exists(os.path.join(plan.output, name)) for name in files)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _identity(plan: Plan) -> dict[str, Any]:
    """Say what was computed, as JSON gives it back."""
    made = {"command": " ".join(plan.path), "parameters": {**as_mapping(plan.parameters.values()), **plan.own}}
    return dict(json.loads(json.dumps(made, default=str)))


def _write_manifest(plan: Plan, target: str, files: Sequence[str]) -> None:
    from mirtool.io import streams

    content = {"mirtool": __version__, **_identity(plan), "files": files}
    with streams.atomic(target) as stream:
        stream.write(json.dumps(content, indent=1).encode() + b"\n")
