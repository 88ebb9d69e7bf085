"""`mirtool convert` as it is called."""

import io
import wave

import numpy as np
import pytest

BEATS = "time,beat,confidence\n0.500000,1,0.5\n1.000000,2,1\n1.500000,1,0.25\n"
NOTES = "onset,offset,pitch,velocity\n0.000000,0.500000,60,80\n0.500000,1.000000,64,90\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "beats.csv").write_text(BEATS)
    (tmp_path / "notes.csv").write_text(NOTES)
    (tmp_path / "chords.lab").write_text("0.0 1.5 C:maj\n1.5 2.0 N\n")
    (tmp_path / "novelty.csv").write_text("time,novelty\n" + "".join(f"{k / 10:.6f},{k % 3}\n" for k in range(30)))
    samples = (20000 * np.sin(np.arange(16000) * 0.1)).astype("<i2")
    with wave.open(str(tmp_path / "take.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(samples.tobytes())
    return tmp_path


def test_every_format_of_events_is_read_back(call, folder):
    for extension in ("tsv", "json", "beats"):
        target = folder / f"x.{extension}"
        assert call("convert", folder / "beats.csv", "-o", target).code == 0
        again = call("convert", target, "--format", "csv").text
        assert again.splitlines()[1].startswith("0.500000,1")
        if extension != "beats":
            assert again == BEATS


def test_through_a_pipe_with_from(program, folder):
    assert program("convert", "-", "--format", "json", data=BEATS.encode()).text.startswith(
        '{"time": 0.500000, "beat": 1'
    )
    result = program("convert", "-", "--from", "lab", "--format", "csv", data=b"0 1\n1 2\n")
    assert result.text == "start,end,label\n0.000000,1.000000,\n1.000000,2.000000,\n"
    result = program("convert", "-", data=b"0 1\n1 2\n")
    assert (result.code, result.out) == (65, b"")
    assert result.err == "mirtool convert: -: may be beats or mireval or lab: say which with --from\n"


def test_notes_to_midi_and_back(call, folder):
    assert call("convert", folder / "notes.csv", "-o", folder / "x.mid").code == 0
    lines = call("convert", folder / "x.mid", "--format", "csv").text.splitlines()
    assert lines[0].startswith("onset,offset,pitch,velocity")
    assert lines[1].startswith("0.000000,0.500000,60,80")


def test_features_to_table_and_back(call, folder):
    assert call("convert", folder / "novelty.csv", "-o", folder / "x.npy").code == 0
    np.testing.assert_array_equal(np.load(folder / "x.npy")[0], np.arange(30) % 3)
    assert call("convert", folder / "x.npy", "--format", "csv").text == (folder / "novelty.csv").read_text()
    bare = folder / "bare.npy"
    np.save(bare, np.ones((2, 3)))
    assert call("convert", bare, "--format", "csv").code == 65
    result = call("convert", bare, "--format", "csv", "--input-feature-rate", "4")
    assert result.text == "time,value_0,value_1\n0.000000,1,1\n0.250000,1,1\n0.500000,1,1\n"


def test_part_of_an_input(call, folder):
    assert call("convert", folder / "beats.csv", "--start", "0.9", "--duration", "0.5").text == (
        "time,beat,confidence\n1.000000,2,1\n"
    )
    assert len(call("convert", folder / "novelty.csv", "--duration", "1").text.splitlines()) == 11


def test_audio_subtype_and_sample_rate(call, folder):
    target = folder / "x.wav"
    result = call("convert", folder / "take.wav", "-o", target, "--subtype", "PCM_24", "--sample-rate", "8000")
    assert result.code == 0, result.err
    with wave.open(str(target), "rb") as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnframes()) == (8000, 3, 8000)
    assert call("convert", folder / "take.wav", "--format", "flac").out.startswith(b"fLaC")


def test_sample_rate_of_a_layer(call, folder):
    text = call("convert", folder / "chords.lab", "--format", "sv", "--sample-rate", "48000").text
    assert 'sampleRate="48000"' in text
    assert '<point frame="72000"' in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["beats.csv", "--subtype", "PCM_16"], "--subtype is for audio"),
        (["beats.csv", "--sample-rate", "8000"], "--sample-rate is for audio and Sonic Visualiser layers"),
        (["take.wav", "--sample-rate", "0"], "--sample-rate: must be at least 1, not 0"),
        (["beats.csv", "--format", "lab"], "-: lab cannot hold events"),
        (["beats.csv", "--format", "wav"], "-: wav cannot hold events"),
        (["beats.csv", "--from", "excel"], "no format 'excel'"),
    ],
)
def test_usage_problems(call, folder, arguments, message):
    result = call("convert", folder / arguments[0], *arguments[1:])
    assert (result.code, result.out) == (2, b"")
    assert message in result.err


def test_irregular_table_is_no_matrix(call, folder):
    (folder / "x.csv").write_text("time,a\n0,1\n1,1\n5,1\n")
    result = call("convert", folder / "x.csv", "-o", folder / "x.npy")
    assert result.code == 65
    assert "not regular" in result.err
    assert not (folder / "x.npy").exists()


def test_folder_to_folder(call, folder):
    result = call("convert", folder / "beats.csv", folder / "notes.csv", "-o", f"{folder}/out/", "--format", "tsv")
    assert result.code == 0
    assert sorted(path.name for path in (folder / "out").glob("[!.]*.tsv")) == ["beats.tsv", "notes.tsv"]


def test_npy_on_stdout_is_what_numpy_reads(program, folder):
    result = program("convert", folder / "novelty.csv", "--format", "npy")
    stream = io.BytesIO(result.out)
    assert np.load(stream).shape == (1, 30)
    assert np.load(stream).tobytes().startswith(b'{"mirtool":1,')


def test_pedal_counts_when_asked(call, tmp_path):
    import mido

    events = [("control_change", 0, 127), ("note_on", 0, 64), ("note_off", 480, 0), ("control_change", 480, 0)]
    track = mido.MidiTrack()
    for kind, time, value in events:
        extra = {"control": 64, "value": value} if kind == "control_change" else {"note": 60, "velocity": value}
        track.append(mido.Message(kind, time=time, **extra))
    mido.MidiFile(tracks=[track]).save(tmp_path / "x.mid")
    rows = [call("convert", tmp_path / "x.mid", "--format", "mireval", *flag).text for flag in ((), ("--pedal",))]
    assert [row.split()[:2] for row in rows] == [["0.000000", "0.500000"], ["0.000000", "1.000000"]]


def test_a_folder_becomes_one_table_with_names(call, folder, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "corpus").mkdir()
    (folder / "corpus/a.csv").write_text(BEATS)
    assert call("convert", "corpus", "-o", "all.csv").code == 0
    assert (folder / "all.csv").read_text().startswith("file,time,beat,confidence\ncorpus/a.csv,0.500000,1,0.5\n")
    assert call("convert", "-H", "beats.csv", "--format", "tsv").text.startswith("file\ttime")
    result = call("convert", "-H", "beats.csv")
    assert (result.code, result.out) == (2, b"")
    assert "--with-filename needs --format" in result.err


def test_sound_among_tables(call, folder, monkeypatch):
    monkeypatch.chdir(folder)
    result = call("convert", "-H", "take.wav", "beats.csv", "--format", "csv")
    assert result.code == 1
    assert "take.wav: -: csv cannot hold audio" in result.err
    assert result.text.count("beats.csv,") == 3
