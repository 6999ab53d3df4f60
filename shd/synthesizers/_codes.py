"""What families do with codes: draw them by chance, place them in order, and see which columns depend on each other."""

import numpy as np

from shd.synthesizers.encoding import ColumnCodec

_GROUPS = 16  # codes of a column are merged into at most so many groups before pairs are counted
PRIOR = 10.0
"""Records of the whole table that stand behind each level where levels are put in order."""


def draw_from_rows(chance: np.ndarray, row: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw a code for each record from its row of `chance`, (n_rows, n_codes); int64, shape of `row`."""
    # row r owns the stretch r..r+1 of one line: a single sorted search draws every record
    ends = np.cumsum(chance, axis=1)
    ends[:, -1] = 1
    ends += np.arange(len(ends))[:, None]
    drawn = np.searchsorted(ends.ravel(), row + rng.random(len(row)), side="right")
    return np.minimum(drawn - row * ends.shape[1], ends.shape[1] - 1)


def is_ordered(codec: ColumnCodec) -> bool:
    """Whether the codes of a column rise: numbers, dates, and ordered levels."""
    return codec.levels is None or codec.ordered


def places(codes: np.ndarray, codec: ColumnCodec) -> np.ndarray:
    """Return where each code of an ordered column stands among those that came up, 0 to 1, shape (n_codes,).

    A missing one stands in the middle.
    """
    n_known = codec.n_codes - codec.missing
    count = np.bincount(codes, minlength=codec.n_codes)[:n_known]
    middle = (np.cumsum(count) - count / 2) / max(1, count.sum())
    return np.append(middle, [0.5] * codec.missing)


def dependence(codes: np.ndarray, codecs: list[ColumnCodec]) -> np.ndarray:
    """Return how much each two columns tell of each other, 0 to 1, shape (n_columns, n_columns).

    Mutual information of codes merged into few groups, less what chance shows, over the smaller of both entropies.
    """
    coarse = [_coarse(column, codec) for column, codec in zip(codes.T, codecs, strict=True)]
    related = np.zeros((len(codecs), len(codecs)))
    for a in range(len(codecs)):
        for b in range(a):
            related[a, b] = related[b, a] = _shared(coarse[a], coarse[b])
    return related


def in_order(related: np.ndarray, first: list[int]) -> list[int]:
    """Return the columns: `first`, then always the one that has most to do with those before it."""
    order = list(first) or [int(np.argmax(related.sum(axis=1)))]
    while len(order) < len(related):
        left = [j for j in range(len(related)) if j not in order]
        order.append(left[int(np.argmax(related[np.ix_(left, order)].sum(axis=1)))])
    return order


def _coarse(codes: np.ndarray, codec: ColumnCodec) -> np.ndarray:
    """Merge codes into few groups of neighbours, or the commonest levels and the rest; missing stays alone."""
    known = codes < codec.n_codes - codec.missing
    if is_ordered(codec):
        group = np.minimum((places(codes, codec)[codes] * _GROUPS).astype(int), _GROUPS - 1)
    else:
        count = np.bincount(codes, minlength=codec.n_codes)
        group = np.minimum(np.argsort(np.argsort(-count, kind="stable"), kind="stable"), _GROUPS - 1)[codes]
    return np.unique(np.where(known, group, _GROUPS), return_inverse=True)[1]


def _shared(a: np.ndarray, b: np.ndarray) -> float:
    shape = int(a.max()) + 1, int(b.max()) + 1
    joint = np.bincount(a * shape[1] + b, minlength=shape[0] * shape[1]).reshape(shape)
    chance = (shape[0] - 1) * (shape[1] - 1) / (2 * len(a))  # what independent columns would share
    least = min(entropy(joint.sum(axis=0)), entropy(joint.sum(axis=1)))
    return max(0.0, mutual_information(joint) - chance) / least if least > 0 else 0.0


def entropy(counts: np.ndarray) -> float:
    """Return the entropy of counts, in nats, 0 or more."""
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log(share)).sum())


def mutual_information(joint: np.ndarray) -> float:
    """Return what rows and columns of a table of counts tell about each other, in nats, 0 or more."""
    return max(0.0, entropy(joint.sum(axis=0)) + entropy(joint.sum(axis=1)) - entropy(joint.ravel()))


def profile(own: np.ndarray, n_own: int, other: np.ndarray, n_other: int) -> np.ndarray:
    """Return how far the shares of another column within each level are from those of all, (n_own, n_other)."""
    count = np.bincount(own * n_other + other, minlength=n_own * n_other).reshape(n_own, n_other)
    total, share = count.sum(axis=1, keepdims=True), count.sum(axis=0) / len(own)
    apart = (count - total * share) / (total + PRIOR)  # a level of few records says little
    return apart * np.sqrt(total / len(own)) / np.sqrt(share + 1 / len(own))
