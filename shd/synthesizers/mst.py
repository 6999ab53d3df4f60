"""`MST`: a noisy tree of pairs of columns, the classical way to private tables. Seconds to fit."""

from dataclasses import KW_ONLY, dataclass

import numpy as np
import pandas as pd

from shd.domain import Domain
from shd.synthesizers._network import Walked
from shd.synthesizers.base import check_whole, refuse_condition
from shd.synthesizers.dp.private import PrivateSynthesizer, Records
from shd.synthesizers.dp.tree import TreeFit


@dataclass(eq=False, repr=False)
class MST(Walked, PrivateSynthesizer):
    """Maximum spanning tree of noisy pairs: private for subjects, (epsilon, delta).

    How it works. Count every column, with noise. Take the pair of columns that is furthest from independent, then the
    next that closes no circle, until all columns hang together: a tree. Count the pairs of the tree, with noise. Two
    counts of the same column never agree under noise; so each column gets the mean of all, weighted by how little noise
    they carry, and each pair is fitted to its two columns. A tree whose pairs agree on their columns is a distribution:
    draw the top, then each column given the one above it, and all its pairs are those that were fitted, exactly.

    What is spent on what, in rho of zero-concentrated differential privacy (m is the number of records of a subject
    that are used at most; one subject moves every histogram by at most m, all noise is discrete Gaussian):

    1. *Domain*: what a column can hold is declared (`domain`), and costs nothing. A column that is not declared takes
       30 % divided by the number of all columns, and a share of half of delta; see `shd.synthesizers.dp.domain`.
    2. *Number of records*: 1 %.
    3. *Single columns*: 20 % of the rest, in equal parts. Bins, codes, which levels are so rare that they share a code
       (fewer records than eight times the noise), and the private number of records are made from these.
    4. *Structure*: 20 % of what is left then, in equal parts for each pair of the tree, by the exponential mechanism on
       the sum over cells of abs(count - what independent columns would show), whose sensitivity is m.
    5. *Pairs*: all that is left, in equal parts.

    What a promise rests on stands in `privacy_`; `random_state` is for drawing records only.

    Parameters
    ----------
    epsilon, delta, domain, max_records, noise_seed
        See `PrivateSynthesizer`.
    max_levels : int
        Most codes for a column of categories; rarer levels share codes.
    random_state : int or None
        The same seed gives the same rows. None: a fresh seed each time. It is not the seed of the noise.

    Attributes
    ----------
    nodes_ : list of Node
        The columns in the order they are drawn; `parents_` names the one above each.
    privacy_ : Privacy
        What is promised, and where the budget went.

    References
    ----------
    McKenna, Miklau, Sheldon (2021). Winning the NIST Contest: A scalable and general approach to differentially private
    synthetic data. Journal of Privacy and Confidentiality 11(3), arXiv 2108.04978. There the most likely distribution
    given all counts is sought by gradient steps (Private-PGM); here columns are agreed on first, and pairs after them.
    """

    max_bins = 24

    epsilon: float = 1.0
    delta: float = 1e-5
    max_levels: int = 200
    random_state: int | None = 0
    _: KW_ONLY
    domain: Domain | None = None
    max_records: int = 1
    noise_seed: int | None = None

    def _check_parameters(self) -> None:
        check_whole(self, "max_levels", 2)
        super()._check_parameters()

    def _learn(self, records: Records) -> int:
        fit = TreeFit(records, self.max_bins, int(self.max_levels))
        self.nodes_ = fit.run()
        self.encoder_ = fit.encoder
        return fit.n

    def _sample(self, n: int, condition: dict | pd.DataFrame | None, rng: np.random.Generator) -> np.ndarray:
        refuse_condition(self, condition)
        return self._walk(np.zeros((n, len(self.nodes_)), dtype=np.int32, order="F"), self.nodes_, rng)

    def _get_state(self) -> tuple[dict[str, np.ndarray], dict]:
        tensors, extra = self._network_state()
        return tensors, {**extra, **super()._get_state()[1]}

    def _set_state(self, tensors: dict[str, np.ndarray], extra: dict) -> None:
        self._set_network(tensors, extra)
        super()._set_state(tensors, extra)
