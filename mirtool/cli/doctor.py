"""`mirtool doctor`: what is installed, and is it in order."""

import os
import shutil
import sys
from collections.abc import Iterator
from typing import Annotated

from mirtool.cli.command import command
from mirtool.cli.job import Job
from mirtool.cli.options import Option

NEEDED = ("numpy", "scipy", "numba", "llvmlite", "soundfile", "soxr", "mir_eval", "matplotlib", "rich", "typer")
EXTRAS = {"partitura": "score"}

Row = tuple[str, str, str]


@command(None, writes="table")
def doctor(
    job: Job,
    warm: Annotated[bool, Option("Compile all kernels now, so that no later call has to wait.")] = False,
) -> None:
    """Show what is installed, and compile the kernels.

    Lists versions, the audio formats that can be read, optional parts, and where compiled kernels are kept. A part that
    is not there says `missing`, and the note how to get it.

    Columns: part,state,note

    For example:
        mirtool doctor
        mirtool doctor --warm
    """
    import numpy as np

    from mirtool.types import Table

    rows = [*_versions(), *_audio(), *_machine(), *_kernels(job, warm)]
    columns = zip(*rows, strict=True)
    names = ("part", "state", "note")
    job.write(Table({name: np.array(column, dtype=object) for name, column in zip(names, columns, strict=True)}))


def _versions() -> Iterator[Row]:
    from importlib.metadata import PackageNotFoundError, version

    from mirtool import __version__

    yield "mirtool", __version__, ""
    yield "python", ".".join(map(str, sys.version_info[:3])), sys.executable
    for name in NEEDED:
        try:
            yield name, version(name), ""
        except PackageNotFoundError:
            yield name, "missing", "pip install mirtool"
    for name, extra in EXTRAS.items():
        try:
            yield name, version(name), f"optional: {extra}"
        except PackageNotFoundError:
            yield name, "missing", f"optional: pip install 'mirtool[{extra}]'"


def _audio() -> Iterator[Row]:
    import soundfile

    yield "libsndfile", soundfile.__libsndfile_version__, " ".join(sorted(soundfile.available_formats()))
    found = shutil.which("ffmpeg")
    yield (
        "ffmpeg",
        "found" if found else "missing",
        found or "optional: reads what libsndfile cannot (M4A, WMA, video …)",
    )


def _machine() -> Iterator[Row]:
    from mirtool.jit import cache_folder

    folder = cache_folder()
    yield "kernel cache", "writable" if folder else "missing", folder or "set NUMBA_CACHE_DIR to a folder you can write"
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    pinned = [
        f"{name}={os.environ[name]}" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS") if name in os.environ
    ]
    yield "threads", str(usable), " ".join(pinned)


def _kernels(job: Job, warm: bool) -> Iterator[Row]:
    """Yield a row a chapter that has kernels; compile them if asked."""
    import importlib
    import pkgutil
    import time

    import mirtool

    modules: dict[str, list[str]] = {}
    for item in pkgutil.walk_packages(mirtool.__path__, "mirtool."):
        _, chapter, *inside = item.name.split(".")
        if inside and inside[-1].endswith("_kernels"):
            modules.setdefault(chapter, []).append(item.name)
    with job.progress(len(modules), "compiling") as advance:
        for name, files in sorted(modules.items()):
            if not warm:
                yield f"kernels of {name}", "there", "mirtool doctor --warm compiles them"
                continue
            begin = time.perf_counter()
            for file in files:
                importlib.import_module(file).warm()
            yield f"kernels of {name}", "ready", f"{time.perf_counter() - begin:.1f} s"
            advance(1)
