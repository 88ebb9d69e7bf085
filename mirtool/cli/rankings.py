"""Answers to queries against what is relevant."""

import logging
from typing import TYPE_CHECKING, Any

from mirtool.cli.job import Job
from mirtool.cli.reference_pairs import naming
from mirtool.evaluation.parameters import Bootstrap, RetrievalMatching

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mirtool.evaluation.corpus import Scores
    from mirtool.evaluation.retrieval import Asked, Relevance

log = logging.getLogger("mirtool")

SHOWN = 5  # names in a message


def report_rankings(
    job: Job, matching: RetrievalMatching, bootstrap: Bootstrap, filter: str | None, every: bool
) -> None:
    """Score each query of a job, write the table over all, and draw it.

    Parameters
    ----------
    job : Job
        Its inputs are REF and EST.
    matching : RetrievalMatching
    bootstrap : Bootstrap
    filter : str or None
        Column of REF; documents with the same value as the query do not count.
    every : bool
        Count queries that were not asked.

    Raises
    ------
    MirtoolError
        REF or EST is none.
    """
    from mirtool.evaluation import corpus
    from mirtool.evaluation import retrieval as task_

    reference, estimate = job.inputs
    with naming(reference):
        relevance = task_.relevance_of(job.read(0), filter)
    with naming(estimate):
        asked = task_.asked(relevance, task_.rankings_of(job.read(1)), every=every)
    if asked.strange:
        log.warning("%s: nothing is relevant for %s; left out", reference, _some(asked.strange))
    if asked.left:
        log.warning("%s: no query: %s; left out (--all counts them)", estimate, _some(asked.left))
    task = task_.task(matching)
    scores = {name: task.evaluate(relevance.wanted[name], asked.answer(name)) for name in asked.queries}
    job.write(corpus.report(scores, task, bootstrap))
    job.plot(lambda: _figure(scores, relevance, asked))


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(name or "(no query)" for name in names[:SHOWN]) + more


def _figure(scores: "Mapping[str, Scores]", relevance: "Relevance", asked: "Asked") -> Any:
    """Draw how the answer to one query goes on, or the scores of several."""
    from mirtool.evaluation.retrieval import curves
    from mirtool.plots.detection import scores_figure
    from mirtool.plots.retrieval import answer_figure

    if len(scores) > 1:
        return scores_figure(scores, ("ap", "rr"))
    (name,) = asked.queries
    return answer_figure(*curves(relevance.wanted[name], asked.answer(name)))
