"""The file that a writer works on: found or created, locked, grown, and given its name."""

import contextlib
import errno
import fcntl
import hashlib
import logging
import os
import time
from collections.abc import Iterator

from mirtool.errors import OutputProblem, WriteFailure

PATIENCE = 5.0  # seconds that a writer waits for another

log = logging.getLogger(__name__)

_BROKEN_WRITE = (errno.ENOSPC, errno.EFBIG, errno.EIO, errno.EDQUOT)


@contextlib.contextmanager
def failures(path: str) -> Iterator[None]:
    """Turn errors of the system into those of writing an index."""
    try:
        yield
    except OSError as error:
        if error.errno in _BROKEN_WRITE:
            raise WriteFailure(f"{path}: cannot be written: {error.strerror}; the index is as it was") from None
        raise OutputProblem(f"{path}: cannot be written: {error.strerror}") from None


class File:
    """A file that is open and locked, under its own name or a temporary one beside it.

    Parameters
    ----------
    path : str
        The name of the index.
    name : str
        The name that the file has now.
    descriptor : int
    """

    def __init__(self, path: str, name: str, descriptor: int) -> None:
        self.path, self.name, self.descriptor = path, name, descriptor

    @property
    def is_new(self) -> bool:
        """Whether it has not got the name of the index yet."""
        return self.name != self.path

    def write(self, data: bytes | bytearray | memoryview, offset: int) -> None:
        """Write all of some bytes."""
        view = memoryview(data)
        while view:
            count = os.pwrite(self.descriptor, view, offset)
            view, offset = view[count:], offset + count

    def sync(self) -> None:
        """Wait until all is on the disk."""
        os.fsync(self.descriptor)

    def publish(self) -> None:
        """Give the file the name of the index, in place of an older one."""
        with contextlib.suppress(FileNotFoundError):
            os.fchmod(self.descriptor, os.stat(self.path).st_mode & 0o7777)
        os.replace(self.name, self.path)
        self.name = self.path
        folder = os.open(os.path.dirname(self.path) or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def discard(self, end: int) -> None:
        """Take back what was written behind `end`, as far as that is possible: nobody reads it."""
        with contextlib.suppress(OSError):
            if self.is_new:
                os.unlink(self.name)
            elif os.fstat(self.descriptor).st_size > end:
                os.ftruncate(self.descriptor, end)

    def close(self) -> None:
        """Close the file and end the lock."""
        with contextlib.suppress(OSError):
            fcntl.flock(self.descriptor, fcntl.LOCK_UN)  # else what is mapped of the file would keep it
        os.close(self.descriptor)


def locked(path: str, patience: float | None = None) -> File:
    """Open and lock the file of an index, or a new one beside its place where there is none.

    Parameters
    ----------
    path : str
    patience : float or None
        How long to wait for another process (s); None: `PATIENCE`.

    Raises
    ------
    OutputProblem
        Another process writes it; or it cannot be opened or created.
    """
    path, end = os.path.realpath(path), time.monotonic() + (PATIENCE if patience is None else patience)
    waiting = False
    while True:
        with failures(path):
            file = _open(path)
        if _lock(file.descriptor):
            if _is_same(file.name, file.descriptor) and not (file.is_new and os.path.lexists(path)):
                if file.is_new:
                    os.ftruncate(file.descriptor, 0)  # what a killed writer left
                else:
                    _remove_orphan(_temporary(path))
                return file
            file.close()  # it has got another name, or another file its name, since it was opened
            continue
        file.close()
        if time.monotonic() > end:
            raise OutputProblem(f"{path}: another process is writing this index")
        if not waiting:
            log.info("%s: waiting for another process that writes it", path)
        waiting = True
        time.sleep(0.05)


def beside(path: str) -> File:
    """Create and lock an empty file that can take the place of an index, whose lock is held."""
    path = os.path.realpath(path)
    with failures(path):
        file = File(path, name := _temporary(path), _create(name))
    if not _lock(file.descriptor):
        file.close()
        raise OutputProblem(f"{path}: another process is writing this index")
    os.ftruncate(file.descriptor, 0)
    return file


def _open(path: str) -> File:
    try:
        return File(path, path, os.open(path, os.O_RDWR | os.O_CLOEXEC))
    except FileNotFoundError:
        if not os.path.basename(path) or not os.path.isdir(os.path.dirname(path) or "."):
            raise OutputProblem(f"{path}: no such folder") from None
    name = _temporary(path)
    return File(path, name, _create(name))


def _create(name: str) -> int:
    return os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)


def _temporary(path: str) -> str:
    folder, name = os.path.split(path)
    if len(os.fsencode(name)) > 200:  # the name of a file holds 255 bytes
        name = hashlib.sha256(os.fsencode(name)).hexdigest()
    return os.path.join(folder, f".{name}.mirtool-new")


def _remove_orphan(name: str) -> None:
    """Remove a new file whose writer was killed; the lock of the index is held."""
    with contextlib.suppress(OSError):
        descriptor = os.open(name, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            if _lock(descriptor):
                os.unlink(name)
        finally:
            os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Lock a file; False if another process holds the lock. Without locks in the file system there is none."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        log.info("this file system knows no locks")
    return True


def _is_same(name: str, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(name), os.fstat(descriptor))
    except OSError:
        return False
