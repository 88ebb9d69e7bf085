"""Separations against their references: the sources of one mixture go together."""

import logging
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mirtool.cli.job import Job
from mirtool.cli.reference_pairs import Pair, files_of, naming, pairs_of, read
from mirtool.errors import BatchFailure, MirtoolError, MissingInput, UsageProblem
from mirtool.evaluation.parameters import Bootstrap, SeparationMatching

if TYPE_CHECKING:
    from mirtool.evaluation.corpus import Scores
    from mirtool.evaluation.separation import Signal

log = logging.getLogger("mirtool")


def report_mixtures(job: Job, matching: SeparationMatching, bootstrap: Bootstrap, mixture: str | None) -> None:
    """Score the separations of a job, write the table over all sources, and draw it.

    Parameters
    ----------
    job : Job
        Its inputs are REF, EST, or REF, EST, REF, EST …, each a source; or two folders, in which the files of one
        folder are the sources of one mixture.
    matching : SeparationMatching
    bootstrap : Bootstrap
    mixture : str or None
        A file, or a folder of files that are called as the folders of the sources.

    Raises
    ------
    MirtoolError
        What went wrong, where there is a single mixture.
    BatchFailure
        Some of several failed; each was logged.
    """
    from mirtool.evaluation import corpus

    mixtures = _mixtures(job)
    mixed = _mixture_files(job, mixtures, mixture)
    scores: dict[str, Scores] = {}
    failed: list[str] = []
    with job.progress(len(mixtures)) as advance:
        for name, pairs in mixtures.items():
            try:
                scores |= _scored(job, pairs, matching, mixed.get(name), failed)
            except MirtoolError as problem:
                if len(mixtures) == 1 or isinstance(problem, UsageProblem):
                    raise
                log.error("%s: %s", name, problem)
                failed.append(name)
            advance(1)
    if scores:
        job.write(corpus.report(scores, None, bootstrap))
        job.plot(lambda: _figure(scores))
    if failed:
        raise BatchFailure(f"{len(failed)} of {sum(map(len, mixtures.values()))} failed: {', '.join(failed)}")


def _mixtures(job: Job) -> dict[str, list[Pair]]:
    """Return the pairs of sources of each mixture, which is called as its folder, or as its one source."""
    folders = os.path.isdir(job.inputs[0])
    found: dict[str, list[Pair]] = {}
    for pair in pairs_of(job):
        found.setdefault(os.path.dirname(pair.name) if folders else pair.name, []).append(pair)
    return found


def _mixture_files(job: Job, mixtures: Mapping[str, list[Pair]], given: str | None) -> dict[str, str]:
    """Return the file of each mixture, as far as one is given."""
    if given is None:
        return {}
    if not os.path.isdir(given):
        if len(mixtures) > 1:
            raise UsageProblem(f"--mixture {given}: of {len(mixtures)} mixtures, a folder is needed")
        return dict.fromkeys(mixtures, given)
    files = {name: file.name for name, file in files_of(job, given).items()}
    if missing := [name for name in mixtures if name not in files]:
        raise MissingInput(f"{given}: no mixture of {', '.join(missing) or 'these sources'}")
    return files


def _scored(
    job: Job, pairs: list[Pair], matching: SeparationMatching, mixture: str | None, failed: list[str]
) -> "Mapping[str, Scores]":
    """Score the sources of one mixture; those without a fitting estimate are named in `failed`."""
    from mirtool.evaluation.separation import check_alike, evaluate

    references = {pair.name: _signal(job, pair.reference) for pair in pairs}
    estimates = {}
    for pair in pairs:
        try:
            if pair.estimate is None:
                raise MissingInput(f"{pair.name}: no estimate")
            estimate = _signal(job, pair.estimate)
            check_alike(references[pair.name], estimate)
            estimates[pair.name] = estimate
        except MirtoolError as problem:
            if len(pairs) == 1:
                raise
            log.error("%s", problem)
            failed.append(pair.name)
    mixed = None if mixture is None else _signal(job, mixture)
    return evaluate(references, estimates, mixed, matching)


def _signal(job: Job, file: str) -> "Signal":
    from mirtool.evaluation.separation import Signal

    with naming(file):
        return Signal(read(job, file), file)


def _figure(scores: "Mapping[str, Scores]") -> object:
    from mirtool.plots.detection import levels_figure

    return levels_figure(scores, ("sdr", "si_sdr", "sir", "sar"))
