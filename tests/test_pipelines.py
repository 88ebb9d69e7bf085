"""Real pipes in a shell: commands joined by | give what the same commands give with files between them."""

import shlex
import shutil
import subprocess
import sys

import pytest
from conftest import environment

# Commands with the extension of what each writes; - is what the one before has written.
PIPELINES = {
    "sync": [
        ("sync take.wav slow.wav", "csv"),
        ("warp - beats.csv", "csv"),
        ("plot - --format svg", "svg"),
    ],
    "features": [
        ("features sync slow.wav", "npy"),
        ("sync take.wav - --confidence", "csv"),
        ("evaluate sync path.csv -", "csv"),
    ],
    "paths": [
        ("warp path.csv path.csv --compose", "csv"),
        ("convert - --format json", "json"),
        ("evaluate sync path.csv -", "csv"),
    ],
    "score": [
        ("warp path.csv piece.mid", "mid"),
        ("convert - --format csv", "csv"),
        ("plot - --format pdf", "pdf"),
    ],
    "strokes": [
        ("separate take.wav --only percussive", "wav"),
        ("onsets -", "csv"),
        ("convert - --format json", "json"),
    ],
    "sound": [
        ("warp path.csv take.wav --tsm wsola", "wav"),
        ("features chroma -", "npy"),
        ("plot - --over beats.csv --title Chroma", "png"),
    ],
}


@pytest.fixture(scope="module")
def folder(synthesised, tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    shutil.copytree(synthesised, folder, dirs_exist_ok=True)
    (folder / "beats.csv").write_text("time,beat\n" + "".join(f"{k / 2},{k % 4 + 1}\n" for k in range(8)))
    return folder


def shell(script, folder):
    """Run a bash script in which `mirtool` is the program of this checkout."""
    program = f'mirtool() {{ {shlex.quote(sys.executable)} -m mirtool "$@"; }}\n'
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", program + script],
        cwd=folder,
        env=environment(),
        capture_output=True,
        timeout=120,
    )


pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")


@pytest.mark.parametrize("stages", PIPELINES.values(), ids=PIPELINES)
def test_a_pipe_gives_what_files_give(folder, tmp_path, stages):
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
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


def test_the_first_failure_is_the_failure_of_the_pipe(folder):
    done = shell("mirtool warp nowhere.csv beats.csv | mirtool plot - > /dev/null", folder)
    assert done.returncode == 65  # of the last command that failed: its stdin was empty
    first, second = sorted(done.stderr.decode().splitlines())
    assert first.startswith("mirtool plot: -: ")
    assert second == "mirtool warp: nowhere.csv: no such file"


def test_a_reader_that_leaves_early_is_no_error(folder, tmp_path):
    times = "".join(f"{k / 1000:.3f}\n" for k in range(50_000))
    (tmp_path / "long.csv").write_text("time\n" + times)
    shutil.copy(folder / "path.csv", tmp_path)
    done = shell("mirtool warp path.csv long.csv | head -n 2; echo ${PIPESTATUS[0]}", tmp_path)
    assert done.stdout.splitlines()[:2] == [b"time", b"0.000000"]
    assert done.stdout.splitlines()[2] in (b"141", b"0")
    assert done.stderr == b""
