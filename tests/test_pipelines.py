"""Real pipes in a shell: commands joined by | give what the same commands give with files between them."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent

# Commands with the extension of what each writes; - is what the one before has written.
PIPELINES = {
    "beats": [
        ("warp ab.csv beats.csv", "csv"),
        ("warp ab.csv - --inverse", "csv"),
        ("plot - --format svg", "svg"),
    ],
    "paths": [
        ("warp ab.csv bc.csv --compose", "csv"),
        ("warp - ba.csv --compose", "csv"),
        ("evaluate sync points.csv -", "csv"),
    ],
    "formats": [
        ("warp ab.csv bc.csv --compose", "csv"),
        ("convert - --format json", "json"),
        ("evaluate sync points.csv -", "csv"),
    ],
    "score": [
        ("warp ab.csv piece.mid", "mid"),
        ("convert - --format csv", "csv"),
        ("plot - --format pdf", "pdf"),
    ],
    "features": [
        ("features chroma take.wav", "npy"),
        ("warp ab.csv -", "npy"),
        ("plot - --title Chroma", "png"),
    ],
    "sound": [
        ("warp ab.csv take.wav --tsm wsola", "wav"),
        ("warp ab.csv - --inverse --tsm wsola", "wav"),
        ("plot - --over beats.csv", "png"),
    ],
}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    from mirtool.io import formats
    from mirtool.types import Audio, Notes

    folder = tmp_path_factory.mktemp("inputs")
    onset = np.arange(8) / 4
    path = "time_a,time_b\n0,0\n0.5,0.6\n1,1.3\n2,2.2\n"
    tables = {
        "ab.csv": path,
        "ba.csv": "time_a,time_b\n0,0\n0.6,0.5\n1.3,1\n2.2,2\n",
        "bc.csv": "time_a,time_b\n0,0.1\n1,1.1\n2.2,2\n",
        "points.csv": "time_a,time_b\n0.25,0.3\n0.75,0.9\n1.5,1.4\n",
        "beats.csv": "time,beat,label\n" + "".join(f"{time},{k % 4 + 1},\n" for k, time in enumerate(onset)),
    }
    for name, text in tables.items():
        (folder / name).write_text(text)
    notes = Notes({"onset": onset, "offset": onset + 0.2, "pitch": 60 + np.arange(8), "velocity": np.full(8, 70)})
    formats.write(notes, str(folder / "piece.mid"))
    formats.write(Audio(0.5 * np.sin(np.arange(16000) * 0.2), 8000), str(folder / "take.wav"))
    return folder


def shell(script, folder):
    """Run a bash script in which `mirtool` is the program of this checkout."""
    program = f'mirtool() {{ {shlex.quote(sys.executable)} -m mirtool "$@"; }}\n'
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", program + script],
        cwd=folder,
        env=environment,
        capture_output=True,
        timeout=120,
    )


pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")


@pytest.mark.parametrize("stages", PIPELINES.values(), ids=PIPELINES)
def test_a_pipe_gives_what_files_give(inputs, tmp_path, stages):
    shutil.copytree(inputs, tmp_path, dirs_exist_ok=True)
    piped = shell(" | ".join(f"mirtool {arguments}" for arguments, _ in stages), tmp_path)
    assert piped.returncode == 0, piped.stderr.decode()
    assert piped.stderr == b""

    between, script = "", []
    for number, (arguments, extension) in enumerate(stages):
        words = [between if word == "-" else word for word in arguments.split()]
        between = f"stage{number}.{extension}"
        script.append(shlex.join(["mirtool", *words, "-o", between]))
    filed = shell(" && ".join(script), tmp_path)
    assert filed.returncode == 0, filed.stderr.decode()
    assert filed.stdout == filed.stderr == b""
    assert piped.stdout == (tmp_path / between).read_bytes()
    assert len(piped.stdout) > 100


def test_the_first_failure_is_the_failure_of_the_pipe(inputs):
    done = shell("mirtool warp nowhere.csv beats.csv | mirtool plot - > /dev/null", inputs)
    assert done.returncode == 65  # of the last command that failed: its stdin was empty
    first, second = sorted(done.stderr.decode().splitlines())
    assert first.startswith("mirtool plot: -: ")
    assert second == "mirtool warp: nowhere.csv: no such file"


def test_a_reader_that_leaves_early_is_no_error(inputs, tmp_path):
    times = "".join(f"{k / 1000:.3f}\n" for k in range(50_000))
    (tmp_path / "long.csv").write_text("time\n" + times)
    shutil.copy(inputs / "ab.csv", tmp_path)
    done = shell("mirtool warp ab.csv long.csv | head -n 2; echo ${PIPESTATUS[0]}", tmp_path)
    assert done.stdout.splitlines()[:2] == [b"time", b"0.000000"]
    assert done.stdout.splitlines()[2] in (b"141", b"0")
    assert done.stderr == b""
