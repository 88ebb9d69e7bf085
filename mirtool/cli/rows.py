"""Rows that are written one by one, as they become known (--live)."""

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from mirtool.cli.command import HEADED, STREAMABLE, Command
from mirtool.cli.plan import Plan
from mirtool.errors import UsageProblem

if TYPE_CHECKING:
    from mirtool.types import Table


def check(command: Command, plans: Sequence[Plan], values: Mapping[str, Any]) -> None:
    """Raise `UsageProblem` where the output of a command is wanted row by row, and cannot be written so."""
    if not values.get("live"):
        return
    if len(plans) > 1 or any(plan.collect for plan in plans):
        raise UsageProblem("--live takes one input, and no --with-filename")
    offline = (option.name for option in command.own if option.output or option.folder or option.offline)
    for name in ("plot", "skip_existing", *offline):
        value = values.get(name)
        if value is not None and value is not False:
            raise UsageProblem(f"--live: not together with --{name.replace('_', '-')}")
    if plans[0].format not in STREAMABLE:
        raise UsageProblem(f"--live writes row by row ({', '.join(STREAMABLE)}), not {plans[0].format}")


class RowStream:
    """Writes tables one below the other, with one header, and keeps nothing back.

    Parameters
    ----------
    stream : BinaryIO
        Without a buffer.
    format : str
        One of `mirtool.cli.command.STREAMABLE`.
    """

    def __init__(self, stream: BinaryIO, format: str) -> None:
        self._stream, self._format = stream, format
        self._skips = 0  # lines of a header that stands already

    def write(self, table: "Table") -> None:
        """Write the rows of a table, all of the same columns."""
        from mirtool.io import formats
        from mirtool.io.options import WriteOptions

        spool = io.BytesIO()
        formats.write_to(spool, table, WriteOptions(self._format))
        spool.seek(0)
        for _ in range(self._skips):
            spool.readline()
        self._stream.write(spool.read())
        self._skips = int(self._format in HEADED)
