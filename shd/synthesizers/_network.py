"""One column of a Bayesian network, the ways a parent can be seen, and counts of both together."""

from dataclasses import dataclass

import numpy as np

from shd.synthesizers.encoding import ColumnCodec

_GROUPS = (16, 8, 4, 2)  # a parent may be seen with its codes merged into at most this many groups


@dataclass
class Node:
    """One column of the network: its parents, and how likely each code is given theirs."""

    column: int
    parents: list[tuple[int, np.ndarray]]  # column of each, and the group that each of its codes counts as
    table: np.ndarray | None = None  # chance of each code in each joint state of the parents, (n_states, n_codes)

    def state(self, codes: np.ndarray) -> tuple[np.ndarray, int]:
        """Return the joint state of the parents in each row of `codes`, and the number of states."""
        state, n_states = np.zeros(len(codes), dtype=np.int64), 1
        for column, groups in self.parents:
            n_groups = int(groups.max()) + 1
            state = state * n_groups + groups[codes[:, column]]
            n_states *= n_groups
        return state, n_states

    def counts(self, codes: np.ndarray, n_codes: int) -> np.ndarray:
        """Return how often each code occurs in each state, int64, shape (n_states, n_codes)."""
        return joint_counts(*self.state(codes), codes[:, self.column], n_codes)


def joint_counts(state: np.ndarray, n_states: int, codes: np.ndarray, n_codes: int) -> np.ndarray:
    """Return how often each code occurs in each state, int64, shape (n_states, n_codes)."""
    return np.bincount(state * n_codes + codes, minlength=n_states * n_codes).reshape(n_states, n_codes)


def views(counts: np.ndarray, codec: ColumnCodec) -> list[np.ndarray]:
    """Ways to see a column as a parent: its codes as they are, then merged into fewer groups.

    Numbers and ordered categories are cut where equal shares end, other categories keep the
    commonest and put the rest together; missing stays a group of its own.
    """
    n_known = codec.n_codes - codec.missing
    known = counts[:n_known]
    found = [np.arange(codec.n_codes)]
    for n_groups in _GROUPS:
        if n_groups >= n_known:
            continue
        if codec.levels is None or codec.ordered:
            middle = (np.cumsum(known) - known / 2) / max(1, known.sum())
            groups = np.minimum((middle * n_groups).astype(int), n_groups - 1)
        else:
            groups = np.minimum(np.argsort(np.argsort(-known, kind="stable"), kind="stable"), n_groups - 1)
        groups = np.append(groups, [n_groups] * codec.missing)
        found.append(np.unique(groups, return_inverse=True)[1])
    return found
