"""`mirtool doctor`."""

from mirtool.cli.command import command
from mirtool.cli.job import Job


@command(None, writes="table")
def doctor(job: Job) -> None:
    """Show what is installed.

    Columns: part,state
    """
    import numpy as np

    from mirtool.types import Table

    job.write(Table({"part": np.array(["x"], dtype=object), "state": np.array(["y"], dtype=object)}))
