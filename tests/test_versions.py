"""More than two versions, each with the first or all jointly."""

from dataclasses import replace

import numpy as np
import pytest
from performances import Version, compiled, errors, manner, noise, piece, version

from mirtool.errors import DataError, ParameterError
from mirtool.sync.parameters import SyncParameters
from mirtool.sync.paths import select
from mirtool.sync.versions import align_each, align_jointly, joined
from mirtool.types import Audio, Features

pytestmark = compiled

PARAMETERS = SyncParameters()
NAMES = ("quick", "slow", "half")


def features(*names):
    return [version(name).features for name in names]


@pytest.mark.parametrize("jointly", [False, True])
def test_three_versions(jointly):
    three = features(*NAMES)
    found = align_jointly(three, PARAMETERS) if jointly else align_each(three, PARAMETERS, None)
    path = joined(found)
    assert path.versions == ("time_1", "time_2", "time_3")
    assert np.all(np.diff(path.times, axis=0) > 0)
    ends = [[one.times[place] for one in three] for place in (0, -1)]
    np.testing.assert_allclose(path.times[[0, -1]], ends, atol=1e-6)
    assert np.all((path["confidence"] >= 0) & (path["confidence"] <= 1))
    for one, other in ((0, 1), (0, 2), (1, 2)):
        off = errors(select(path, one, other), version(NAMES[one]), version(NAMES[other]))
        assert np.median(off) < 0.03
        assert off.mean() < 0.04


def test_each_is_aligned_as_it_would_be_alone():
    three = features(*NAMES)
    found = align_each(three, PARAMETERS, None)
    alone = align_each([three[0], three[2]], PARAMETERS, None)
    np.testing.assert_array_equal(found[1].path.times, alone[0].path.times)
    assert joined(alone) is alone[0].path


def test_the_joined_path_goes_through_all():
    found = align_each(features(*NAMES), PARAMETERS, None)
    path = joined(found)
    for k, alignment in enumerate(found, start=1):
        pair = alignment.path.times
        at = np.interp(path.times[:, 0], *pair.T)
        np.testing.assert_allclose(path.times[:, k], at, atol=0.02)


@pytest.mark.parametrize("jointly", [False, True])
def test_other_keys(jointly):
    three = features("quick", "high", "slow")
    found = align_jointly(three, PARAMETERS) if jointly else align_each(three, PARAMETERS, None)
    assert [alignment.transposition for alignment in found] == [3, 0]
    for alignment, name in zip(found, ("high", "slow"), strict=True):
        assert errors(alignment.path, version("quick"), version(name)).mean() < 0.03


def noisy(name, begin, end):
    """A version of which a part cannot be heard."""
    clean = version(name)
    samples = clean.audio.samples[:, 0].copy()
    first, stop = round(begin * clean.audio.sample_rate), round(end * clean.audio.sample_rate)
    samples[first:stop] = 3 * noise((stop - first) / clean.audio.sample_rate)[: stop - first]
    spoiled = Version(clean.score, clean.manner, clean.player)
    spoiled.__dict__["audio"] = Audio(samples, clean.audio.sample_rate)
    return spoiled


def test_noise_in_one_does_not_harm_the_others():
    broken = noisy("slow", 5.0, 7.0)
    three = [version("quick").features, broken.features, version("half").features]
    for found in (align_jointly(three, PARAMETERS), align_each(three, PARAMETERS, None)):
        off = errors(found[1].path, version("quick"), version("half"))
        assert np.median(off) < 0.02
        assert off.mean() < 0.05
        heard = (broken.beats < 4.5) | (broken.beats > 7.5)
        assert errors(found[0].path, version("quick"), broken)[heard].mean() < 0.03
        path = found[0].path
        within, outside = np.linspace(5.5, 6.5, 20), np.linspace(8.5, 11, 20)
        low, high = (np.interp(at, path["time_b"], path["confidence"]).mean() for at in (within, outside))
        assert low < high - 0.2


def test_the_others_help_where_the_first_has_noise():
    quick = version("quick")
    broken = noisy("quick", 3.0, 4.5)
    three = [broken.features, version("slow").features, Version(piece(4), manner(100, 8)).features]
    part = slice(*np.searchsorted(quick.beats, (3.0, 4.5)))
    each = errors(align_each(three, PARAMETERS, None)[0].path, quick, version("slow"), part)
    jointly = errors(align_jointly(three, PARAMETERS)[0].path, quick, version("slow"), part)
    assert jointly.mean() < each.mean() + 0.05


def test_plain_features_jointly():
    rng = np.random.default_rng(0)
    place = np.arange(200) / 20
    data = np.stack([np.interp(place, np.arange(11), row) for row in rng.random((6, 11))])
    one, other = Features(data, 20.0), Features(np.repeat(data, 2, axis=1), 20.0)
    path = joined(align_jointly([one, other, one], PARAMETERS))
    inner = path.times[(path.times[:, 0] > 1) & (path.times[:, 0] < 9)]
    assert np.abs(inner[:, 1] - 2 * inner[:, 0]).mean() < 0.1
    assert np.abs(inner[:, 2] - inner[:, 0]).mean() < 0.05


def test_the_same_comes_out_twice():
    three = features(*NAMES)
    one, other = (joined(align_jointly(three, PARAMETERS)) for _ in range(2))
    np.testing.assert_array_equal(one.times, other.times)


def test_anchors_have_a_column_a_version():
    three = features(*NAMES)
    anchors = [[2.0, 2.7, 4.3], [5.0, 6.4, 9.6]]
    found = align_each(three, replace(PARAMETERS, transpose=0), anchors)
    for column, alignment in enumerate(found, start=1):
        for row in anchors:
            at = np.interp(row[0], *alignment.path.times.T)
            assert at == pytest.approx(row[column], abs=1e-5)
    with pytest.raises(ParameterError, match="a column for each of the 3 versions"):
        align_each(three, PARAMETERS, [[1.0, 2.0]])


def test_fewer_than_two():
    for call in (lambda few: align_each(few, PARAMETERS, None), lambda few: align_jointly(few, PARAMETERS)):
        with pytest.raises(DataError, match="needs two versions"):
            call(features("quick"))
