"""Compare estimates with references.

REF and EST are two files, or two folders whose files belong together if they have the same path without extension; a
job table (--files-from PAIRS.tsv with the columns ref and est) names pairs freely. The result has a row an item, and
three at the end: `mean`, `low` and `high`, the mean over the items and its bootstrap interval (of a single item: its
scores, and their intervals over its points); counts are summed up there. What has no estimate counts as wrong
throughout, is named, and makes the exit code 1.
"""

from typing import Any

from mirtool.cli.command import command
from mirtool.cli.inputs import Argument, fixed
from mirtool.cli.job import Job
from mirtool.evaluation.parameters import Bootstrap


@command(
    fixed(
        Argument("REF", "reference: a table or a folder of them", ("path",)),
        Argument("EST", "estimate, of the same kind", ("path",)),
        together=True,
    ),
    writes="table",
    plots=True,
)
def sync(job: Job, parameters: Bootstrap) -> None:
    """Tell how far a warping path leads from reference pairs of moments.

    Columns: item,points,mean_ms,median_ms,p95_ms,over_25ms,over_50ms,over_100ms,outside

    The path carries each reference time_a over to B, beyond its ends with the tempo ratio found there; the error is
    the distance from the reference time_b: its mean, median and 95th percentile (ms), and the shares of errors above
    25, 50 and 100 ms (0 to 1). Of K versions, errors are counted from the first to each other. outside: how many
    reference points lie beyond the ends of the path in A. --plot draws the errors over time, or a box an item.

    For example:
        mirtool sync a.wav b.wav | mirtool evaluate sync points.csv -
        mirtool evaluate sync references/ paths/ -o scores.csv --plot scores.png

    Paper: Müller, Fundamentals of Music Processing, section 3.3; intervals: Efron and Tibshirani (1993), ch. 13.
    """
    from mirtool.cli.reference_pairs import evaluate_pairs
    from mirtool.evaluation import corpus
    from mirtool.evaluation import sync as task

    result = evaluate_pairs(job, task.evaluate, task.failure)
    intervals = None
    if len(result.scores) == len(result.complete) == 1:
        intervals = task.intervals(*result.complete[0][1:], parameters)
    job.write(corpus.report(result.scores, task.COUNTS, parameters, intervals))

    def figure() -> Any:
        from mirtool.plots.evaluation import deviation_figure

        errors = {item: task.errors_over_time(*pair) for item, *pair in result.complete}
        return deviation_figure(errors, task.THRESHOLDS_MS)

    if result.complete:
        job.plot(figure)
    result.raise_failures()
