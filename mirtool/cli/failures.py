"""Errors as the user sees them: one line and an exit code."""

import errno
from dataclasses import dataclass

from mirtool.errors import DataError, FormatError, MirtoolError

INTERNAL = 70
CANNOT_CREATE, CANNOT_WRITE = 73, 74
MISSING = 66
INTERRUPTED = 130

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


@dataclass(frozen=True)
class Failure:
    """Why a job failed; travels between processes.

    Parameters
    ----------
    message : str
        One line, which names the input where there is one.
    code : int
        Exit code.
    inputs : tuple of str
    trace : str
        Traceback, for --debug.
    """

    message: str
    code: int
    inputs: tuple[str, ...] = ()
    trace: str = ""

    @classmethod
    def of(cls, error: BaseException, inputs: tuple[str, ...], trace: str) -> "Failure":
        """Describe an error that a job met."""
        message, code = describe(error, inputs)
        unnamed = isinstance(error, DataError) or (isinstance(error, FormatError) and error.file is None)
        if unnamed and len(inputs) == 1 and not message.startswith(inputs[0]):
            message = f"{inputs[0]}: {message}"
        return cls(_one_line(message), code, inputs, trace)

    @classmethod
    def died(cls, how: str, inputs: tuple[str, ...]) -> "Failure":
        """Describe a worker process that died."""
        return cls(f"{' '.join(inputs)}: {how}", INTERNAL, inputs)

    def line(self, *, several: bool) -> str:
        """Return the message; among several jobs it names the inputs in any case."""
        if several and not any(name in self.message for name in self.inputs):
            return f"{' '.join(self.inputs)}: {self.message}"
        return self.message


def describe(error: BaseException, inputs: tuple[str, ...] = ()) -> tuple[str, int]:
    """Return the message and the exit code of any error."""
    if isinstance(error, MirtoolError):
        return _one_line(str(error)), error.exit_code
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", INTERRUPTED
    if isinstance(error, MemoryError):
        return "not enough memory", CANNOT_CREATE
    if isinstance(error, OSError) and error.errno is not None:
        name = f"{error.filename}: " if error.filename not in (None, "") else ""
        reason = name + (error.strerror or str(error))
        if error.errno in _FULL:
            return reason, CANNOT_WRITE
        return reason, MISSING if error.filename in inputs else CANNOT_CREATE
    reason = _one_line(str(error)) or "no message"
    return f"internal error: {type(error).__name__}: {reason} (a defect of mirtool; --debug shows where)", INTERNAL


def _one_line(text: str) -> str:
    """Join lines, and show control characters (of a file name) as escapes."""
    joined = " ".join(text.split("\n")) if "\n" in text else text
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in joined)
