"""`python -m mirtool.demo [FOLDER]`: two performances of one piece, aligned, checked and warped by the commands.

Everything is made on the spot: the piece is written in the package, the performances are played by `mirtool.synthesis`,
so that the true alignment is known to the sample. What the program then calls is what a user would type.
"""

import os
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from mirtool.io import formats
from mirtool.synthesis.performance import Performance, perform
from mirtool.synthesis.pieces import prelude
from mirtool.synthesis.render import render
from mirtool.types import Events, Notes, Score, WarpingPath

SAMPLE_RATE = 44100
PERFORMERS = {
    "a": ("piano", Performance(bpm=100, lead=0.8, rubato=0.12, ritardando=1.8, seed=1)),
    "b": ("harpsichord", Performance(bpm=112, lead=2.3, rubato=0.2, phrase=8, ritardando=2.5, drift=0.03, seed=2)),
}
COMMANDS = (
    "mirtool sync a.wav b.wav -o path.csv --plot path.png --confidence",
    "mirtool evaluate sync truth.csv path.csv --plot errors.png",
    "mirtool warp path.csv beats.csv -o beats_in_b.csv",
    "mirtool warp path.csv a.wav -o a_in_b.wav",
    "mirtool sync score.mid a.wav -o score_path.csv",
    "mirtool warp score_path.csv score.mid -o performed.mid",
)


def write_inputs(folder: Path) -> tuple[WarpingPath, Notes]:
    """Play the piece twice and write sound, score, beats and the true alignment.

    Parameters
    ----------
    folder : Path
        Gets a.wav, b.wav, score.mid, beats.csv and truth.csv.

    Returns
    -------
    truth : WarpingPath
        The beats in both performances.
    played : Notes
        The notes of performance a.
    """
    score = prelude()
    last = float(score.ticks.max()) / score.ticks_per_beat
    beats = np.arange(last - 3)  # the last bar is one chord: only its first beat can be heard
    notes, moments = [], []
    for name, (instrument, performance) in PERFORMERS.items():
        notes.append(perform(score, performance))
        moments.append(performance.times(beats, last))
        formats.write(render(notes[-1], SAMPLE_RATE, instrument), str(folder / f"{name}.wav"))
    truth = WarpingPath.from_times(np.stack(moments, axis=1))
    formats.write(score, str(folder / "score.mid"))
    formats.write(truth, str(folder / "truth.csv"))
    formats.write(Events({"time": moments[0], "beat": beats % 4 + 1}), str(folder / "beats.csv"))
    return truth, notes[0]


def call(line: str, folder: Path) -> None:
    """Run a command line in a folder, as a user would, and show it.

    Raises
    ------
    SystemExit
        The command failed; with its exit code.
    """
    print(f"$ {line}", flush=True)
    package = str(Path(__file__).resolve().parent.parent)
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    words = [sys.executable, "-m", *shlex.split(line)]
    begin = time.perf_counter()
    code = subprocess.run(words, cwd=folder, env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)}).returncode
    if code:
        raise SystemExit(code)
    print(f"  ({time.perf_counter() - begin:.1f} s)")


def deviation(found: NDArray[np.float64], true: NDArray[np.float64]) -> str:
    """Describe the distances between times that were found and those that are true (s)."""
    error = 1000 * np.abs(found - true)
    return f"mean {error.mean():.1f} ms, median {np.median(error):.1f} ms, largest {error.max():.1f} ms"


def main(arguments: list[str]) -> None:
    """Make the demo in the folder that the arguments name, `demo` by default."""
    folder = Path(arguments[0] if arguments else "demo")
    folder.mkdir(parents=True, exist_ok=True)
    print(f"Bach, Prelude in C major, BWV 846: two performances, their score and the truth go to {folder}/")
    print("(What is called for the first time on a machine compiles its loops, which takes some seconds.)")
    truth, played = write_inputs(folder)
    for line in COMMANDS:
        call(line, folder)
    beats = cast(Events, formats.read(str(folder / "beats_in_b.csv")))
    performed = cast(Score, formats.read(str(folder / "performed.mid")))
    print("Error against the known truth:")
    print(f"  a to b, at the {len(truth)} beats: {deviation(beats['time'], truth['time_b'])}")
    print(f"  score to a, at the {len(played)} notes: {deviation(performed.notes['onset'], played['onset'])}")
    print(f"Look at {folder}/path.png and {folder}/errors.png.")
    print(f"Listen to {folder}/a_in_b.wav (a, in the tempo of b) beside {folder}/b.wav.")


if __name__ == "__main__":
    main(sys.argv[1:])
