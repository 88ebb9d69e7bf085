"""`mirtool identify`: an index that is built, asked, changed, damaged and killed while it is written."""

import os
import signal
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from conftest import launch
from performances import compiled

from mirtool import store
from mirtool.io import formats
from mirtool.retrieval.recognition import library
from mirtool.types import Audio

RATE = 11025
SECONDS = 8.0


def song(seed: int, seconds: float = SECONDS) -> np.ndarray:
    """Return plucked notes at random times and pitches, forty a second."""
    rng = np.random.default_rng(seed)
    samples = np.zeros(int(seconds * RATE), np.float32)
    t = np.arange(RATE // 2) / RATE
    for begin in rng.integers(0, len(samples) - len(t), int(8 * seconds)):
        f = 110 * 2 ** (rng.integers(0, 36) / 12)
        partials = sum(np.sin(2 * np.pi * f * k * t) / k for k in range(1, 5))
        samples[begin : begin + len(t)] += partials * np.exp(-8 * t)
    return samples / 8


def noisy(samples: np.ndarray, decibels: float, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=len(samples))
    level = np.sqrt(np.mean(samples**2)) * 10 ** (-decibels / 20)
    return (samples + level * noise).astype(np.float32)


def write(path: Path, samples: np.ndarray) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    formats.write(Audio(samples, RATE), str(path))
    return str(path)


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    """Make six songs in two folders, and an index of them."""
    from mirtool.cli.main import run

    folder = tmp_path_factory.mktemp("music")
    for seed in range(6):
        write(folder / "ab"[seed % 2] / f"{seed}.wav", song(seed))
    here = os.getcwd()
    os.chdir(folder)
    try:
        assert run(["identify", "add", "--index", "library", "a", "b", "-o", "added.csv"]) == 0
    finally:
        os.chdir(here)
    return folder


@pytest.fixture
def there(music, tmp_path, monkeypatch):
    """Go to a folder with the songs and a copy of the index."""
    for name in ("a", "b"):
        (tmp_path / name).symlink_to(music / name)
    (tmp_path / "library").write_bytes((music / "library").read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rows(result) -> list[list[str]]:
    assert (result.code, result.err) == (0, "")
    return [line.split(",") for line in result.text.splitlines()[1:]]


def names(call, index="library") -> list[str]:
    return [row[0] for row in rows(call("identify", "list", "--index", index))]


ALL = ["a/0.wav", "a/2.wav", "a/4.wav", "b/1.wav", "b/3.wav", "b/5.wav"]

# ----------------------------------------------------------------------------------------------------- adding, changing


def test_what_was_added_is_listed(there, music, call):
    assert (music / "added.csv").read_text() == "file,duration,change\n" + "".join(
        f"{name},{SECONDS:.6f},added\n" for name in ALL
    )
    listed = rows(call("identify", "list", "--index", "library"))
    assert [row[:2] for row in listed] == [[name, "8.000000"] for name in ALL]
    assert all(100 < int(row[2]) < 2000 for row in listed)
    (row,) = rows(call("identify", "verify", "--index", "library"))
    assert row[:4] == ["library", "6", str(sum(int(row[2]) for row in listed)), "1"]
    assert int(row[4]) == (there / "library").stat().st_size


def test_only_what_has_changed_is_read_again(there, call):
    write(there / "c/1.wav", song(6))
    write(there / "c/2.wav", song(7))
    add = ("identify", "add", "--index", "library")
    assert [row[::2] for row in rows(call(*add, "c", "a/0.wav"))] == [
        ["c/1.wav", "added"],
        ["c/2.wav", "added"],
        ["a/0.wav", "unchanged"],
    ]
    before = (there / "library").read_bytes()
    assert {row[2] for row in rows(call(*add, "c", "a", "b"))} == {"unchanged"}
    assert (there / "library").read_bytes() == before
    write(there / "c/1.wav", song(8))
    assert [row[2] for row in rows(call(*add, "c"))] == ["updated", "unchanged"]
    assert names(call) == [*ALL, "c/1.wav", "c/2.wav"]
    write(there / "clip.wav", song(6)[RATE : 7 * RATE])
    assert rows(call("identify", "query", "--index", "library", "clip.wav")) == []
    write(there / "clip.wav", song(8)[RATE : 7 * RATE])
    assert rows(call("identify", "query", "--index", "library", "clip.wav"))[0][0] == "c/1.wav"


def test_bad_files_are_named_and_the_rest_goes_on(there, call):
    (there / "c").mkdir()
    (there / "c/bad.wav").write_bytes(b"RIFF")
    write(there / "c/good.wav", song(6))
    result = call("identify", "add", "--index", "new", "c", "missing.wav", "a/0.wav")
    assert result.code == 1
    assert result.text == "file,duration,change\nc/good.wav,8.000000,added\na/0.wav,8.000000,added\n"
    assert [line.split(": ")[1] for line in result.err.splitlines()] == ["c/bad.wav", "missing.wav", "2 of 4 failed"]
    assert names(call, "new") == ["a/0.wav", "c/good.wav"]


def test_an_index_is_not_made_for_nothing(there, call):
    (there / "bad.wav").write_bytes(b"RIFF")
    assert call("identify", "add", "--index", "new", "bad.wav").code == 65
    assert call("identify", "add", "--index", "new", "bad.wav", "missing.wav").code == 1
    assert call("identify", "add", "--index", "no/such/new", "a").code == 73
    assert not (there / "new").exists()


def test_jobs_do_not_change_a_byte(there, call, program):
    assert call("identify", "add", "--index", "one", "a", "b").code == 0
    result = program("identify", "add", "--index", "two", "a", "b", "--jobs", "2")
    assert (result.code, result.err) == (0, "")
    assert (there / "one").read_bytes() == (there / "two").read_bytes() == (there / "library").read_bytes()


def test_parameters_are_those_of_the_index(there, call):
    assert call("identify", "add", "--index", "dense", "--density", "40", "a").code == 0
    assert {row[2] for row in rows(call("identify", "add", "--index", "dense", "a", "b"))} == {"unchanged", "added"}
    result = call("identify", "add", "--index", "dense", "--density", "30", "b")
    assert (result.code, result.text) == (2, "")
    assert "density" in result.err


def test_tracks_and_folders_are_removed(there, call):
    remove = ("identify", "remove", "--index", "library")
    assert rows(call(*remove, "a/2.wav", "b")) == [["a/2.wav"], ["b/1.wav"], ["b/3.wav"], ["b/5.wav"]]
    assert names(call) == ["a/0.wav", "a/4.wav"]
    result = call(*remove, "a/0.wav", "a/2.wav")
    assert (result.code, result.err) == (65, "mirtool identify remove: a/2.wav: not in library\n")
    assert names(call) == ["a/0.wav", "a/4.wav"]
    write(there / "clip.wav", song(2)[RATE : 7 * RATE])
    assert rows(call("identify", "query", "--index", "library", "clip.wav")) == []


def test_indexes_are_merged(there, call):
    for name in ("a", "b"):
        assert call("identify", "add", "--index", f"of_{name}", name).code == 0
    merged = rows(call("identify", "merge", "--index", "both", "of_a", "of_b"))
    assert merged == rows(call("identify", "verify", "--index", "both"))
    assert names(call, "both") == ALL
    assert rows(call("identify", "merge", "--index", "both", "of_a"))[0][1:4] == merged[0][1:4]
    assert call("identify", "merge", "--index", "both", "none").code == 66


def test_the_index_has_to_be_named_and_is_no_output(there, call):
    for words in (["list"], ["verify"], ["query", "a/0.wav"], ["add", "a"], ["remove", "a"], ["merge", "library"]):
        result = call("identify", *words)
        assert result.code == 2
        assert "--index" in result.err
        result = call("identify", *words, "--index", "library", "-o", "./library")
        assert result.code == 2
    assert names(call) == ALL


# ------------------------------------------------------------------------------------------------------------ queries


@pytest.mark.parametrize(("seed", "begin", "decibels"), [(0, 2.0, 20), (1, 1.5, 5), (4, 0.0, 5), (5, 2.5, 10)])
def test_a_clip_is_recognised_at_its_place(there, call, seed, begin, decibels):
    clip = song(seed)[int(begin * RATE) : int((begin + 5) * RATE)]
    write(there / "clip.wav", noisy(clip, decibels))
    (row,) = rows(call("identify", "query", "--index", "library", "clip.wav"))
    assert row[0] == f"{'ab'[seed % 2]}/{seed}.wav"
    assert float(row[1]) == pytest.approx(begin, abs=0.05)
    assert 0 < float(row[2]) <= 1
    assert 0.5 < float(row[3]) <= 1
    assert float(row[4]) == pytest.approx(1, abs=0.01)


@compiled
def test_no_answer_rather_than_a_wrong_one(there, call):
    write(there / "other.wav", song(99))
    write(there / "silence.wav", np.zeros(5 * RATE, np.float32))
    write(there / "noise.wav", noisy(np.ones(5 * RATE, np.float32), 0))
    write(there / "short.wav", song(0)[:100])
    for name in ("other", "silence", "noise", "short"):
        result = call("identify", "query", "--index", "library", f"{name}.wav")
        assert result.text.splitlines() == ["file,start,score,confidence,speed"]


def test_several_clips_have_a_column_that_says_which(there, call):
    for seed in (0, 1):
        write(there / f"clips/{seed}.wav", song(seed)[RATE : 6 * RATE])
    result = call("identify", "query", "--index", "library", "clips")
    assert result.text.splitlines()[0] == "query,file,start,score,confidence,speed"
    assert [row[:2] for row in rows(result)] == [["clips/0.wav", "a/0.wav"], ["clips/1.wav", "b/1.wav"]]
    assert "query" not in call("identify", "query", "--index", "library", "clips/0.wav", "clips/1.wav").text


def test_an_empty_index_knows_nothing(there, call):
    assert call("identify", "remove", "--index", "library", "a", "b").code == 0
    assert rows(call("identify", "query", "--index", "library", "a/0.wav")) == []
    assert names(call) == []


# ------------------------------------------------------------------------------------------------------------ monitor

PLAYED = ((3, 0.0, 8.0), (None, 8.0, 20.0), (0, 20.0, 27.0), (5, 27.0, 34.0))


@pytest.fixture
def mix():
    """Make a mix of songs, with another one that is not in the index."""
    parts = [song(99, 12.0) if seed is None else song(seed)[: int((end - begin) * RATE)] for seed, begin, end in PLAYED]
    return np.concatenate(parts)


def assert_played(found: list[list[str]]) -> None:
    expected = [(f"{'ab'[seed % 2]}/{seed}.wav", begin, end) for seed, begin, end in PLAYED if seed is not None]
    assert [row[0] for row in found] == [name for name, _, _ in expected]
    for row, (_, begin, end) in zip(found, expected, strict=True):
        assert float(row[5]) == pytest.approx(begin, abs=1.0)
        assert float(row[6]) == pytest.approx(end, abs=1.5)
        assert float(row[5]) - float(row[1]) == pytest.approx(begin, abs=0.1)


@compiled
def test_all_tracks_of_a_mix_are_found(there, mix, call):
    write(there / "mix.wav", mix)
    words = ("identify", "monitor", "--index", "library", "mix.wav", "--window", "4", "--step", "2")
    result = call(*words, "--plot", "mix.svg")
    assert_played(rows(result))
    assert "5" in (there / "mix.svg").read_text()
    later = rows(call(*words, "--start", "20"))
    assert_played([rows(result)[0], *later])


def test_a_live_stream_is_monitored(there, mix, listening):
    pcm = (mix * 20000).astype("<i2").tobytes()
    program = listening(
        sys.executable, "-m", "mirtool", "identify", "monitor", "--index", "library", "-", "--live",
        "--raw", "s16le", "--sample-rate", str(RATE), "--window", "4", "--step", "2",
    )  # fmt: skip
    program.feed(pcm[: 30 * RATE * 2])
    assert program.wait_for(2).splitlines()[1].startswith("b/3.wav,")
    program.feed(pcm[30 * RATE * 2 :])
    code, text, err = program.finish()
    assert (code, err) == (0, "")
    assert_played([line.split(",") for line in text.splitlines()[1:]])


# ------------------------------------------------------------------------------------------------ damage and accidents


@compiled
def test_a_damaged_index_is_refused_in_one_line_or_the_damage_does_no_harm(there, call):
    """A bit in every stretch of the file: what is told is the truth, or nothing."""
    write(there / "clip.wav", song(4)[RATE : 6 * RATE])
    query = ("identify", "query", "--index", "library", "clip.wav")
    expected = call(*query)
    assert expected.text.count("\n") == 2
    whole = (there / "library").read_bytes()
    refused = 0
    for place in range(0, len(whole), max(1, len(whole) // 40)):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        (there / "library").write_bytes(damaged)
        result = call(*query)
        verified = call("identify", "verify", "--index", "library")
        for each in (result, verified):
            assert each.code in (0, 65)
            assert each.err.count("\n") == (each.code != 0)
        if result.code:
            assert result.err.startswith("mirtool identify query: library: ")
            assert verified.code == 65
            refused += 1
        else:
            assert result.out == expected.out
    assert refused > 5


def test_every_truncation_and_other_files_are_refused(there, call):
    whole = (there / "library").read_bytes()
    others = [whole[:size] for size in (1, 100, 5000, len(whole) // 2, len(whole) - 1)] + [b"", b"RIFF" + bytes(9000)]
    for content in others:
        (there / "library").write_bytes(content)
        for words in (
            ["query", "a/0.wav"],
            ["monitor", "a/0.wav"],
            ["list"],
            ["verify"],
            ["add", "a"],
            ["remove", "a"],
        ):
            result = call("identify", *words, "--index", "library")
            assert (result.code, result.out, result.err.count("\n")) == (65, b"", 1), (len(content), words)
            assert (there / "library").read_bytes() == content
        assert call("identify", "merge", "--index", "new", "library").code == 65
        assert not (there / "new").exists()


def test_an_index_of_another_version_or_kind_is_refused(there, call):
    for kind in (store.Kind(library.KIND.name, library.KIND.version + 1), store.Kind("notes", 1)):
        with store.writing("other", kind, {}):
            pass
        for words in (["query", "a/0.wav"], ["list"], ["verify"], ["add", "a"], ["merge", "other"]):
            result = call("identify", *words, "--index", "other")
            assert (result.code, result.err.count("\n")) == (65, 1)
            assert "version" in result.err or "notes" in result.err
        os.unlink("other")


def killed_after(calls: int, *words: str) -> bool:
    """Run a command in a process that is killed when it writes, waits for the disk or renames for that time."""
    from mirtool.cli.main import run

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a process with threads may not be divided, but for this
        child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        return os.WIFSIGNALED(status)
    left = [calls]

    def counted(function):
        def counting(*arguments, **options):
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **options)

        return counting

    for name in ("pwrite", "fsync", "replace", "ftruncate", "unlink"):
        setattr(os, name, counted(getattr(os, name)))
    os._exit(run(words))


def test_an_add_that_is_killed_at_any_write_leaves_a_valid_index(there, call, monkeypatch):
    """Each file is committed by itself, and merged with others at times; the next call does the rest."""
    from mirtool.cli import ingest

    monkeypatch.setattr(ingest, "AT_ONCE", 1)
    monkeypatch.setattr(library, "FANOUT", 2)
    add = ("identify", "add", "--index", "library", "a", "b", "-o", "added.csv")
    states = set()
    for calls in range(1, 200, 3):
        (there / "library").unlink(missing_ok=True)
        was_killed = killed_after(calls, *add)
        if (there / "library").exists():
            (row,) = rows(call("identify", "verify", "--index", "library"))
            states.add(int(row[1]))
            assert names(call) == ALL[: int(row[1])]
        if not was_killed:
            break
    assert states == {0, 1, 2, 3, 4, 5, 6} - ({0} - states)
    assert {row[2] for row in rows(call("identify", "add", "--index", "library", "a", "b"))} == {"unchanged"}
    assert not [path for path in there.iterdir() if path.name.startswith(".library")]


def test_an_interrupted_add_goes_on_where_it_was(there, call, monkeypatch):
    from mirtool.cli import ingest

    real = ingest._track
    asked = []

    def until_the_fourth(task):
        asked.append(task.plan.inputs[0])
        if len(asked) == 4:
            raise KeyboardInterrupt
        return real(task)

    monkeypatch.setattr(ingest, "_track", until_the_fourth)
    result = call("identify", "add", "--index", "new", "a", "b")
    assert result.code == 130
    assert names(call, "new") == ALL[:3]
    assert [row[2] for row in rows(call("identify", "add", "--index", "new", "a", "b"))] == ["unchanged"] * 3 + [
        "added"
    ] * 3
    assert asked[4:] == ALL[3:]


def test_readers_and_writers_side_by_side(there, call):
    """Two programs add songs while others ask: nothing is lost, and every answer is right."""
    for seed in range(6, 14):
        write(there / f"more/{seed % 2}/{seed}.wav", song(seed))
    write(there / "clip.wav", song(4)[RATE : 6 * RATE])
    writers = [launch(["identify", "add", "--index", "library", f"more/{part}"]) for part in (0, 1)]
    answers = 0
    while any(writer.poll() is None for writer in writers) or answers < 3:
        (row,) = rows(call("identify", "query", "--index", "library", "clip.wav"))
        assert row[0] == "a/4.wav"
        answers += 1
    for writer in writers:
        _, err = writer.communicate(timeout=60)
        assert (writer.returncode, err) == (0, b"")
    assert len(names(call)) == 14
    assert call("identify", "verify", "--index", "library").code == 0
