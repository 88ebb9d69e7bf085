"""What tests of commands share: calls in process and in a process of their own, and synthesised inputs."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

# One thread, here and in processes started from here, as the program itself has it: with more, small matrix products
# take forty times as long on a busy machine, and their last bits differ.
os.environ.setdefault("OPENBLAS_NUM_THREADS", os.environ.get("OMP_NUM_THREADS", "1"))
import inputs

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Result:
    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode()


@pytest.fixture
def call(capfdbinary: pytest.CaptureFixture[bytes]) -> Callable[..., Result]:
    """Run a command line in this process."""
    from mirtool.cli.main import run

    def call(*arguments: str | Path, loader: Any = None) -> Result:
        words = [str(word) for word in arguments]
        code = run(words) if loader is None else run(words, loader)
        sys.stdout.flush()
        captured = capfdbinary.readouterr()
        return Result(code, captured.out, captured.err.decode())

    return call


def environment() -> dict[str, str]:
    """Return the environment of a program of its own: there loops are compiled, as coverage does not see them."""
    inherited = {name: value for name, value in os.environ.items() if name != "NUMBA_DISABLE_JIT"}
    return {**inherited, "PYTHONPATH": str(ROOT)}


def launch(arguments: Sequence[str | Path], **more: Any) -> subprocess.Popen[bytes]:
    """Start the program as users do; stdout and stderr are pipes unless told."""
    words = [sys.executable, "-m", "mirtool", *map(str, arguments)]
    variables = {**environment(), **more.pop("env", {})}
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, **more}
    return subprocess.Popen(words, env=variables, **pipes)


@pytest.fixture
def program() -> Callable[..., Result]:
    """Run the program in a process of its own."""

    def program(*arguments: str | Path, data: bytes | None = None, patience: float = 120, **more: Any) -> Result:
        if data is not None:
            more["stdin"] = subprocess.PIPE
        with launch(arguments, **more) as process:
            try:
                out, err = process.communicate(data, timeout=patience)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return Result(process.returncode, out or b"", (err or b"").decode())

    return program


class Listening:
    """A program that reads a pipe which the test writes to."""

    def __init__(self, *words: str | Path, **more: Any) -> None:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
        self.process = subprocess.Popen(
            [str(word) for word in words],
            env={**environment(), "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests")))},
            bufsize=0,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
            **pipes,
        )
        self.text = b""

    def feed(self, data: bytes) -> None:
        self.process.stdin.write(data)

    def wait_for(self, lines: int, seconds: float = 30.0) -> str:
        """Read until there are so many lines."""
        end = time.monotonic() + seconds
        while self.text.count(b"\n") < lines:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0.0, end - time.monotonic()))
            assert ready, f"only {self.text!r}"
            piece = os.read(self.process.stdout.fileno(), 65536)
            assert piece, f"ended after {self.text!r}: {self.process.stderr.read()!r}"
            self.text += piece
        return self.text.decode()

    def column(self, number: int) -> list[float]:
        """Return the numbers of a column of the rows that have been read so far."""
        rows = self.text.decode().rpartition("\n")[0].splitlines()[1:]
        return [float(row.split(",")[number]) for row in rows]

    def peak(self) -> int:
        """Return the most memory that it has had so far (kB)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0])

    def finish(self) -> tuple[int, str, str]:
        """Close stdin, and return the exit code, all that was written and the messages."""
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, (self.text + (out or b"")).decode(), (err or b"").decode()


@pytest.fixture
def listening() -> Iterator[Callable[..., Listening]]:
    """Start programs that read a pipe; those that have not ended after the test are killed."""
    started: list[Listening] = []

    def start(*words: str | Path, **more: Any) -> Listening:
        started.append(Listening(*words, **more))
        return started[-1]

    yield start
    for program in started:
        program.process.kill()
        program.process.communicate()


@pytest.fixture(scope="session")
def synthesised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make every input of inputs.py, once."""
    folder = tmp_path_factory.mktemp("inputs")
    inputs.make(folder)
    return folder


@pytest.fixture
def here(synthesised: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to a folder that holds links to the inputs, and what is changed in place; all else the command has written."""
    for path in synthesised.iterdir():
        if path.name in inputs.CHANGED:
            (tmp_path / path.name).write_bytes(path.read_bytes())
        else:
            (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    return tmp_path
