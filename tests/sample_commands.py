"""Small commands that test the frame: they read and write tables only."""

import dataclasses
import hashlib
import logging
import os
import signal
import time
from collections.abc import Mapping
from typing import Annotated, Literal

from mirtool.cli.command import command
from mirtool.cli.inputs import Argument, collected, fixed, group, many, search_in
from mirtool.cli.job import Job
from mirtool.cli.options import Option
from mirtool.errors import DataError, ParameterError

METHODS = ("mean", "median", "trimmed")
TROUBLES = ("no", "kill", "defect", "data", "slow", "stuck")
log = logging.getLogger("mirtool.sample")


@dataclasses.dataclass(frozen=True)
class ShiftParameters:
    by: float = dataclasses.field(default=0.5, metadata={"help": "How far to shift.", "unit": "s"})
    mode: Literal["later", "earlier"] = dataclasses.field(default="later", metadata={"help": "Which way."})
    order: str = dataclasses.field(default="up", metadata={"help": "Order of rows.", "choices": ("up", "down")})
    count: int | None = dataclasses.field(default=None, metadata={"help": "Keep so many rows."})
    weights: Mapping[str, float] = dataclasses.field(
        default_factory=lambda: {"a": 1.0, "b": 0.5}, metadata={"help": "Weights."}
    )
    bands: tuple[float, ...] = dataclasses.field(default=(1.0, 2.5), metadata={"help": "Bands.", "unit": "Hz"})
    exact: bool = dataclasses.field(default=True, metadata={"help": "Be exact."})
    seed: int = 0

    def __post_init__(self) -> None:
        if self.by < 0:
            raise ParameterError(f"by must not be negative ({self.by})")


@dataclasses.dataclass(frozen=True)
class MiddleParameters:
    method: str = dataclasses.field(default="mean", metadata={"help": "Which middle.", "choices": METHODS})
    share: float = dataclasses.field(
        default=0.1, metadata={"help": "Left out.", "of": ("method", "median", "trimmed"), "unit": "1"}
    )
    foreign: int = dataclasses.field(default=1, metadata={"help": "Used.", "of": ("method", "elsewhere")})


@command(many("X", "events", "events"), writes="table")
def middle(
    job: Job,
    parameters: MiddleParameters,
    grid: Annotated[float | None, Option("Round to a grid.", unit="s")] = None,
    shifted: Annotated[bool, Option("Begin between two lines.", of=("grid",))] = False,
    weight: Annotated[str, Option("Weight by.", choices=("no", "time"))] = "no",
    power: Annotated[float, Option("Of the weight.", of=("weight", "time"))] = 1.0,
) -> None:
    """Find the middle of events."""
    import numpy as np

    from mirtool.types import Table

    job.write(Table({"share": np.array([parameters.share]), "power": np.array([power])}))


@command(many("X", "events", "events"), writes="events")
def shift(
    job: Job,
    parameters: ShiftParameters,
    copy: Annotated[str | None, Option("Write the input, too.", output=".csv")] = None,
    trouble: Annotated[str, Option("What goes wrong.", choices=TROUBLES)] = "no",
    mark: Annotated[bool, Option("Append a column.")] = False,
) -> None:
    """Shift events.

    Columns: time
    """
    events = job.read(0)
    log.info("%d events", len(events))
    if trouble == "kill" and "bad" in job.inputs[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    if trouble == "defect":
        raise RuntimeError("two\nlines")
    if trouble == "data":
        raise DataError("too short")
    if trouble == "stuck":
        hashlib.pbkdf2_hmac("sha256", b"", b"", 100_000_000)  # like a compiled loop: no signal ends it
    if trouble == "slow":
        time.sleep(30)
    sign = 1 if parameters.mode == "later" else -1
    moved = events.replace(time=events["time"] + sign * parameters.by)
    if mark:
        moved = moved.replace(mark=moved["time"] * 0 + 1)
    job.write(moved)
    if copy is not None:
        job.write_as(events, copy)


@command(fixed(Argument("REF", "events", ("events",)), Argument("EST", "events", ("events",))), writes="table")
def compare(job: Job, scale: Annotated[float, Option("Scale.")] = 1.0) -> None:
    """Count events."""
    import numpy as np

    from mirtool.types import Table

    sizes = [len(job.read(0)) * scale, len(job.read(1)) * scale]
    job.write(Table({"ref": np.array(sizes[:1]), "est": np.array(sizes[1:])}))


@command(collected("X", "events", "events"), writes="table")
def census(job: Job) -> None:
    """Count the events of each of several inputs."""
    import numpy as np

    from mirtool.types import Table

    names, counts = list(job.inputs), [len(job.read(place)) for place in range(len(job.inputs))]
    job.write(
        Table({"file": np.array(names, object), "n": np.array(counts), "jobs": np.array([job.plan.jobs] * len(names))})
    )


@command(collected("NAME", "names"), writes="table")
def spell(job: Job) -> None:
    """Write names, which need not be files."""
    import numpy as np

    from mirtool.types import Table

    job.write(Table({"name": np.array(job.inputs, object)}))


@dataclasses.dataclass(frozen=True)
class RoundingParameters:
    step: float = dataclasses.field(default=1.0, metadata={"help": "Round to this.", "unit": "s"})
    digits: tuple[int, ...] = dataclasses.field(default=(1, 2), metadata={"help": "Digits."})


@dataclasses.dataclass(frozen=True)
class CountingParameters:
    worth: float = dataclasses.field(default=1.0, metadata={"help": "Score of all."})


def check_rounding(parameters):
    if parameters.step <= 0:
        raise ParameterError(f"a step is positive, not {parameters.step:g}")


def rounded(container, parameters):
    """Make the entry of a file of events."""
    import numpy as np

    if 66 in container["time"]:
        raise KeyboardInterrupt
    if "marked" in container:
        log.warning("is marked")
    return {"ticks": np.round(container["time"] / parameters.step).astype(np.int64)}


@command(
    search_in(Argument("QUERY", "events", ("events",)), Argument("CORPUS", "events", ("events",)), instead=("times",)),
    writes="table",
    plots=True,
)
def lookup(
    job: Job,
    parameters: RoundingParameters,
    counting: CountingParameters,
    times: Annotated[str | None, Option("Look for these.")] = None,
) -> None:
    """Tell in which files the events of another occur.

    Columns: file,score
    """
    import numpy as np

    from mirtool.cli import corpus
    from mirtool.store import Kind
    from mirtool.store.entries import Layout
    from mirtool.types import Events, Table

    layout = Layout(Kind("rounded events", 1), rounded, largest=100_000, check=check_rounding)
    with corpus.search(job, layout, parameters) as found:
        asked = [query.container for query in found.queries()]
        if times is not None:
            asked = [Events({"time": np.array([float(time) for time in times.split()])})]
        queries = [rounded(container, found.parameters)["ticks"] for container in asked]
        rows = [[] for _ in queries]
        for name, entry in found.entries():
            for query, hits in zip(queries, rows, strict=True):
                hits.append((name, counting.worth * np.isin(query, entry["ticks"]).mean()))
        found.write(
            [
                Table({"file": np.array([n for n, _ in hits], object), "score": np.array([s for _, s in hits])})
                for hits in rows
            ]
        )


@command(group("A", "events", "events"), writes="table")
def collect(job: Job) -> None:
    """Count events of all inputs."""
    import numpy as np

    from mirtool.types import Table

    job.write(Table({"n": np.array([len(job.read(place)) for place in range(len(job.inputs))])}))


@command(many("X", "events", "events"), writes="audio")
def trickle(job: Job) -> None:
    """Write sound slowly, without an end."""
    import numpy as np

    from mirtool.types import Audio

    class Endless(Audio):
        def blocks(self, size, overlap=0):
            while True:
                yield np.zeros((100_000, 1), np.float32)
                time.sleep(0.02)

    job.write(Endless(np.zeros((100, 1), np.float32), 44100))


@command(many("X", "events", "events"), writes="events", parts=True)
def halves(job: Job) -> None:
    """Split events into two parts."""
    events = job.read(0)
    middle = len(events) // 2
    job.write_part("first", type(events)({"time": events["time"][:middle]}))
    job.write_part("second", type(events)({"time": events["time"][middle:]}))


@command(many("X", "audio", "audio"), writes="audio", parts=True, plots=True)
def layers(
    job: Job,
    trouble: Annotated[str, Option("What goes wrong.", choices=("no", "nan", "data", "twice", "slow"))] = "no",
    copies: Annotated[int, Option("How often the sound is repeated.")] = 1,
) -> None:
    """Take sound apart into what is above and below 0, with a matrix beside."""
    import numpy as np

    from mirtool.types import Features, StemStream

    source = job.read(0)

    def make():
        for _ in range(copies):
            for block in source.blocks(1000):
                yield np.maximum(block, 0), np.minimum(block, 0) * (np.nan if trouble == "nan" else 1)
        if trouble == "data":
            raise DataError("too long")
        if trouble == "slow":
            time.sleep(30)

    names = ("above", "above") if trouble == "twice" else ("above", "below")
    frames = source.frames * copies
    job.write_part("levels", Features(np.ones((2, 3)), 10.0))
    job.write_stems(StemStream(names, source.sample_rate, source.channels, frames, make), plot=True)


@command(many("X", "audio", "audio"), writes="events", plots=True, live=True)
def loudest(
    job: Job,
    every: Annotated[float, Option("Seconds of sound for each row.")] = 0.05,
    copy: Annotated[str | None, Option("Write the sound, too.", output=".wav")] = None,
) -> None:
    """Tell the loudest sample of each stretch of sound.

    Columns: time,strength
    """
    import numpy as np

    from mirtool.types import Events

    source, start = job.read_from_zero()
    rows = 0
    with job.rows("time", "strength") as write:
        for block in source.blocks(round(every * source.sample_rate)):
            time = start + every * rows
            rows += 1
            write(Events({"time": np.array([time]), "strength": np.array([np.abs(block).max()])}))
