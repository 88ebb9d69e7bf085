"""The one kernel decorator: how loops are compiled, and where the machine code is kept.

The first call of a kernel on a machine compiles it (seconds); later processes load it from the disk cache. numba's own
cache has habits that a command line cannot live with, so the kernels here get a cache of their own:

- it lies where the user can write: `NUMBA_CACHE_DIR`, else the user's cache folder, else a private temporary one;
- the folder's name is made from the compiler options, which numba's cache does not notice (a warm cache would ignore
  `NUMBA_BOUNDSCHECK=1`, or a change of `FASTMATH`);
- processes that are started together (by a pipe or by make) do not overwrite each other's index: the first compiles,
  the others wait for it;
- a cache that cannot be read or written (a full disk) costs time, never the run.
"""

import contextlib
import functools
import logging
import os
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Any, TypeVar, cast

import numba
from numba.core import caching, config

Function = TypeVar("Function", bound=Callable[..., Any])

# Reassociation, contraction to FMA and reciprocals let LLVM vectorise sums; "nnan" and "ninf" stay out, so that NaN in
# means NaN out and infinite costs (cells outside of a band) behave.
FASTMATH = {"reassoc", "contract", "arcp", "nsz"}

LONGEST_COMPILE = 60.0  # seconds that a process waits for another to compile the same kernel

log = logging.getLogger(__name__)


def kernel(function: Function) -> Function:
    """Compile a loop over bare C-contiguous arrays, lazily, with the disk cache.

    One dtype and layout a kernel: each further one costs a compilation. The GIL is released, so that two threads can
    work on two inputs. `NUMBA_DISABLE_JIT=1` and `NUMBA_BOUNDSCHECK=1` work as numba documents them.
    """
    options: dict[str, Any] = {"nogil": True, "fastmath": FASTMATH, "boundscheck": _boundscheck()}
    compiled = numba.njit(**options)(function)
    folder = cache_folder()
    if compiled is not function and folder is not None:  # with NUMBA_DISABLE_JIT, njit gives the function back
        with _numba_cache_dir(folder), contextlib.suppress(RuntimeError):  # no such file: defined in a terminal
            compiled._cache = _Cache(function)
    return cast(Function, compiled)


@functools.cache
def cache_folder() -> str | None:
    """Return the folder of compiled kernels, which exists and can be written; None if there is no such place."""
    policy = zlib.crc32(repr((sorted(FASTMATH), _boundscheck())).encode())
    for base in _candidates():
        folder = os.path.join(base, f"kernels-{policy:08x}")
        try:
            os.makedirs(folder, mode=0o700, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError:
            continue
    return None


def _candidates() -> Iterator[str]:
    given = os.environ.get("NUMBA_CACHE_DIR")
    if given:
        yield given
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    if os.path.isabs(home):
        yield os.path.join(home, "mirtool")
    private = os.path.join(tempfile.gettempdir(), f"mirtool-{os.getuid()}")
    with contextlib.suppress(OSError):
        os.makedirs(private, mode=0o700, exist_ok=True)
        state = os.lstat(private)
        if state.st_uid == os.getuid() and state.st_mode & 0o077 == 0:  # it holds code that will be run
            yield private


def _boundscheck() -> bool:
    return os.environ.get("NUMBA_BOUNDSCHECK", "0") not in ("", "0")


@contextlib.contextmanager
def _numba_cache_dir(folder: str) -> Iterator[None]:
    """Let numba choose this folder for the moment; other packages in the process keep theirs."""
    before = config.CACHE_DIR
    config.CACHE_DIR = folder
    try:
        yield
    finally:
        config.CACHE_DIR = before


class _Cache(caching.FunctionCache):  # type: ignore[misc]
    """numba's cache of one function, with a lock from a miss until the code is saved."""

    _lock: IO[bytes] | None = None

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Load compiled code; if there is none, wait until no other process is compiling it, and look again."""
        found = self._try_load(sig, target_context)
        if found is None and self._lock is None:
            self._lock, waited = _locked(os.path.join(self.cache_path, self._impl.filename_base + ".lock"))
            if waited:
                found = self._try_load(sig, target_context)
                if found is not None:
                    self._unlock()
        if found is None:
            _tell()
        return found

    def save_overload(self, sig: Any, data: Any) -> None:
        """Save compiled code, as far as the disk takes it."""
        try:
            super().save_overload(sig, data)
        except OSError as error:
            log.info("the compiled kernel %s is not kept: %s", self._impl.filename_base, error)
        finally:
            self._unlock()

    def _try_load(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception as error:  # a damaged file may raise whatever unpickling can
            log.info("the kept kernel %s cannot be used: %s", self._impl.filename_base, error)
            with contextlib.suppress(OSError):
                self.flush()
            return None

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def _locked(path: str) -> tuple[IO[bytes] | None, bool]:
    """Lock a file, waiting for its holder; return it (None if that does not work) and whether there was a wait."""
    import fcntl

    try:
        lock = open(path, "wb")  # noqa: SIM115 - held until the code is saved
    except OSError:
        return None, False
    end = time.monotonic() + LONGEST_COMPILE
    waited = False
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waited = True
            if time.monotonic() < end:
                time.sleep(0.05)
                continue
        except OSError:  # a file system without locks
            pass
        else:
            return lock, waited
        lock.close()
        return None, waited


@functools.cache
def _tell() -> None:
    """Say once that this call takes longer than those to come, if somebody is looking."""
    if sys.stderr is not None and sys.stderr.isatty():
        log.warning("compiling for this machine; the next call is fast (`mirtool doctor --warm` compiles everything)")
