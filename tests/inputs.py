"""Inputs for tests of commands, synthesised: `make` fills a folder."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

RATE = 22050
KINDS = {
    "audio": "take.wav",
    "features": "chroma.npy",
    "events": "events.csv",
    "segments": "segments.csv",
    "notes": "notes.csv",
    "path": "path.csv",
    "table": "table.csv",
    "score": "piece.mid",
}
HOSTILE = (
    "empty",
    "truncated.wav",
    "nan.wav",
    "silence.wav",
    "one.wav",
    "eight.wav",
    "page.html",
    "picture.png",
    "noise.bin",
    "header.csv",
    "page.wav",
)
CHANGED = ("library",)  # in place, by some commands
DRUMS = ("kick", "hihat", "snare", "hihat") * 2
PITCHES = (60, 64, 67, 72, 67, 64, 60, 55)


def tune(speed: float = 1.0) -> NDArray[np.float32]:
    """Return eight plucked notes, two a second at speed 1."""
    length = int(RATE * 0.5 / speed)
    t = np.arange(length) / RATE
    notes = []
    for pitch in PITCHES:
        f = 440.0 * 2 ** ((pitch - 69) / 12)
        partials = sum(np.sin(2 * np.pi * f * k * t) / k**2 for k in range(1, 6))
        notes.append(0.3 * partials * np.exp(-4 * t) * np.minimum(1, t * 200))
    return np.concatenate(notes).astype(np.float32)


def make(folder: Path) -> None:
    """Write every input: one of each kind, and the hostile ones."""
    import soundfile

    from mirtool.io import formats
    from mirtool.types import Audio, Features

    samples = tune()
    formats.write(Audio(samples, RATE), str(folder / "take.wav"))
    formats.write(Audio(tune(0.8), RATE), str(folder / "slow.wav"))
    chroma = np.random.default_rng(0).random((12, 40), dtype=np.float32)
    formats.write(Features(chroma, 10.0, "chroma", ("chroma", "time")), str(folder / "chroma.npy"))
    make_library(folder, Audio(samples, RATE))
    for name, text in tables().items():
        (folder / name).write_text(text, encoding="utf-8")
    notes = formats.read(str(folder / "notes.csv"))
    formats.write(notes, str(folder / "piece.mid"))

    whole = (folder / "take.wav").read_bytes()
    (folder / "empty").write_bytes(b"")
    (folder / "truncated.wav").write_bytes(whole[: len(whole) // 2 + 1])
    (folder / "page.html").write_bytes(b"<!DOCTYPE html>\n<html><body>404 not found</body></html>\n")
    (folder / "page.wav").write_bytes(b"<!DOCTYPE html>\n<html><body>404 not found</body></html>\n")
    (folder / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(40))
    (folder / "noise.bin").write_bytes(np.random.default_rng(1).bytes(5000))
    (folder / "header.csv").write_bytes(b"time\n")
    broken = samples.copy()
    broken[1000:1010] = np.nan
    for name, data in {
        "nan.wav": broken,
        "silence.wav": np.zeros(RATE, np.float32),
        "one.wav": samples[:1],
        "eight.wav": np.repeat(samples[:, None], 8, axis=1),
    }.items():
        spool = io.BytesIO()
        soundfile.write(spool, data, RATE, format="WAV", subtype="FLOAT")
        (folder / name).write_bytes(spool.getvalue())


def make_library(folder: Path, audio: Any) -> None:
    """Write an index that knows one recording, in a file without an extension."""
    from dataclasses import replace

    from mirtool import store
    from mirtool.io import formats
    from mirtool.retrieval.parameters import FingerprintParameters
    from mirtool.retrieval.recognition import library
    from mirtool.retrieval.recognition.fingerprints import fingerprint

    formats.write(audio, str(folder / "take"), format="wav")
    document = replace(store.Document.of_file(str(folder / "take")), name="take")
    found = fingerprint(audio, FingerprintParameters())
    track = library.Track(document, audio.frames / audio.sample_rate, found)
    library.add(str(folder / "library"), [track], FingerprintParameters())


def tables() -> dict[str, str]:
    """Return the inputs that are text."""
    onsets = [k / 2 for k in range(len(PITCHES))]
    pairs = [(k / 4, k / 4 * 1.25) for k in range(17)]
    return {
        "events.csv": "time,strength\n" + "".join(f"{time},1\n" for time in onsets),
        "segments.csv": "start,end,label\n0,2,A\n2,4,B\n",
        "notes.csv": "onset,offset,pitch,velocity\n"
        + "".join(f"{time},{time + 0.5},{pitch},80\n" for time, pitch in zip(onsets, PITCHES, strict=True)),
        "path.csv": "time_a,time_b\n" + "".join(f"{a},{b}\n" for a, b in pairs),
        "strokes.csv": "time,label\n" + "".join(f"{time},{drum}\n" for time, drum in zip(onsets, DRUMS, strict=True)),
        "groups.csv": "file,group,artist\na.wav,1,x\nb.wav,1,y\nc.wav,2,x\nd.wav,2,x\ne.wav,1,x\n",
        "answers.csv": "query,file,score\n"
        "a.wav,b.wav,0.9\na.wav,c.wav,0.5\na.wav,e.wav,0.4\nc.wav,e.wav,0.9\nc.wav,d.wav,0.8\nd.wav,a.wav,0.7\n",
        "table.csv": "bpm,strength\n120,1\n60,0.5\n",
    }
