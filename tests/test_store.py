"""Index files: what is written is read again, whatever happens in between is noticed or does no harm."""

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from conftest import environment
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mirtool import store
from mirtool.errors import DataError, FormatError, MissingInput, OutputProblem, ParameterError, WriteFailure
from mirtool.store import Document, Kind, files, layout, ragged

KIND = Kind("words", 3)
PARAMETERS = {"rate": 10.0, "words": ["a", "b"]}


def entry(name: str, seed: int) -> np.ndarray:
    """Return what an index of the tests knows of a document: its own length, all values its own."""
    return np.arange(seed % 7 * 300, dtype=np.int64) + seed * 10_000


def arrays_of(entries: list[np.ndarray]) -> dict[str, np.ndarray]:
    values, starts = ragged.join(entries) if entries else (np.zeros(0, np.int64), np.zeros(1, np.int64))
    return {"values": values, "starts": starts, "empty": np.zeros((0, 3), np.float32)}


def add(writer: store.Writer, seeds: dict[str, int], *, update: bool = False) -> None:
    documents = [Document(name, seed, seed + 1, {"seed": seed} if seed % 2 else {}) for name, seed in seeds.items()]
    arrays = arrays_of([entry(name, seed) for name, seed in seeds.items()])
    (writer.update if update else writer.add)(documents, arrays)


def build(path: Path | str, *segments: dict[str, int]) -> None:
    for seeds in segments:
        with store.writing(str(path), KIND, PARAMETERS) as writer:
            add(writer, seeds)


def contents(index: store.Index) -> dict[str, int]:
    """Read all that an index holds; the seeds by name."""
    found = {}
    for document, segment, number in index.documents():
        starts = segment.whole("starts")
        values = segment.array("values")[starts[number] : starts[number + 1]]
        np.testing.assert_array_equal(values, entry(document.name, document.size))
        assert document.mtime_ns == document.size + 1
        assert document.extras == ({"seed": document.size} if document.size % 2 else {})
        found[document.name] = document.size
    return found


def read(path: Path | str) -> dict[str, int]:
    with store.reading(str(path), KIND) as index:
        index.verify()
        return contents(index)


# ------------------------------------------------------------------------------------------------------------- in use


def test_what_is_written_is_read(tmp_path):
    path = str(tmp_path / "a.index")
    build(path, {"a": 1, "b/é\udcff": 2}, {"c": 5})
    with store.reading(path, KIND) as index:
        assert contents(index) == {"a": 1, "b/é\udcff": 2, "c": 5}
        assert (index.generation, len(index), index.parameters) == (2, 3, PARAMETERS)
        assert index.size == os.path.getsize(path)
        first, second = index.segments
        assert first.names == ("values", "starts", "empty")
        assert first.documents[-1].name == "b/é\udcff"
        assert [document.name for document in second.documents] == ["c"]
        assert first.whole("empty").shape == (0, 3)
        values = first.whole("values")
        assert not values.flags.writeable
        assert values.flags.aligned
        found, missing = index.find(["c", "d"])
        assert found == (second, 0)
        assert missing is None
    assert values[0] == 10_000  # views outlive the index
    assert os.listdir(tmp_path) == ["a.index"]


def test_pieces_are_the_ranges_one_after_the_other(tmp_path):
    rng = np.random.default_rng(1)
    values = rng.integers(0, 1 << 30, (20_000, 3), np.int32)
    with store.writing(str(tmp_path / "x"), KIND) as writer:
        writer.add([], {"pad": np.zeros(5, np.int8), "values": values})
    with store.reading(str(tmp_path / "x"), KIND) as index:
        array = index.segments[0].array("values")
        assert array[:].ctypes.data % layout.ALIGNMENT == 0
        assert not array[:].flags.writeable
        starts = rng.integers(0, 20_000, 300)
        stops = np.minimum(starts + rng.integers(0, 900, 300), 20_000)
        expected = np.concatenate([values[start:stop] for start, stop in zip(starts, stops, strict=True)])
        np.testing.assert_array_equal(array.pieces(starts, stops), expected)
        np.testing.assert_array_equal(array.take([3, 3, 19_999]), values[[3, 3, 19_999]])
        np.testing.assert_array_equal(array[-1], values[-1])
        assert len(array[5:2]) == len(array.pieces([], [])) == 0
        index.segments[0].release()
        np.testing.assert_array_equal(array[:], values)
        for start, stop in ((-1, 5), (19_999, 20_001), (5, 2)):
            with pytest.raises(IndexError, match="outside"):
                array.pieces([0, start], [1, stop])


def write_and_fail(path: str) -> None:
    with store.writing(path, KIND) as writer:
        add(writer, {"b": 2})
        writer.remove(["a"])
        raise ZeroDivisionError


def commit_and_fail(path: str) -> None:
    with store.writing(path, KIND) as writer:
        add(writer, {"a": 1})
        writer.commit()
        assert read(path) == {"a": 1}
        add(writer, {"a": 2, "b": 3}, update=True)
        writer.commit()
        add(writer, {"c": 4})
        raise ZeroDivisionError


def test_an_array_may_come_in_pieces(tmp_path):
    """One that knows its last pieces only when another has been written, too."""
    rows = [np.full((size, 2), size, np.int16) for size in (3, 0, 5000)]
    taken: list[int] = []

    def pieces():
        for piece in rows:
            taken.append(len(piece))
            yield piece

    with store.writing(str(tmp_path / "x"), KIND) as writer:
        arrays = {"rows": pieces(), "taken": (np.array(taken) for _ in range(1)), "none": iter([np.zeros(0, np.int8)])}
        writer.add([], arrays)
    with store.reading(str(tmp_path / "x"), KIND) as index:
        (segment,) = index.segments
        np.testing.assert_array_equal(segment.whole("rows"), np.concatenate(rows))
        assert segment.whole("taken").tolist() == [3, 0, 5000]
        assert len(segment.array("none")) == 0
        assert 5003 * 4 < segment.size < 5003 * 4 + 3 * layout.PAGE


def test_nothing_is_written_after_an_error_in_the_block(tmp_path):
    path = str(tmp_path / "a.index")
    for before in ({}, {"a": 1}):
        if before:
            build(path, before)
        data = Path(path).read_bytes() if before else b""
        with pytest.raises(ZeroDivisionError):
            write_and_fail(path)
        assert (Path(path).read_bytes() if before else b"") == data
        assert os.listdir(tmp_path) == (["a.index"] if before else [])


def test_commits_within_a_block_stand(tmp_path):
    path = str(tmp_path / "a.index")
    with pytest.raises(ZeroDivisionError):
        commit_and_fail(path)
    assert read(path) == {"a": 2, "b": 3}


def test_writing_nothing_changes_nothing(tmp_path):
    path = str(tmp_path / "a.index")
    build(path, {"a": 1})
    data = Path(path).read_bytes()
    with store.writing(path, KIND, PARAMETERS) as writer:
        assert writer.remove(["b", "b"]) == ["b"]
        assert (len(writer), writer.segments) == (1, 1)
    assert Path(path).read_bytes() == data


def test_an_append_costs_what_it_appends(tmp_path):
    path = str(tmp_path / "a.index")
    build(path, {f"{n}": 6 for n in range(1000)})
    before = os.path.getsize(path)
    build(path, {"new": 0})
    assert before > 14_000_000
    assert os.path.getsize(path) - before < 3 * layout.PAGE


def test_a_reader_needs_no_memory_for_what_it_does_not_touch(tmp_path):
    """The system maps 64 KB around each touch of a mapped file: here 130 MB, all of it."""
    path = str(tmp_path / "a.index")
    with store.writing(path, KIND) as writer:
        writer.add([], {"values": np.zeros((1 << 24, 2), np.float32)})
    program = """
        import os, resource, sys
        import numpy as np
        from mirtool import store

        with store.reading(sys.argv[1]) as index:
            array = index.segments[0].array("values")
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            for part in np.random.default_rng(0).integers(0, 1 << 24, (20, 100)):
                array.take(part)
            for row in range(0, 1 << 24, 1 << 15):
                array[row : row + 9]
            index.verify()
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), path], env=environment(), capture_output=True, check=True
    )
    assert int(run.stdout) < 10_000  # kB


def test_names_are_unique(tmp_path):
    path = str(tmp_path / "a.index")
    build(path, {"a": 1})
    with pytest.raises(DataError, match="a: is in the index already"), store.writing(path, KIND) as writer:
        add(writer, {"b": 1, "a": 2})
    with pytest.raises(DataError, match="b: stands twice"), store.writing(path, KIND) as writer:
        writer.add([Document("b"), Document("b")], {})
    with store.writing(path, KIND) as writer:
        add(writer, {"b": 1})
        with pytest.raises(DataError, match="b: is in the index already"):
            add(writer, {"b": 2})
        writer.remove(["b", "a"])
        add(writer, {"a": 3})
    assert read(path) == {"a": 3}


def test_the_kind_and_the_parameters_are_those_asked_for(tmp_path):
    path = str(tmp_path / "a.index")
    build(path, {"a": 1})
    with pytest.raises(FormatError, match=r"an index of words, not of sounds$"), store.reading(path, Kind("sounds", 3)):
        pass
    message = r"a\.index: an index of words made by another version of mirtool \(3, not 4\): build it again"
    with pytest.raises(FormatError, match=message), store.writing(path, Kind("words", 4)):
        pass
    message = r"was built with rate 10\.0, not 5; words .*, not null"
    with pytest.raises(ParameterError, match=message.replace("; ", ", ")), store.writing(path, KIND, {"rate": 5}):
        pass
    with store.reading(path) as index:
        assert index.kind == KIND
    with pytest.raises(ValueError, match="no array of object"), store.writing(path, KIND) as writer:
        writer.add([], {"x": np.array(["a", None], object)})


def test_rewriting_leaves_out_what_was_removed(tmp_path):
    path = str(tmp_path / "a.index")
    build(path, {"a": 6, "b": 6}, {"c": 6})
    os.chmod(path, 0o640)
    with store.writing(path, KIND) as writer:
        writer.remove(["a"])
    size = os.path.getsize(path)
    with store.reading(path, KIND) as old:
        with store.rewriting(path, KIND) as (index, writer):
            add(writer, contents(index))
        assert contents(old) == {"b": 6, "c": 6}  # a reader keeps what it opened
        with store.reading(path, KIND) as new:
            assert new.generation == old.generation + 1
        assert read(path) == {"b": 6, "c": 6}
    assert os.path.getsize(path) < size
    assert os.stat(path).st_mode & 0o777 == 0o640
    data = Path(path).read_bytes()
    with pytest.raises(ZeroDivisionError), store.rewriting(path, KIND):
        raise ZeroDivisionError
    assert Path(path).read_bytes() == data
    assert os.listdir(tmp_path) == ["a.index"]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "folder").mkdir()
    build(tmp_path / "folder/a.index", {"a": 1})
    (tmp_path / "link").symlink_to("folder/a.index")
    with store.rewriting(str(tmp_path / "link"), KIND) as (_, writer):
        add(writer, {"b": 1})
    assert (tmp_path / "link").is_symlink()
    assert read(tmp_path / "folder/a.index") == {"b": 1}


def test_readers_keep_what_they_opened(tmp_path):
    path = str(tmp_path / "a.index")
    build(path, {"a": 1})
    with store.reading(path, KIND) as old:
        for seed in range(2, 6):
            build(path, {f"{seed}": seed})
            with store.writing(path, KIND) as writer:
                add(writer, {"a": seed}, update=True)
        assert contents(old) == {"a": 1}
    assert read(path) == {"a": 5, "2": 2, "3": 3, "4": 4, "5": 5}


def test_one_writer_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "PATIENCE", 0.1)
    path = str(tmp_path / "a.index")
    for present in (False, True):
        with store.writing(path, KIND) as writer:
            for opened in (store.writing, store.rewriting):
                for patience in (None, 0.0):
                    with (
                        pytest.raises(OutputProblem, match="is writing this index"),
                        opened(path, KIND, None, patience),
                    ):
                        pass
            add(writer, {f"{present}": 1})
    assert read(path) == {"False": 1, "True": 1}


def test_names_of_files_may_be_long_and_folders_missing(tmp_path):
    path = tmp_path / ("x" * 250)
    build(path, {"a": 1})
    assert read(path) == {"a": 1}
    with pytest.raises(OutputProblem, match="no such folder"):
        build(tmp_path / "none/x", {"a": 1})
    with pytest.raises(OutputProblem, match="cannot be written"):
        build(tmp_path, {"a": 1})
    with pytest.raises(MissingInput, match="no such index"):
        read(tmp_path / "none")
    with pytest.raises(MissingInput, match="no such index"), store.rewriting(str(tmp_path / "none"), KIND):
        pass
    with pytest.raises(MissingInput, match="cannot be read"):
        read(tmp_path)


def test_a_large_table_of_documents_opens_at_once(tmp_path):
    import time

    path = str(tmp_path / "a.index")
    with store.writing(path, KIND) as writer:
        for part in range(100):
            names = [Document(f"folder {part}/{n}.wav", n) for n in range(1000)]
            writer.add(names, {"x": np.zeros(10, np.float32)})
        writer.remove(f"folder 7/{n}.wav" for n in range(500))
    times = []
    for _ in range(3):
        begin = time.perf_counter()
        with store.reading(path, KIND):
            times.append(time.perf_counter() - begin)
    with store.reading(path, KIND) as index:
        assert len(index) == 99_500
        assert index.find(["folder 7/500.wav", "folder 7/3.wav"]) == [(index.segments[7], 500), None]
    assert min(times) < 0.05


# ------------------------------------------------------------------------------------------------- against an oracle


NAMES = st.sampled_from(["a", "b", "c", "d/e", "ö", "f" * 100])
SEEDS = st.dictionaries(NAMES, st.integers(0, 50), max_size=4)


class Life(RuleBasedStateMachine):
    """Any sequence of changes, beside a dictionary; readers opened on the way keep what they saw."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(os.environ["MIRTOOL_TEST_STORE"])
        shutil.rmtree(self.folder)
        self.folder.mkdir()
        self.path = str(self.folder / "x.index")
        self.expected: dict[str, int] = {}
        self.readers: list[tuple[store.Index, dict[str, int]]] = []
        build(self.path, {})

    @rule(changes=st.lists(st.tuples(st.booleans(), SEEDS), max_size=4), fails=st.booleans())
    def write(self, changes: list[tuple[bool, dict[str, int]]], fails: bool) -> None:
        expected = dict(self.expected)
        try:
            with store.writing(self.path, KIND, PARAMETERS) as writer:
                for removes, seeds in changes:
                    if removes:
                        missing = writer.remove(seeds)
                        assert set(missing) == set(seeds) - set(expected)
                        expected = {name: seed for name, seed in expected.items() if name not in seeds}
                    else:
                        add(writer, seeds, update=True)
                        expected |= seeds
                assert len(writer) == len(expected)
                if fails:
                    raise ZeroDivisionError
        except ZeroDivisionError:
            return
        self.expected = expected

    @rule(data=st.data())
    def compact(self, data: st.DataObject) -> None:
        with store.rewriting(self.path, KIND) as (index, writer):
            kept = contents(index)
            names = data.draw(st.lists(st.sampled_from(sorted(kept)), unique=True)) if kept else []
            add(writer, {name: kept[name] for name in names})
            add(writer, {name: seed for name, seed in kept.items() if name not in names})

    @precondition(lambda self: len(self.readers) < 3)
    @rule()
    def open(self) -> None:
        self.readers.append((store.open_index(self.path, KIND), dict(self.expected)))

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "path"):
            return
        assert read(self.path) == self.expected
        assert os.listdir(self.folder) == ["x.index"]
        for index, seen in self.readers:
            assert contents(index) == seen

    def teardown(self) -> None:
        for index, _ in getattr(self, "readers", []):
            index.close()


def test_any_life_agrees_with_a_dictionary(tmp_path, monkeypatch):
    (tmp_path / "store").mkdir()
    monkeypatch.setenv("MIRTOOL_TEST_STORE", str(tmp_path / "store"))
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # 5 ms each
    run = settings(max_examples=15, stateful_step_count=10, deadline=None, suppress_health_check=list(HealthCheck))
    Life.TestCase.settings = run
    Life.TestCase("runTest").runTest()


# ------------------------------------------------------------------------------------------------------------- damage


def small(path: Path) -> bytes:
    """Make a small index with two segments and a removal."""
    build(path, {"a": 1, "b": 0}, {"c": 2})
    with store.writing(str(path), KIND) as writer:
        writer.remove(["b"])
    return path.read_bytes()


def test_a_flipped_bit_is_refused_or_does_no_harm(tmp_path):
    path = tmp_path / "a.index"
    data = small(path)
    expected = read(path)
    rng = np.random.default_rng(3)
    refused = 0
    ends = [*range(layout.PAGE, layout.PAGE + 128), *range(len(data) - 128, len(data))]  # of the newest generation
    for place in [*ends, *rng.integers(0, len(data), 300).tolist()]:
        damaged = bytearray(data)
        damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            with store.reading(str(path), KIND) as index:
                assert contents(index) == expected
                assert index.generation == 3
        except FormatError as error:
            refused += "a damaged index" in str(error)
    assert refused > 150


def test_both_copies_of_the_newest_slot_have_to_be_lost(tmp_path):
    path = tmp_path / "a.index"
    data = bytearray(small(path))
    slot = 3 % 2 * layout.PAGE
    data[slot + 20] ^= 1
    path.write_bytes(data)
    assert set(read(path)) == {"a", "c"}
    data[slot + layout.COPY + 20] ^= 1
    path.write_bytes(data)
    assert set(read(path)) == {"a", "b", "c"}  # as after a write that broke off
    data[: layout.HEADER] = data[:8] + bytes(layout.HEADER - 8)
    path.write_bytes(data)
    with pytest.raises(FormatError, match=r"a damaged index \(header\)"):
        read(path)


def test_every_truncation_is_refused(tmp_path):
    path = tmp_path / "a.index"
    data = small(path)
    for length in (*range(0, len(data) - 100, 241), *range(len(data) - 100, len(data))):
        path.write_bytes(data[:length])
        with pytest.raises(FormatError, match=r"empty file|damaged|truncated|not an index"):
            read(path)
        with pytest.raises(FormatError), store.writing(str(path), KIND):
            pass
        assert path.stat().st_size == length  # a writer does not touch it
    path.write_bytes(data + b"of a killed writer")
    assert set(read(path)) == {"a", "c"}


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "a.index"
    data = small(path)
    for content, message in (
        (b"", "an empty file, not an index"),
        (b"RIFF....WAVE", r"not an index \(first bytes: 52 49 46 46\)"),
        (os.urandom(20_000), "not an index"),
    ):
        path.write_bytes(content)
        for opened in (store.reading, store.writing, store.rewriting):
            with pytest.raises(FormatError, match=message), opened(str(path), KIND):
                pass
        assert path.read_bytes() == content
    for version, order, message in ((2, "little", "format 2, not 1"), (1, "big", "a machine of another kind")):
        import zlib

        slot = layout._SLOT.pack(layout.MAGIC, version, order.encode(), 9, 8192, 100, 0).ljust(124, b"\0")
        slot += zlib.crc32(slot).to_bytes(4, "little")
        path.write_bytes(slot + data[len(slot) :])
        with pytest.raises(FormatError, match=f"{message}.*: build it again"):
            read(path)


def test_a_segment_that_says_strange_things_is_refused():
    import zlib

    for described in (
        b"[]",
        b"{",
        b'{"x":["|O",[1],0]}',
        b'{"x":["<i8",[-1],0]}',
        b'{"x":["<i8",[600],0]}',
        b'{"x":["<i8",[1],8]}',
        b'{"x":["<i8",[],0]}',
        b'{"x":["<i8",[1],-64]}',
        b'{"x":[">i8",[1],0]}',
    ):
        with pytest.raises((ValueError, AttributeError, TypeError)):
            layout.read_description(described, zlib.crc32(described), 4096)


# -------------------------------------------------------------------------------------------------- writes that fail


def change(path: str, new: bool, compact: bool) -> None:
    """Change an index in a way that touches all of what can be written."""
    if compact:
        with store.rewriting(path, KIND) as (index, writer):
            add(writer, contents(index))
        return
    with store.writing(path, KIND, PARAMETERS) as writer:
        add(writer, {"c": 3, "d": 6})
        if not new:
            add(writer, {"a": 5}, update=True)
            writer.remove(["b"])


@pytest.mark.parametrize("call", ["pwrite", "fsync", "replace"])
@pytest.mark.parametrize(("new", "compact"), [(True, False), (False, False), (False, True)])
def test_a_write_that_fails_leaves_the_old_index(tmp_path, monkeypatch, call, new, compact):
    path = str(tmp_path / "a.index")
    before = {"a": 1, "b": 2}
    outcomes = []
    for failing in range(100):
        shutil.rmtree(tmp_path)
        tmp_path.mkdir()
        if not new:
            build(path, before)
        count = 0
        original = getattr(os, call)

        def broken(*arguments, failing=failing, original=original):
            nonlocal count
            count += 1
            if count == failing + 1:
                if call == "pwrite":  # a part of it is written
                    original(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2], arguments[2])
                raise OSError(28, "No space left on device")
            return original(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(os, call, broken)
            try:
                change(path, new, compact)
            except WriteFailure as error:
                message = str(error)
            else:
                break
        assert "No space left on device" in message
        outcomes.append(read(path) if os.path.exists(path) else None)
        assert os.listdir(tmp_path) == (["a.index"] if os.path.exists(path) else [])
        if os.path.exists(path):
            build(path, {"later": 4})  # and it can be written again
            assert set(read(path)) == {*outcomes[-1], "later"}
    else:
        pytest.fail("no end")
    if call == "fsync" and new:
        assert outcomes.pop() == {"c": 3, "d": 6}  # that of the folder, when the index has its name
    assert all(outcome == (None if new else before) for outcome in outcomes)
    assert len(outcomes) >= {"pwrite": 4, "fsync": 2, "replace": 0}[call]


def test_a_writer_that_is_killed_leaves_the_old_index_or_the_new_one(tmp_path):
    program = """
        import os, signal, sys
        sys.path[:0] = [{tests!r}]
        from test_store import build, change, read

        def attempt(path, moment, new, compact):
            count = 0
            def counted(original):
                def wrapped(*arguments):
                    nonlocal count
                    count += 1
                    if count == moment:
                        if original is os_pwrite:
                            original(arguments[0], bytes(arguments[1])[:len(arguments[1]) // 2], arguments[2])
                        os.kill(os.getpid(), signal.SIGKILL)
                    result = original(*arguments)
                    return result
                return wrapped
            os_pwrite = os.pwrite
            for name in ("pwrite", "fsync", "replace", "ftruncate"):
                setattr(os, name, counted(getattr(os, name)))
            change(path, new, compact)
            os._exit(0)

        for new, compact in ((True, False), (False, False), (False, True)):
            for moment in range(1, 100):
                path = os.path.join(sys.argv[1], f"{{new}}{{compact}}{{moment}}")
                if not new:
                    build(path, {{"a": 1, "b": 2}})
                child = os.fork()
                if not child:
                    attempt(path, moment, new, compact)
                status = os.waitpid(child, 0)[1]
                print(new, compact, sorted(read(path).items()) if os.path.exists(path) else None)
                build(path, {{"later": 4}})
                assert read(path)["later"] == 4
                if status == 0:
                    break
                assert os.WIFSIGNALED(status), status
        print(sorted(name for name in os.listdir(sys.argv[1]) if name.startswith(".")))
    """
    program = textwrap.dedent(program).format(tests=str(Path(__file__).parent))
    run = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], env=environment(), capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    *lines, hidden = run.stdout.splitlines()
    assert hidden == "[]", "the next writer removes what is left"
    before, done = sorted({"a": 1, "b": 2}.items()), sorted({"a": 5, "c": 3, "d": 6}.items())
    fresh = sorted({"c": 3, "d": 6}.items())
    allowed = {"True False": [None, fresh], "False False": [before, done], "False True": [before]}
    for case, outcomes in allowed.items():
        seen = [line.removeprefix(case + " ") for line in lines if line.startswith(case)]
        assert len(seen) >= 8
        assert set(seen) == {str(outcome) for outcome in outcomes}


def test_readers_beside_a_writer_see_whole_generations(tmp_path):
    """Each generation holds a document `n` whose seed is that of the others; a mixture would be seen."""
    path = str(tmp_path / "a.index")
    with store.writing(path, KIND) as writer:
        add(writer, {"a": 0, "b": 0})
    program = """
        import sys
        sys.path[:0] = [{tests!r}]
        from test_store import KIND, add, contents, store

        for seed in range(1, 60):
            with store.writing(sys.argv[1], KIND) as writer:
                add(writer, {{"a": seed, "b": seed}}, update=True)
            if seed % 10 == 0:
                with store.rewriting(sys.argv[1], KIND) as (index, writer):
                    add(writer, contents(index))
    """
    program = textwrap.dedent(program).format(tests=str(Path(__file__).parent))
    with subprocess.Popen([sys.executable, "-c", program, path], env=environment()) as process:
        seen = []
        while process.poll() is None:
            with store.reading(path, KIND) as index:
                found = contents(index)
                assert set(found) == {"a", "b"}
                assert found["a"] == found["b"]
                seen.append(found["a"])
    assert process.returncode == 0
    assert seen == sorted(seen)
    assert len(set(seen)) > 3
    assert read(path) == {"a": 59, "b": 59}
