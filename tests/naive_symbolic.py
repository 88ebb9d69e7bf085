"""Slow, obvious versions of the matching of point sets, to test the fast ones against; points are (time, pitch)."""

from collections import Counter
from fractions import Fraction
from itertools import combinations, product


def translations(query, piece):
    """How many points of a query each translation brings onto points of a piece."""
    return Counter((t - u, p - q) for (t, p), (u, q) in product(set(piece), set(query)))


def p1(query, piece):
    """Translations that bring all points of a query onto a piece."""
    return sorted(shift for shift, count in translations(query, piece).items() if count == len(set(query)))


def common_time(query, piece, later, higher):
    """How long a translated query and a piece sound together; notes are (start, stop, pitch)."""
    return sum(
        max(0, min(e, f + later) - max(s, r + later))
        for (s, e, p), (r, f, q) in product(piece, query)
        if p == q + higher
    )


def scaled(query, piece, low, high, needed):
    """Sets of pairs (point of the query, of the piece) that agree about key and tempo, as many as possible each."""
    found = set()
    pairs = list(product(range(len(query)), range(len(piece))))
    for (i, j), (h, k) in combinations(pairs, 2):
        u, q = query[i]
        v, r = query[h]
        if u == v or piece[k][1] - piece[j][1] != r - q:
            continue
        ratio = Fraction(piece[k][0] - piece[j][0], v - u)
        if not low <= ratio <= high:
            continue
        begin = piece[j][0] - ratio * u
        shift = piece[j][1] - q
        match = frozenset(
            (a, b)
            for a, b in pairs
            if piece[b][0] == begin + ratio * query[a][0] and piece[b][1] == query[a][1] + shift
        )
        if len({a for a, _ in match}) >= needed:
            found.add(match)
    return found


def longest_chain(query, piece, low, high, skipped):
    """Most notes of a query that a chain finds whose every step takes low to high times as long."""
    best = 0

    def extend(i, j, length):
        nonlocal best
        best = max(best, length)
        for h in range(i + 1, min(i + 2 + skipped, len(query))):
            for k in range(len(piece)):
                spacing, taken = query[h][0] - query[i][0], piece[k][0] - piece[j][0]
                fits = taken == 0 if spacing == 0 else low * spacing <= taken <= high * spacing and taken > 0
                if fits and k != j and piece[k][1] - piece[j][1] == query[h][1] - query[i][1]:
                    extend(h, k, length + 1)

    for i, j in product(range(len(query)), range(len(piece))):
        extend(i, j, 1)
    return best


def votes(query, piece, anchor, j, ratio, tolerance):
    """How many notes of a query have a partner if note `anchor` is note j of the piece, at a tempo."""
    shift = piece[j][1] - query[anchor][1]
    return 1 + sum(
        any(
            k != j
            and piece[k][1] == query[i][1] + shift
            and abs(piece[k][0] - piece[j][0] - ratio * (query[i][0] - query[anchor][0])) <= tolerance
            for k in range(len(piece))
        )
        for i in range(len(query))
        if i != anchor
    )
