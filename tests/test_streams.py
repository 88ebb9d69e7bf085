"""Opening, spooling and atomic writing, as files, pipes and devices are."""

import contextlib
import errno
import io
import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

import mirtool
from mirtool.errors import MissingInput, OutputProblem, WriteFailure
from mirtool.io import streams

ROOT = str(Path(mirtool.__file__).parents[1])


def run(code, *arguments, **options):
    """Run Python code as a process; `options` as of Popen."""
    environment = {**os.environ, "PYTHONPATH": ROOT, **options.pop("env", {})}
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], env=environment, **options)


def finish(process, data=None):
    out, err = process.communicate(data, timeout=20)
    return process.returncode, out, err


def hidden(folder):
    return sorted(entry.name for entry in folder.iterdir() if entry.name.startswith("."))


def put(target, data=b"new"):
    with streams.atomic(str(target)) as stream:
        stream.write(data)


# What is read.


def test_regular_file_is_itself(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"0123456789")
    with streams.open_input(str(path), lambda head: True) as stream:
        assert streams.is_mappable(stream)
        assert streams.first_bytes(stream, 4) == b"0123"
        assert stream.read() == b"0123456789"


@pytest.mark.parametrize("name", ["gone.wav", "gone/gone.wav"])
def test_missing_input(tmp_path, name):
    with pytest.raises(MissingInput, match=r"gone\.wav: no such file") as caught:
        streams.open_input(str(tmp_path / name))
    assert caught.value.exit_code == 66


def test_inputs_that_cannot_be_opened(tmp_path, monkeypatch):
    with pytest.raises(MissingInput, match="is a folder"):
        streams.open_input(str(tmp_path))
    with pytest.raises(MissingInput, match="null"):
        streams.open_input("a\0b")
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(MissingInput, match="Not a directory"):
        streams.open_input(str(path / "x"))

    def refuse(*arguments):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(MissingInput, match="Permission denied"):
        streams.open_input(str(path))


@contextlib.contextmanager
def fifo(folder, data):
    """A FIFO into which a thread writes `data`."""
    path = folder / "fifo"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(data,))
    writer.start()
    yield str(path)
    writer.join()


def test_fifo_is_spooled(tmp_path):
    data = os.urandom(3_000_000)
    with fifo(tmp_path, data) as name, streams.open_input(name) as stream:
        assert stream.seekable()
        assert not streams.is_mappable(stream)
        assert streams.first_bytes(stream, 5) == data[:5]
        assert stream.read() == data
        stream.seek(-3, os.SEEK_END)
        assert stream.read() == data[-3:]


def test_spool_goes_to_disk_when_it_is_large(tmp_path, monkeypatch):
    monkeypatch.setattr(streams, "SPOOL_SIZE", 1000)
    with fifo(tmp_path, bytes(5000)) as name, streams.open_input(name) as stream:
        assert stream._rolled
        assert len(stream.read()) == 5000


def test_spool_that_does_not_fit(tmp_path, monkeypatch):
    class Full(tempfile.SpooledTemporaryFile):
        def write(self, data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(streams.tempfile, "SpooledTemporaryFile", Full)
    with fifo(tmp_path, b"x" * 100) as name, pytest.raises(WriteFailure, match="does not fit in the temporary folder"):
        streams.open_input(name)


def test_streamable_input_comes_as_it_is(tmp_path):
    data = os.urandom(3_000_000)
    heads = []
    with (
        fifo(tmp_path, data) as name,
        streams.open_input(name, lambda head: heads.append(head) is None) as stream,
    ):
        assert heads == [data[:12]]
        assert not stream.seekable()
        assert stream.read(5) == data[:5]
        assert stream.read() == data[5:]


def test_live_stream_is_not_waited_for(tmp_path):
    code = """
import sys
from mirtool.io import streams
stream = streams.open_input("-", lambda head: True)
while data := stream.read1(100):
    print(data.decode(), flush=True)
"""
    with run(code, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        for part in (b"twelve bytes", b"more"):
            process.stdin.write(part)
            process.stdin.flush()
            assert process.stdout.readline() == part + b"\n"
        process.stdin.close()
        assert process.wait(10) == 0


READ = """
import sys
from mirtool.io import streams
from mirtool.errors import MirtoolError
try:
    with streams.open_input("-") as stream:
        sys.stdout.write(f"{streams.is_mappable(stream)} {len(stream.read())}")
except MirtoolError as error:
    sys.stdout.write(str(error))
"""


def test_stdin_from_pipe_file_and_nowhere(tmp_path):
    assert finish(run(READ, stdin=subprocess.PIPE, stdout=subprocess.PIPE), b"12345")[1] == b"False 5"
    path = tmp_path / "x"
    path.write_bytes(b"123")
    with path.open("rb") as file:
        assert finish(run(READ, stdin=file, stdout=subprocess.PIPE))[1] == b"True 3"
        file.seek(2)  # as after `read` in a shell script
        assert finish(run(READ, stdin=file, stdout=subprocess.PIPE))[1] == b"False 1"
    command = f"{sys.executable} -c '{READ}' <&-"
    closed = subprocess.run(
        command, shell=True, capture_output=True, env={**os.environ, "PYTHONPATH": ROOT}, check=True
    )
    assert closed.stdout == b"-: stdin is closed"


def test_stdin_replaced_in_process(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"abc")))
    with streams.open_input("-") as stream:
        assert stream.read() == b"abc"


# What is written.


def test_new_file_and_its_permissions(tmp_path):
    before = os.umask(0o027)
    try:
        put(tmp_path / "x")
    finally:
        os.umask(before)
    assert (tmp_path / "x").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o640
    assert hidden(tmp_path) == []


def test_replaced_file_keeps_its_permissions(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"old")
    path.chmod(0o604)
    put(path)
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o604


def test_target_is_intact_until_the_end(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"old")
    with streams.atomic(str(path)) as stream:
        stream.write(b"new")
        stream.flush()
        assert path.read_bytes() == b"old"
        assert len(hidden(tmp_path)) == 1
        assert stream.seekable()
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), BrokenPipeError(), OSError(errno.ENOENT, "x")])
def test_errors_pass_and_leave_the_old_file(tmp_path, error):
    path = tmp_path / "x"
    path.write_bytes(b"old")

    def fail():
        with streams.atomic(str(path)) as stream:
            stream.write(b"half")
            raise error

    with pytest.raises(type(error)) as caught:
        fail()
    assert caught.value is error
    assert path.read_bytes() == b"old"
    assert hidden(tmp_path) == []


def test_symbolic_links_are_followed(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder/x")
    put(tmp_path / "link")
    put(tmp_path / "link", b"newer")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "folder" / "x").read_bytes() == b"newer"
    assert hidden(tmp_path / "folder") == []


def test_targets_that_cannot_be(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    for target, match in [
        (f"{tmp_path}/gone/x", "no such folder"),
        (str(tmp_path), "is a folder"),
        (f"{tmp_path}/new/", "is no file"),
        (f"{tmp_path}/loop", "cannot be created"),
        (f"{tmp_path}/{'x' * 300}", "cannot be created"),
        ("a\0b", "cannot be created"),
    ]:
        with pytest.raises(OutputProblem, match=match) as caught, streams.atomic(target):
            pytest.fail("opened")
        assert caught.value.exit_code == 73


def test_read_only_file_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "x"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "access", lambda *arguments: False)  # root may write everything
    with pytest.raises(OutputProblem, match="Permission denied"), streams.atomic(str(path)):
        pytest.fail("opened")


def test_long_name(tmp_path):
    path = tmp_path / ("ü" * 125)
    put(path)
    assert path.read_bytes() == b"new"


def test_name_that_is_not_text(tmp_path):
    name = os.path.join(os.fsencode(tmp_path), b"caf\xe9")
    put(os.fsdecode(name))
    assert Path(os.fsdecode(name)).read_bytes() == b"new"


def test_devices_and_fifos_are_written_straight(tmp_path):
    put("/dev/null")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    path = tmp_path / "fifo"
    os.mkfifo(path)
    got = []
    reader = threading.Thread(target=lambda: got.append(path.read_bytes()))
    reader.start()
    put(path, b"x" * 200_000)
    reader.join()
    assert got == [b"x" * 200_000]
    assert stat.S_ISFIFO(path.stat().st_mode)


@pytest.mark.parametrize("size", [1, 5_000_000])
def test_full_device(size):
    with pytest.raises(WriteFailure, match=r"^/dev/full: .*No space left") as caught:
        put("/dev/full", b"x" * size)
    assert caught.value.exit_code == 74


def test_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "x"
    path.write_bytes(b"old")

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WriteFailure, match="No space left"):
        put(path)
    assert path.read_bytes() == b"old"
    assert hidden(tmp_path) == []


def test_limit_of_file_size(tmp_path):
    code = """
import resource, sys
from mirtool.io import streams
from mirtool.errors import WriteFailure
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    with streams.atomic(sys.argv[1]) as stream:
        for _ in range(300):
            stream.write(bytes(10_000))
except WriteFailure as error:
    sys.exit(error.exit_code)
"""
    path = tmp_path / "x"
    path.write_bytes(b"old")
    assert finish(run(code, path))[0] == 74
    assert path.read_bytes() == b"old"
    assert hidden(tmp_path) == []


SLOW = """
import sys, time
from mirtool.io import streams
with streams.atomic(sys.argv[1]) as stream:
    stream.write(b"half")
    stream.flush()
    print("writing", flush=True)
    sys.stdin.readline()
    stream.write(b" and half")
"""


def slow_writer(path):
    process = run(SLOW, path, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"writing\n"
    return process


def test_killed_writer_leaves_the_old_file_and_the_next_run_clears_up(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"old")
    with contextlib.ExitStack() as stack:
        writers = [stack.enter_context(slow_writer(path)) for _ in range(3)]
        for process in writers:
            process.send_signal(signal.SIGKILL)
            process.wait()
    assert path.read_bytes() == b"old"
    assert len(hidden(tmp_path)) == 3
    put(tmp_path / "other")
    assert len(hidden(tmp_path)) == 3
    put(path)
    assert path.read_bytes() == b"new"
    assert hidden(tmp_path) == []


def test_temporary_of_a_running_process_stays(tmp_path):
    path = tmp_path / "x"
    with slow_writer(path) as process:
        put(path)
        assert path.read_bytes() == b"new"
        assert len(hidden(tmp_path)) == 1
        assert finish(process, b"\n")[0] == 0
    assert path.read_bytes() == b"half and half"
    assert hidden(tmp_path) == []


def test_many_writers_of_one_target(tmp_path):
    path = tmp_path / "x"
    failures = []

    def write(letter):
        try:
            for _ in range(40):
                put(path, letter * 10_000)
                data = path.read_bytes()
                if len(data) != 10_000 or len(set(data)) != 1:
                    failures.append(data)
        except OutputProblem as problem:
            failures.append(problem)

    threads = [threading.Thread(target=write, args=(bytes([65 + k]),)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert hidden(tmp_path) == []


def test_more_writers_than_slots(tmp_path, monkeypatch):
    monkeypatch.setattr(streams, "SLOTS", 1)
    with (
        streams.atomic(str(tmp_path / "x")),
        pytest.raises(OutputProblem, match="is being written by 1 others"),
        streams.atomic(str(tmp_path / "x")),
    ):
        pytest.fail("opened")


def test_file_system_without_locks(tmp_path, monkeypatch):
    import fcntl

    def refuse(*arguments):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    (tmp_path / ".x.mirtool-0").write_bytes(b"whose?")
    put(tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == b"new"
    assert hidden(tmp_path) == [".x.mirtool-0"]  # nobody knows whether its process lives


WRITE = """
import sys
from mirtool.io import streams
from mirtool.errors import MirtoolError
try:
    with streams.atomic(sys.argv[1]) as stream:
        for _ in range(30):
            stream.write(bytes(100_000))
except BrokenPipeError:
    sys.exit(9)
except MirtoolError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)
"""


@pytest.mark.parametrize("target", ["-", "/dev/stdout", "/dev/fd/1"])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_stdout_gets_all_bytes(target, unbuffered):
    process = run(WRITE, target, stdout=subprocess.PIPE, env={"PYTHONUNBUFFERED": unbuffered})
    time.sleep(0.1)  # the pipe is full by then
    code, out, _ = finish(process)
    assert (code, len(out)) == (0, 3_000_000)


def test_stdout_that_does_not_block():
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    process = run(WRITE, "-", stdout=writer)
    os.close(writer)
    time.sleep(0.2)
    with open(reader, "rb") as stream:
        assert len(stream.read()) == 3_000_000
    assert process.wait(10) == 0


def test_stdout_appended_to_keeps_what_is_there(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"old")
    with path.open("ab") as file:
        assert finish(run(WRITE, "/dev/stdout", stdout=file))[0] == 0
    assert path.stat().st_size == 3_000_003


def test_broken_pipe_passes_through():
    process = run(WRITE, "-", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(10) == 9


def test_full_and_closed_stdout():
    with open("/dev/full", "wb") as full:
        code, _, err = finish(run(WRITE, "-", stdout=full, stderr=subprocess.PIPE))
    assert code == 74
    assert err == b"-: cannot be written to the end: No space left on device\n"
    command = f"{sys.executable} -c '{WRITE}' - >&-"
    closed = subprocess.run(
        command, shell=True, capture_output=True, env={**os.environ, "PYTHONPATH": ROOT}, check=False
    )
    assert (closed.returncode, closed.stderr) == (73, b"-: stdout is closed\n")


def test_stdout_replaced_in_process(monkeypatch):
    buffer = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(buffer))
    put("-", b"\xff\x00")
    assert buffer.getvalue() == b"\xff\x00"


def test_seekable_spools_what_is_not(tmp_path):
    with streams.atomic(str(tmp_path / "x")) as target, streams.seekable(target) as stream:
        assert stream is target
    path = tmp_path / "fifo"
    os.mkfifo(path)
    got = []
    reader = threading.Thread(target=lambda: got.append(path.read_bytes()))
    reader.start()
    with streams.atomic(str(path)) as target, streams.seekable(target) as stream:
        stream.write(b"??cd")
        stream.seek(0)
        stream.write(b"ab")
    reader.join()
    assert got == [b"abcd"]
