"""Features of ten minutes of stereo music: mirtool beside librosa and the Sync Toolbox, whole process, same file.

The peers do the same work: decoding, mixing to mono, resampling from 44.1 to 22.05 kHz, tuning, features at 50 Hz, NPY.

python tests/benchmarks/features.py [PYTHON_WITH_LIBROSA_AND_SYNCTOOLBOX]
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from mirtool.io import formats
from mirtool.synthesis.performance import Performance, perform
from mirtool.synthesis.pieces import prelude
from mirtool.synthesis.render import render
from mirtool.types import Audio

RATE, SECONDS = 44100, 600
LOAD = """
import numpy as np, librosa
x, rate = librosa.load("take.wav", sr=22050)
tuning = librosa.estimate_tuning(y=x[:120 * rate], sr=rate)
"""
CHROMA = f"""{LOAD}
np.save("peer.npy", librosa.feature.chroma_stft(y=x, sr=rate, n_fft=4096, hop_length=441, tuning=tuning))
"""
DLNCO = f"""{LOAD}
import contextlib, io
from synctoolbox.feature.dlnco import pitch_onset_features_to_DLNCO
from synctoolbox.feature.pitch_onset import audio_to_pitch_onset_features
with contextlib.redirect_stdout(io.StringIO()):
    peaks = audio_to_pitch_onset_features(x, Fs=rate, tuning_offset=round(100 * tuning))
np.save("peer.npy", pitch_onset_features_to_DLNCO(peaks, feature_sequence_length=len(x) // 441 + 1))
"""


def make(folder: Path) -> None:
    """Write take.wav: a piano on both sides, over and over."""
    notes = perform(prelude(), Performance(bpm=60))
    once = render(notes, RATE, "piano", duration=120).samples[:, 0]
    samples = np.tile(once, SECONDS // 120 + 1)[: SECONDS * RATE]
    formats.write(Audio(np.stack([samples, samples], axis=1), RATE), str(folder / "take.wav"), subtype="PCM_16")


def run(name: str, command: list[str], folder: Path, times: int = 3) -> None:
    """Run a command a few times and print the fastest."""
    taken = []
    for _ in range(times):
        begin = time.perf_counter()
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        taken.append(time.perf_counter() - begin)
    print(f"{name}: {min(taken):.2f} s", flush=True)


def main() -> None:
    """Compare."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder)
        run("start-up alone", [sys.executable, "-m", "mirtool", "features", "chroma", "--help"], folder)
        for kind in ("chroma", "cens", "dlnco", "novelty"):
            command = ["mirtool", "features", kind, "take.wav", "-o", "ours.npy"]
            run(f"mirtool features {kind}", [sys.executable, "-m", *command], folder)
        if len(sys.argv) > 1:
            run("librosa chroma_stft", [sys.argv[1], "-W", "ignore", "-c", CHROMA], folder)
            run("Sync Toolbox DLNCO", [sys.argv[1], "-W", "ignore", "-c", DLNCO], folder, times=1)


if __name__ == "__main__":
    main()
