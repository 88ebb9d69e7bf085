"""The errors that a user can meet, each with its exit code.

Every error that mirtool raises on purpose derives from `MirtoolError`; `mirtool.cli.main` turns it into one line on
stderr and `exit_code`. Anything else is a defect of mirtool.
"""


class MirtoolError(Exception):
    """Base of all errors that are reported in one line.

    Attributes
    ----------
    exit_code : int
        Exit code of the process (sysexits.h).
    """

    exit_code = 65


class UsageProblem(MirtoolError):
    """The command line asks for something impossible."""

    exit_code = 2


class ParameterError(UsageProblem):
    """A parameter of an algorithm is outside its domain."""


class FormatError(MirtoolError):
    """The bytes of an input are not what they should be.

    Parameters
    ----------
    message : str
        What is wrong, in the user's words.
    file : str or None
        The input as the user named it (`-` for stdin).
    line : int or None
        Line in a text file, counted from 1.
    """

    exit_code = 65

    def __init__(self, message: str, file: str | None = None, line: int | None = None) -> None:
        self.message, self.file, self.line = message, file, line
        where = "" if file is None else f"{file}: " if line is None else f"{file}:{line}: "
        super().__init__(where + message)


class DataError(MirtoolError):
    """The content of an input cannot be processed (empty, NaN, too short)."""

    exit_code = 65


class MissingInput(MirtoolError):
    """There is no such input, or it cannot be opened."""

    exit_code = 66


class MissingPart(MirtoolError):
    """An optional part is not installed; the message gives the command that installs it."""

    exit_code = 69


class OutputProblem(MirtoolError):
    """An output cannot be created."""

    exit_code = 73


class WriteFailure(OutputProblem):
    """Writing broke off (disk full, quota)."""

    exit_code = 74


class BatchFailure(MirtoolError):
    """Of several inputs at least one failed; each is named on stderr."""

    exit_code = 1
