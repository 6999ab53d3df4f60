"""`PrivateMoments`: kinds of patients fitted to noisy counts of pairs alone. The best of the private families."""

from dataclasses import KW_ONLY, dataclass

import numpy as np

from shd.domain import Domain
from shd.synthesizers._mixture import Mixture
from shd.synthesizers.base import check_whole
from shd.synthesizers.dp.moments import MomentsFit
from shd.synthesizers.dp.private import PrivateSynthesizer, Records


@dataclass(eq=False, repr=False)
class PrivateMoments(Mixture, PrivateSynthesizer):
    """A generator fitted to noisy moments alone: private for subjects, (epsilon, delta).

    How it works. Suppose that there are a thousand kinds of patients, all as frequent, in each of which columns are
    independent: a table of logits, a softmax for each kind and column. What such a generator says of a pair of columns
    is a sum over the kinds, so that it needs no draws, and can be fitted by gradient steps. It is fitted to noisy
    counts of columns and pairs, and sees nothing else: no record, no critic, no held-out score. In rounds, the pairs
    that it gets most wrong are chosen, counted with noise, and fitted too. A fit ends where the rest could be noise.

    What is spent on what, in rho of zero-concentrated differential privacy (m is the number of records of a subject
    that are used at most; one subject moves every histogram by at most m, all noise is discrete Gaussian):

    1. *Domain*: what a column can hold is declared (`domain`), and costs nothing. A column that is not declared takes
       30 % divided by the number of all columns, and a share of half of delta; see `shd.synthesizers.dp.domain`.
    2. *Number of records*: 1 %.
    3. *Single columns*: 10 % of the rest, in equal parts. Bins, codes, which levels are so rare that they share a code
       (fewer records than eight times the noise), and the private number of records are made from these.
    4. *Pairs with the target*, where a Dataset names one: a third of what is left, in equal parts for as many pairs as
       the budget allows: the average cell is to be 80 times its noise. A tenth is for the choice, pair by pair, by
       the exponential mechanism on the sum over cells of abs(count - what the generator says), whose sensitivity is m;
       the rest for the counts. Where all can be counted nothing is chosen.
    5. *Other pairs*: all that is left, likewise, in rounds; the average cell is to be ten times its noise.

    What a noisy pair shows beyond independent columns is shrunk by what noise alone would show (James, Stein 1961).

    What a promise rests on stands in `privacy_`; `random_state` is for the generator and for drawing records only.

    Parameters
    ----------
    epsilon, delta, domain, max_records, noise_seed
        See `PrivateSynthesizer`.
    kinds : int
        Kinds of patients.
    rounds : int
        Rounds in which pairs are chosen.
    steps : int
        Most gradient steps of a round.
    max_levels : int
        Most codes for a column of categories; rarer levels share codes.
    random_state : int or None
        The same seed gives the same rows. None: a fresh seed each time. It is not the seed of the noise.

    Attributes
    ----------
    weight_ : ndarray of float, shape (kinds,)
        Share of each kind.
    chance_ : ndarray of float, shape (n_codes of all columns, kinds)
        How likely each code is in each kind.
    privacy_ : Privacy
        What is promised, and where the budget went.

    References
    ----------
    Aydore et al. (2021), *Differentially Private Query Release Through Adaptive Projection*, arXiv 2103.06641, for rows
    of probabilities fitted to noisy answers; McKenna, Mullins, Sheldon, Miklau (2022), *AIM*, VLDB,
    arXiv 2201.12677, for the choice in rounds; *MargNet*, arXiv 2511.13893, for networks fitted to noisy marginals.
    """

    max_bins = 12

    epsilon: float = 1.0
    delta: float = 1e-5
    kinds: int = 1000
    rounds: int = 3
    steps: int = 300
    max_levels: int = 200
    random_state: int | None = 0
    _: KW_ONLY
    domain: Domain | None = None
    max_records: int = 1
    noise_seed: int | None = None

    def _check_parameters(self) -> None:
        for name, least in {"kinds": 1, "rounds": 1, "steps": 1, "max_levels": 2}.items():
            check_whole(self, name, least)
        super()._check_parameters()

    def _learn(self, records: Records) -> int:
        fit = MomentsFit(records, self.max_bins, int(self.max_levels), records.target)
        seed = np.random.default_rng(self.random_state).integers(2**31)
        self.chance_ = fit.run(int(self.kinds), int(self.rounds), int(self.steps), int(seed))
        self.weight_ = np.full(int(self.kinds), 1 / self.kinds)
        self.encoder_ = fit.encoder
        return fit.n

    def _get_state(self) -> tuple[dict[str, np.ndarray], dict]:
        return {"chance": self.chance_.astype(np.float32)}, super()._get_state()[1]

    def _set_state(self, tensors: dict[str, np.ndarray], extra: dict) -> None:
        self.chance_ = tensors["chance"].astype(float)
        self.weight_ = np.full(int(self.kinds), 1 / self.kinds)
        super()._set_state(tensors, extra)
