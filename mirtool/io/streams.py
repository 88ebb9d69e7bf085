"""The one place for `-`, opening, spooling and atomic writing.

Reading gives a seekable binary stream, whatever the input is: a regular file is opened as it is, everything else (stdin
from a pipe, a FIFO) is kept in memory up to 64 MB and in a temporary file past that, unless its reader can do with a
stream as it comes.

Writing goes to a hidden temporary file beside the target, which takes the target's name only when all is on disk. A
temporary is locked (flock) as long as its process lives, so that the next run can tell what a killed run left from what
another process is writing just now.
"""

import contextlib
import errno
import hashlib
import io
import os
import re
import select
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, cast

from mirtool.errors import MissingInput, OutputProblem, WriteFailure

SPOOL_SIZE = 64 << 20
LIVE_HEAD_SIZE = 12
COPY_SIZE = 1 << 20
SLOTS = 32  # processes that may write one target at a time

_BROKEN_WRITE = {errno.ENOSPC, errno.EFBIG, errno.EIO, errno.EDQUOT}
_DESCRIPTOR = re.compile(r"/dev/fd/(\d+)|/proc/self/fd/(\d+)")
_STANDARD = {"/dev/stdout": 1, "/dev/stderr": 2}


def open_input(name: str, is_streamable: Callable[[bytes], bool] = lambda head: False) -> BinaryIO:
    """Open an input for reading, at its beginning.

    Parameters
    ----------
    name : str
        A path, or `-` for stdin.
    is_streamable : callable
        Says of the first 12 bytes whether the reader can do with an input that is not seekable, as it comes.

    Returns
    -------
    BinaryIO
        The file itself where it is regular (so that it can be memory-mapped), a seekable copy of anything else, or a
        stream that is not seekable where `is_streamable` says so.

    Raises
    ------
    MissingInput
        There is no such file, or it cannot be read.
    WriteFailure
        The copy does not fit on the disk.
    """
    stream = _stdin() if name == "-" else _open_file(name)
    if _is_regular(stream):
        return stream
    try:
        head = stream.read(LIVE_HEAD_SIZE)
        if is_streamable(head):
            return cast(BinaryIO, io.BufferedReader(_Prefixed(head, stream), COPY_SIZE))
        with stream:
            return spooled(head, stream, name)
    except OSError as error:
        stream.close()
        raise MissingInput(f"{name}: cannot be read: {_reason(error)}") from None


def first_bytes(stream: BinaryIO, size: int) -> bytes:
    """Return the first bytes of a stream, which is left at its beginning; of one that comes, at most 12."""
    if not stream.seekable():
        return cast(io.BufferedReader, stream).peek(size)[:size]
    stream.seek(0)
    head = stream.read(size)
    stream.seek(0)
    return head


def is_mappable(stream: BinaryIO) -> bool:
    """Tell whether a stream is a regular file on disk, which can be memory-mapped."""
    return isinstance(stream, io.BufferedReader) and stream.seekable()


class _Prefixed(io.RawIOBase):
    """A stream whose first bytes were read already."""

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        self._head, self._stream = head, stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._head[: len(buffer)] or cast(io.BufferedReader, self._stream).read1(len(buffer))
        self._head = self._head[len(buffer) :]
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()


def _open_file(name: str) -> BinaryIO:
    try:
        return open(name, "rb")
    except IsADirectoryError:
        raise MissingInput(f"{name}: is a folder") from None
    except FileNotFoundError:
        raise MissingInput(f"{name}: no such file") from None
    except (OSError, ValueError) as error:
        raise MissingInput(f"{name}: cannot be read: {_reason(error)}") from None


def _stdin() -> BinaryIO:
    """Return stdin; closing it leaves the descriptor open."""
    if sys.stdin is None:
        raise MissingInput("-: stdin is closed")
    try:
        return open(sys.stdin.buffer.fileno(), "rb", closefd=False)
    except io.UnsupportedOperation:  # not a file: replaced by a program that runs commands in process
        return cast(BinaryIO, io.BytesIO(sys.stdin.buffer.read()))
    except (OSError, ValueError) as error:
        raise MissingInput(f"-: cannot be read: {_reason(error)}") from None


def _is_regular(stream: BinaryIO) -> bool:
    """Tell whether the bytes of a stream can be read again from the beginning, which is where it stands."""
    if isinstance(stream, io.BytesIO):
        return True
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode) and stream.tell() == 0
    except OSError:
        return False


def spooled(head: bytes, stream: BinaryIO, name: str) -> BinaryIO:
    """Copy a stream, of which `head` was read already, to memory, or past 64 MB to a temporary file.

    Raises
    ------
    WriteFailure
        The temporary folder is full.
    """
    spool = tempfile.SpooledTemporaryFile(max_size=SPOOL_SIZE)  # noqa: SIM115 - the caller closes it
    chunk = head
    try:
        while chunk:
            try:
                spool.write(chunk)
            except OSError as error:
                folder = tempfile.gettempdir()
                raise WriteFailure(f"{name}: does not fit in the temporary folder {folder}: {_reason(error)}") from None
            chunk = stream.read(COPY_SIZE)
    except BaseException:
        spool.close()
        raise
    spool.seek(0)
    return cast(BinaryIO, spool)


@contextlib.contextmanager
def atomic(target: str, *, buffered: bool = True) -> Iterator[BinaryIO]:
    """Open an output, which takes the name `target` only when the block ends without an error.

    A symbolic link is followed. A new file gets the permissions that umask leaves, a replaced one keeps its own. What
    is no regular file (a device, a FIFO, `/dev/fd/N`) is written straight, as is stdout.

    Parameters
    ----------
    target : str
        A path, or `-` for stdout.
    buffered : bool
        Without a buffer each write goes out at once, and an interrupt cannot make one go out twice.

    Yields
    ------
    BinaryIO
        A stream for writing; seekable where the target is a regular file.

    Raises
    ------
    OutputProblem
        The output cannot be created.
    WriteFailure
        The disk is full, a limit is reached or the device fails; an older file is intact.
    BrokenPipeError
        The reader of a pipe has gone.
    """
    descriptor = _descriptor_of(target)
    with failures(target):
        if target == "-":
            with _stdout(buffered) as stream:
                yield stream
        elif descriptor is not None:
            with _straight(descriptor, buffered) as stream:
                yield stream
        elif _replaceable(target):
            with _beside(os.path.realpath(target), buffered) as stream:
                yield stream
        else:
            with _straight(_open(target, os.O_WRONLY), buffered, close=True) as stream:
                yield stream


@contextlib.contextmanager
def atomic_together(targets: Sequence[str]) -> Iterator[list[BinaryIO]]:
    """Open outputs as `atomic` does; none takes its name before all are on disk.

    Parameters
    ----------
    targets : sequence of str

    Yields
    ------
    list of BinaryIO
        A stream a target. Who writes to several at once says with `failures` which one is written to.
    """
    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(atomic(target)) for target in targets]
        yield opened
        for target, stream in zip(targets, opened, strict=True):
            with failures(target):
                stream.flush()
                if isinstance(stream, io.BufferedRandom):  # a temporary file beside the target
                    os.fsync(stream.fileno())


@contextlib.contextmanager
def seekable(stream: BinaryIO) -> Iterator[BinaryIO]:
    """Yield a seekable stream whose bytes end up in `stream`: itself, or a spool that is copied at the end."""
    if stream.seekable():
        yield stream
        return
    with tempfile.SpooledTemporaryFile(max_size=SPOOL_SIZE) as spool:
        yield cast(BinaryIO, spool)
        spool.seek(0)
        shutil.copyfileobj(spool, stream, COPY_SIZE)


class _Straight(io.RawIOBase):
    """A descriptor that takes all bytes of a write, even when it is slow, non-blocking or unbuffered."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.broken = False

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        view = memoryview(data).cast("B")  # type: ignore[arg-type]
        size = len(view)
        while view and not self.broken:
            try:
                view = view[os.write(self.descriptor, view) :]
            except BlockingIOError:
                select.select([], [self.descriptor], [])
            except OSError:
                self.broken = True  # the buffer in front is emptied again when it is closed; once is enough
                raise
        return size


@contextlib.contextmanager
def _straight(descriptor: int, buffered: bool, close: bool = False) -> Iterator[BinaryIO]:
    raw = _Straight(descriptor)
    stream = io.BufferedWriter(raw, COPY_SIZE) if buffered else raw
    try:
        yield cast(BinaryIO, stream)
        stream.flush()
    except BaseException:
        raw.broken = True
        raise
    finally:
        stream.close()
        if close:
            os.close(descriptor)


@contextlib.contextmanager
def _stdout(buffered: bool) -> Iterator[BinaryIO]:
    if sys.stdout is None:
        raise OutputProblem("-: stdout is closed")
    sys.stdout.flush()
    try:
        descriptor = sys.stdout.fileno()
    except io.UnsupportedOperation:  # not a file: replaced by a program that runs commands in process
        with tempfile.SpooledTemporaryFile(max_size=SPOOL_SIZE) as spool:
            yield cast(BinaryIO, spool)
            spool.seek(0)
            shutil.copyfileobj(spool, sys.stdout.buffer, COPY_SIZE)
        return
    with _straight(descriptor, buffered) as stream:
        yield stream


def _descriptor_of(target: str) -> int | None:
    """Return the open descriptor that a target such as `/dev/fd/63` means, if it means one."""
    match = _DESCRIPTOR.fullmatch(target)
    return int(match[1] or match[2]) if match else _STANDARD.get(target)


def _replaceable(target: str) -> bool:
    """Tell whether a target is a regular file or nothing yet; refuse what may not be replaced."""
    try:
        mode = os.stat(target).st_mode
    except FileNotFoundError:
        if target.endswith("/") or not os.path.basename(target):
            raise OutputProblem(f"{target}: is no file") from None
        return True
    except (OSError, ValueError) as error:
        raise OutputProblem(f"{target}: cannot be created: {_reason(error)}") from None
    if stat.S_ISDIR(mode):
        raise OutputProblem(f"{target}: is a folder")
    if not stat.S_ISREG(mode):
        return False
    if not os.access(target, os.W_OK):
        raise OutputProblem(f"{target}: cannot be written: {os.strerror(errno.EACCES)}")
    return True


@contextlib.contextmanager
def _beside(target: str, buffered: bool) -> Iterator[BinaryIO]:
    """Write to a locked temporary file in the folder of the target, and rename it at the end."""
    temporary, descriptor = _create_temporary(target)
    stream = open(descriptor, "w+b", COPY_SIZE if buffered else 0)  # noqa: SIM115 - closed below, whatever happens
    try:
        yield stream
        stream.flush()
        _keep_permissions(target, descriptor)
        os.fsync(descriptor)
        _rename(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        with contextlib.suppress(OSError):  # closing tries to write the rest once more
            stream.close()
        raise
    stream.close()


def _rename(temporary: str, target: str) -> None:
    try:
        os.replace(temporary, target)
    except OSError as error:
        raise OutputProblem(f"{target}: cannot be created: {_reason(error)}") from None


def _create_temporary(target: str) -> tuple[str, int]:
    """Create and lock the temporary file of a target; remove those that killed runs left.

    Returns
    -------
    path : str
    descriptor : int
        Open for reading and writing; the lock ends when it is closed.
    """
    paths = [_temporary_name(target, slot) for slot in range(SLOTS)]
    for path in paths:
        _remove_orphan(path)
    for path in paths:  # last, so that hardly any interrupt finds the file there and nobody to remove it
        descriptor = _create_locked(path, target)
        if descriptor is not None:
            return path, descriptor
    raise OutputProblem(f"{target}: is being written by {SLOTS} others")


def _temporary_name(target: str, slot: int) -> str:
    folder, name = os.path.split(target)
    if len(os.fsencode(name)) > 200:  # a file name holds 255 bytes
        name = hashlib.sha256(os.fsencode(name)).hexdigest()
    return os.path.join(folder, f".{name}.mirtool-{slot}")


def _create_locked(path: str, target: str) -> int | None:
    """Create a file that must not exist yet and lock it; None if another process was faster."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    except FileExistsError:
        return None
    except FileNotFoundError:
        raise OutputProblem(f"{target}: no such folder: {os.path.dirname(target)}") from None
    except OSError as error:
        problem = WriteFailure if error.errno in _BROKEN_WRITE else OutputProblem
        raise problem(f"{target}: cannot be created: {_reason(error)}") from None
    if _lock(descriptor, wait=True) is False or _is_same(path, descriptor):
        return descriptor
    os.close(descriptor)  # taken for an orphan in the moment between creating and locking
    return None


def _remove_orphan(path: str) -> None:
    """Remove a temporary file whose process has gone: nobody holds its lock.

    Who removes a file holds its lock and sees it under its name, so that two cleaners, or a cleaner and a process that
    has just created the next file of that name, cannot meet.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return
    try:
        if _lock(descriptor, wait=False) and _is_same(path, descriptor):
            with contextlib.suppress(OSError):
                os.unlink(path)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, wait: bool) -> bool | None:
    """Lock a file; None if another process holds the lock, False if the file system knows no locks."""
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return None
    except OSError:
        return False
    return True


def _is_same(path: str, descriptor: int) -> bool:
    """Tell whether a path still names the open file."""
    try:
        return os.path.samestat(os.stat(path, follow_symlinks=False), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _keep_permissions(target: str, descriptor: int) -> None:
    """Give the new file the owner and the permissions of the one it replaces, as far as allowed."""
    try:
        old = os.stat(target)
    except FileNotFoundError:
        return
    new = os.fstat(descriptor)
    with contextlib.suppress(PermissionError):
        if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
            os.fchown(descriptor, old.st_uid, old.st_gid)
        os.fchmod(descriptor, stat.S_IMODE(old.st_mode))


def _open(target: str, flags: int) -> int:
    try:
        return os.open(target, flags | os.O_CLOEXEC)
    except OSError as error:
        raise OutputProblem(f"{target}: cannot be written: {_reason(error)}") from None


@contextlib.contextmanager
def failures(target: str) -> Iterator[None]:
    """Turn the errors of a write that broke off into `WriteFailure`, which names the target."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.errno in _BROKEN_WRITE:
            raise WriteFailure(f"{target}: cannot be written to the end: {_reason(error)}") from None
        raise


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
