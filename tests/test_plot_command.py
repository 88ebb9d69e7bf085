"""`mirtool plot` as it is called."""

import wave

import numpy as np
import pytest


@pytest.fixture
def folder(tmp_path):
    samples = (20000 * np.sin(np.arange(8000) * 0.1)).astype("<i2")
    with wave.open(str(tmp_path / "take.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(samples.tobytes())
    (tmp_path / "beats.csv").write_text("time,beat\n0.1,1\n0.6,2\n")
    (tmp_path / "segments.csv").write_text("start,end,label\n0,0.5,A\n0.5,1,B\n")
    (tmp_path / "path.csv").write_text("time_a,time_b\n0,0\n1,2\n2,3\n")
    (tmp_path / "plain.csv").write_text("file,score\nx,1\n")
    np.save(tmp_path / "bare.npy", np.ones((12, 20), np.float32))
    return tmp_path


def width_and_height(png):
    assert png.startswith(b"\x89PNG")
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


@pytest.mark.parametrize("extension", ["png", "svg", "pdf", "PNG"])
def test_the_extension_decides(call, folder, extension):
    target = folder / f"x.{extension}"
    assert call("plot", folder / "take.wav", "-o", target).code == 0
    magic = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[extension.lower()]
    assert target.read_bytes().startswith(magic)


def test_stdout_is_png_unless_told(call, folder):
    assert call("plot", folder / "beats.csv").out.startswith(b"\x89PNG")
    assert call("plot", folder / "beats.csv", "--format", "svg").out.startswith(b"<?xml")


def test_stdin_and_file_give_the_same_picture(program, folder):
    for name in ("take.wav", "path.csv"):
        file = program("plot", folder / name)
        pipe = program("plot", "-", data=(folder / name).read_bytes())
        assert (file.code, pipe.code) == (0, 0), pipe.err
        assert file.out == pipe.out


def test_a_folder_becomes_a_folder_of_pictures(call, folder):
    result = call("plot", folder / "take.wav", folder / "beats.csv", folder / "path.csv", "-o", f"{folder}/out/")
    assert result.code == 0
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["beats.png", "path.png", "take.png"]


def test_below_stacks_and_over_does_not(call, folder):
    plain = width_and_height(call("plot", folder / "take.wav").out)
    over = width_and_height(
        call("plot", folder / "take.wav", "--over", folder / "beats.csv", "--over", folder / "segments.csv").out
    )
    stacked = width_and_height(call("plot", folder / "take.wav", "--below", folder / "beats.csv").out)
    assert plain == over
    assert stacked[0] == plain[0]
    assert stacked[1] > plain[1] + 200


def test_bare_features_need_their_rate(call, folder):
    refused = call("plot", folder / "bare.npy")
    assert refused.code == 65
    assert "--input-feature-rate" in refused.err
    assert call("plot", folder / "bare.npy", "--input-feature-rate", "10").code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("take.wav", "-o", "x.jpg"), 2, "x.jpg: a picture is written as .png, .svg, .pdf"),
        (("nowhere.wav",), 66, "nowhere.wav"),
        (("plain.csv",), 2, "no picture for a table with the columns file,score"),
        (("take.wav", "--over", "path.csv"), 2, "can be laid over"),
        (("take.wav", "--over", "nowhere.csv"), 66, "nowhere.csv"),
        (("take.wav", "--format", "gif"), 2, "--format"),
    ],
)
def test_refusals(call, folder, monkeypatch, arguments, code, message):
    monkeypatch.chdir(folder)
    result = call("plot", *arguments)
    assert result.code == code
    assert message in result.err
    assert result.err.count("\n") == 1
    assert not (folder / "x.jpg").exists()


def test_a_failed_picture_leaves_the_old_one(call, folder):
    target = folder / "x.png"
    target.write_bytes(b"old")
    (folder / "empty.csv").write_text("time\n")
    assert call("plot", folder / "empty.csv", "-o", target).code == 65
    assert target.read_bytes() == b"old"


def test_a_home_that_cannot_be_written_is_no_news(program, folder):
    result = program("plot", folder / "beats.csv", env={"MPLCONFIGDIR": "/dev/null/nowhere"})
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(b"\x89PNG")
