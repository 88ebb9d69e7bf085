"""The table of formats: what bytes are, which format is chosen, what is said of the rest."""

import importlib.util
import io
import struct
import subprocess
import sys
import wave
import zipfile

import numpy as np
import pytest

from mirtool.errors import FormatError, MissingInput, UsageProblem
from mirtool.io import formats, sniffing
from mirtool.types import Audio, Events, Features, Notes, Score, Segments, Table, WarpingPath


def zipped(*names):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return stream.getvalue()


def wav():
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(200))
    return stream.getvalue()


def npz():
    stream = io.BytesIO()
    np.savez(stream, a=np.ones(3))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"", "empty"),
        (wav(), "wav"),
        (b"RF64\xff\xff\xff\xffWAVEds64", "wav"),
        (b"RIFF\x00\x00\x00\x00AVI ", "binary"),
        (b"RIFF\x00\x00\x00\x00RMIDdata", "midi"),
        (b"riff\x2e\x91\xcf\x11\xa5\xd6", "w64"),
        (b"FORM\x00\x00\x00\x00AIFFCOMM", "aiff"),
        (b"FORM\x00\x00\x00\x00AIFC", "aiff"),
        (b"fLaC\x00\x00\x00\x22", "flac"),
        (b"OggS\x00\x02", "ogg"),
        (b"ID3\x04\x00\x00", "mp3"),
        (b"\xff\xfb\x90\x64" + bytes(10), "mp3"),
        (b"\xff\xf3\x84\xc4", "mp3"),
        (b"\xff\xf1\x50\x80", "aac"),
        (b"\xff\xff\xff\xff", "binary"),
        (b"\x00\x00\x00\x20ftypM4A ", "m4a"),
        (b"MThd\x00\x00\x00\x06", "midi"),
        (b"\x93NUMPY\x01\x00", "npy"),
        (b"\x1aE\xdf\xa3\x01", "matroska"),
        (zipped("META-INF/container.xml", "score.xml"), "musicxml"),
        (zipped("mimetype"), "musicxml"),
        (zipped("score.musicxml"), "musicxml"),
        (npz(), "an NPZ archive (save the matrix as NPY)"),
        (zipped("a.txt"), "a ZIP archive"),
        (b'<?xml version="1.0"?>\n<!DOCTYPE score-partwise PUBLIC "-//x" "y.dtd">\n<score-partwise>', "musicxml"),
        (b"\xef\xbb\xbf<!-- a > b --><score-timewise version='4.0'>", "musicxml"),
        (b'<?xml version="1.0"?><!DOCTYPE sonic-visualiser>\n<sv>', "sv"),
        (b"<!DOCTYPE x [<!ENTITY a 'b'>]><sv>", "sv"),
        (b"<svg>", "text"),
        (b"<!DOCTYPE html><html>", "text"),
        (b"\x89PNG\r\n\x1a\n", "a PNG image"),
        (b"\xff\xd8\xff\xe0", "a JPEG image"),
        (b"%PDF-1.7", "a PDF"),
        (b"\x1f\x8b\x08", "a gzip archive"),
        ("time,label\n".encode("utf-16"), "text in UTF-16 (save it as UTF-8)"),
        (b"time,label\n1.0,caf\xe9\n", "text"),
        ("time,label\n1.0,é\n".encode(), "text"),
        (bytes(100), "binary"),
        (bytes(range(256)), "binary"),
    ],
)
def test_kind_follows_from_the_bytes(head, kind):
    assert sniffing.kind_of(head) == kind


def test_every_row_is_sound():
    for name, row in formats.FORMATS.items():
        assert name == row.name
        assert row.extensions
        assert all(extension == extension.lower() and extension[0] == "." for extension in row.extensions)
        for function in filter(None, (row.reader, row.writer)):
            module, _ = function.split(":")
            if importlib.util.find_spec(module) is not None:
                assert callable(formats._resolve(function))
        assert set(row.containers) <= set(formats.WORDS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("time,strength\n1,2\n", [("csv", "table")]),
        ("\ufefftime\n1\n", [("csv", "table")]),
        ("time\tlabel\n1\tx\n", [("tsv", "table")]),
        ('"Start";"Duration";"Pitch"\n1;2;60\n', [("fmp", "table")]),
        ('{"time": 1}\n', [("json", "table")]),
        ('{\n "annotations": []}', [("jams", "jams")]),
        ("0.5\n1.0\n", [("beats", "events"), ("mireval", "events")]),
        ("0.5\t1\n1.0\t2\n1.5\t1\n", [("beats", "events"), ("mireval", "events")]),
        ("0.5 kick\n0.6 snare\n", [("mireval", "events")]),
        ("0.0 1.0 A\n1.0 2.0 B\n", [("lab", "segments"), ("audacity", "segments")]),
        ("0.5\t0.5\tx\n1.5\t1.5\ty\n", [("audacity", "events")]),
        ("0 1 x\n2\n", []),
        ("hello world\n", []),
        ("<svg>", []),
        ("\n\n", []),
    ],
)
def test_text_is_known_by_its_content(text, expected):
    assert sniffing.text_formats(text.encode()) == expected


@pytest.mark.parametrize(
    ("text", "names"),
    [("0.0 1.0\n1.0 2.0\n", "beats or mireval or lab"), ("0 1 60\n1 2 61\n", "lab or audacity or mireval")],
)
def test_text_that_may_be_several_containers(tmp_path, text, names):
    path = tmp_path / "annotation"
    path.write_text(text)
    with pytest.raises(FormatError, match=f"may be {names}: say which with --from"):
        formats.read(str(path))
    assert isinstance(formats.read(str(path), format="lab"), Segments)
    path.rename(tmp_path / "x.lab")
    assert isinstance(formats.read(str(tmp_path / "x.lab")), Segments)


def test_last_line_of_the_sniffed_part_does_not_count():
    text = b"0.5\n" * 2047 + b"0.12 x\n" * 2000  # the head ends within the line of other width
    assert sniffing.text_formats(text[: sniffing.HEAD_SIZE])[0] == ("beats", "events")


@pytest.mark.parametrize(
    ("name", "data", "match"),
    [
        ("take.wav", b"<html><body>", r"take\.wav: not audio \(first bytes: 3c 68 74 6d\): is it an HTML page\?$"),
        ("x.csv", b"<!DOCTYPE html>", r"x\.csv: not csv \(first bytes: 3c 21 44 4f\): is it an HTML page\?$"),
        ("x", b"<html>", r"not audio \(first bytes: 3c 68 74 6d\): is it an HTML page\?$"),
        ("x.flac", b"version https://git-lfs.github.com", "is it a Git LFS pointer"),
        ("x.mp3", bytes(50), "not audio .*zeros only"),
        ("x.mid", b"time,label\n", "not MIDI .*is it a text file"),
        ("x.npy", b"PK\x05\x06", "not NPY"),
        ("x.xml", b"<svg/>", "not MusicXML"),
        ("x.wav", b"", r"x\.wav: empty$"),
        ("x.csv", b"", r"x\.csv: empty: not even a header row"),
        ("x", b"", r"x: empty$"),
        ("x.csv", bytes([1, 2, 3, 0]), r"x\.csv: not audio, MIDI, features or text \(first bytes: 01 02 03 00\)"),
        ("x", b"hello world", "not audio and no known table"),
        ("x.csv", b"%PDF-1.4", r"x\.csv: a PDF, which cannot be read here"),
        ("x.csv", "time\n".encode("utf-16"), "text in UTF-16"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(tmp_path, name, data, match):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(FormatError, match=match) as caught:
        formats.read(str(path))
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 65


def test_bytes_go_before_the_extension(tmp_path):
    path = tmp_path / "x.csv"
    np.save(path.with_suffix(".npy"), np.ones((2, 3)))
    path.with_suffix(".npy").rename(path)
    assert isinstance(formats.read(str(path), feature_rate=10.0), Features)
    with pytest.raises(FormatError, match="not csv: it is npy"):
        formats.read(str(path), format="csv")


def test_extension_goes_before_the_content(tmp_path):
    path = tmp_path / "x.beats"
    path.write_text("0.0 1.0\n1.0 2.0\n")
    assert list(formats.read(str(path))["beat"]) == [1, 2]


def test_semicolons_in_csv_are_those_of_fmp(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text('"Start";"Duration";"Pitch";"Velocity";"Label"\n0.5;0.5;69.0;1.0;"Clarinet in Bb"\n')
    notes = formats.read(str(path))
    assert isinstance(notes, Notes)
    assert list(notes["velocity"]) == [127]
    with pytest.raises(FormatError, match="separated"):
        formats.read(str(path), format="csv")


def test_unknown_formats_and_those_not_read(tmp_path):
    path = tmp_path / "x"
    path.touch()
    with pytest.raises(UsageProblem, match="no format 'excel'"):
        formats.read(str(path), format="excel")
    with pytest.raises(UsageProblem, match="musicxml is not written"):
        formats.write(Events({"time": [1.0]}), str(tmp_path / "x.musicxml"))
    with pytest.raises(UsageProblem, match=r"wav cannot hold events \(possible: csv, .*midi\)"):
        formats.write(Events({"time": [1.0]}), str(tmp_path / "x.wav"))
    with pytest.raises(MissingInput, match="no such file"):
        formats.read(str(tmp_path / "gone"))


@pytest.mark.parametrize(
    ("container", "name", "default"),
    [
        (Audio(np.zeros((5, 1)), 8000), "audio", "wav"),
        (Features(np.zeros((2, 2)), 1.0), "features", "npy"),
        (Events({"time": []}), "events", "csv"),
        (Segments({"start": [], "end": [], "label": []}), "segments", "csv"),
        (WarpingPath.from_times(np.zeros((0, 2))), "path", "csv"),
        (Table({}), "table", "csv"),
    ],
)
def test_names_and_defaults_of_containers(container, name, default):
    assert formats.container_name(container) == name
    assert formats.target_format(name, "-").name == default
    assert formats.target_format(name, "/dev/null").name == default
    assert formats.target_format(name, "x.txt").name == default
    assert default in formats.formats_for(name)


def test_something_else_is_no_container():
    with pytest.raises(TypeError, match="not a container: int"):
        formats.container_name(3)


@pytest.mark.parametrize(
    ("name", "format"), [("x.LAB", "lab"), ("x.csv", "csv"), ("x.txt", None), ("x", None), (".csv", None), ("-", None)]
)
def test_extension(name, format):
    row = formats.by_extension(name)
    assert (row.name if row else None) == format


def test_audio_stays_open_and_comes_by_blocks(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(wav())
    source = formats.read(str(path))
    assert (source.sample_rate, source.frames) == (8000, 100)
    assert sum(len(block) for block in source.blocks(30)) == 100


def test_midi_to_table(tmp_path):
    notes = Notes({"onset": [0.0, 0.5], "offset": [0.5, 1.0], "pitch": [60, 62], "velocity": [80, 90]})
    formats.write(notes, str(tmp_path / "x.mid"))
    score = formats.read(str(tmp_path / "x.mid"))
    assert isinstance(score, Score)
    formats.write(score, str(tmp_path / "x.csv"))
    again = formats.read(str(tmp_path / "x.csv"))
    for name in notes.columns:
        np.testing.assert_allclose(again[name], notes[name], atol=1e-3)
    part = formats.read(str(tmp_path / "x.mid"), start=0.25)
    assert list(part.notes["pitch"]) == [62]
    assert part.messages == score.messages


def test_table_is_cut_when_read(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("time\n0\n1\n2\n3\n")
    assert list(formats.read(str(path), start=1.0, duration=2.0)["time"]) == [1, 2]


def test_table_of_formats_needs_no_numpy():
    code = "import sys, mirtool.io.formats; sys.exit('numpy' in sys.modules)"
    assert (
        subprocess.run(
            [sys.executable, "-c", code], check=False, cwd=formats.__file__[: -len("mirtool/io/formats.py")]
        ).returncode
        == 0
    )


def test_size_of_riff_is_not_trusted(tmp_path):
    path = tmp_path / "x.wav"
    data = bytearray(wav())
    data[4:8] = struct.pack("<I", 0xFFFFFFFF)
    data[40:44] = struct.pack("<I", 0xFFFFFFFF)
    path.write_bytes(data)
    assert sum(len(block) for block in formats.read(str(path)).blocks(64)) == 100
