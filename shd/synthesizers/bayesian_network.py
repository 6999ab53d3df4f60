"""`BayesianNetwork`: each column drawn given a few others. Seconds to fit, and private if asked."""

from dataclasses import KW_ONLY, dataclass

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd._progress import progress
from shd.dataset import Dataset
from shd.domain import Domain
from shd.synthesizers._conditions import NO_CONDITION, Conditions
from shd.synthesizers._network import Walked, search, smooth_table
from shd.synthesizers.base import check_whole, refuse_condition
from shd.synthesizers.conditional import ConditionalSynthesizer
from shd.synthesizers.dp.book import Budget
from shd.synthesizers.dp.network import PrivateFit
from shd.synthesizers.dp.private import PrivateSynthesizer, Records


@dataclass(eq=False, repr=False)
class BayesianNetwork(Walked, PrivateSynthesizer, ConditionalSynthesizer):
    """A discrete Bayesian network, learned greedily as in PrivBayes.

    Start with one column. Again and again, take the column most dependent on one already taken,
    and give it up to `degree` parents, the one that tells most about it first. A parent may be seen
    coarsely (its codes merged into 16, 8, 4 or 2 groups), so that tables stay dense: a sparse table
    is noise, or rows copied word for word. Sampling draws the columns in the same order.

    Without `epsilon`, dependence is mutual information less what as many cells would show by
    chance (Akaike's measure), and a column stops taking parents when that no longer grows.

    **With `epsilon`** the fitted model, and so every record drawn from it, is (epsilon, delta)-differentially
    private for *subjects*: two tables are neighbours if one has one subject more, with all their records. Nothing is
    learned for nothing. What is spent on what (the steps add up: sequential composition, Dwork & Roth 2014):

    1. *Records.* At most m = `max_records` of each subject are used, chosen by chance; nobody's choice depends on
       anybody else. One subject moves every histogram below by at most m (the sum of all changes): its sensitivity.
    2. *Domain*: what a column can hold is declared (`domain`), and costs nothing. A column that is not declared takes
       30 % of epsilon divided by the number of all columns, and needs `delta`, which such columns share. A fifth of
       that, unless it is of categories, is for a noisy vote of the cells on what they are (sensitivity m). Levels: the
       rest, epsilon_c; people who have a level are counted (sensitivity m), with noise of scale b = m / epsilon_c, and
       only levels above 1 + b log(m / delta_c) are named: one subject's pass with a chance of delta_c. Numbers and
       dates: half of the rest for a noisy histogram over powers of two (or years), half for one over decimals (or
       units), sensitivity m each.
    3. *Number of records*: 1 % of epsilon (sensitivity m). It tells how finely numbers can be cut.
    4. *Single columns*: 25 % of the rest, in equal parts, for one histogram a column over the cells of its domain
       (sensitivity m). Bins, where the empty ends of a range begin, shares, how codes share a group, missing shares and
       the number of records are all made from these noisy counts, which costs no more (post-processing).
    5. *Structure*: 25 % of what is left then, in equal parts for each choice of a parent, by permute-and-flip on the
       score sum over states and codes of abs(count - count of state x noisy share of code) / 2, sensitivity m (one
       record changes the row of its state only, by 1 - share for its code and by the shares of the others, in sum at
       most 2), less the expected noise. No parent is one of the choices. Two parents a column at most.
    6. *Tables*: all that is left, in equal parts, for one histogram a column with parents (sensitivity m).

    Noise is discrete Laplace on whole counts, drawn exactly, from the entropy of the operating system.
    `random_state` is for drawing records only. What the promise does not cover:

    * names, number and order of the columns, which of them are pandas categories, and all arguments are taken as known;
    * `fit` never refuses, warns of or names what a cell holds: neither error nor silence tells of a person. A number
      or date beyond the declared range is cut to it. A level that is not declared counts as ``other`` where that is
      declared, else as missing where that can be, else as a level by chance, and so does a missing cell that cannot
      be. Only what is no table at all is refused (no rows, nested cells), and that is for the data holder's eyes;
    * how long a fit takes, and how many records you ask for: `n_rows_` is a private number of them, the length of the
      original table is not;
    * several fits to the same people: their epsilons add up.

    Parameters
    ----------
    degree : int
        Most parents a column may have, 0 or more. With 0 columns are independent. With `epsilon`, at most 2 are used.
    epsilon : float, optional
        Privacy budget, 1e-9 and above; smaller is more private and noisier. None: no noise, no promise.
    max_levels : int
        Most codes for a column of categories; rarer levels share codes.
    min_people : int, optional
        See `Synthesizer`. What is known of states of the parents with fewer people is not learned.
    random_state : int or None
        The same seed gives the same rows. None: a fresh seed each time. It is not the seed of the noise.
    domain : Domain, optional
        With `epsilon`, what columns can hold, written down by somebody who did not look at the records. Default: that
        of the Dataset, where it has one.
    delta : float
        With `epsilon`, chance from 0 to below 1 that the promise fails; far below one in the number of subjects. Above
        0, columns without a declared domain are learned from a part of the budget.
    max_records : int
        With `epsilon`, most records of one subject that are learned from; noise grows in proportion.
    condition : str or sequence of str, optional
        Columns that can be asked for in `sample`: the first to be drawn. Default: none. Not with `epsilon`.
    noise_seed : int, optional
        With `epsilon`, a seed for the noise: for lessons and tests only. It ends the promise.

    Attributes
    ----------
    nodes_ : list of Node
        The columns in the order they are drawn; `parents_` names the parents of each.
    privacy_ : Privacy or None
        What is promised, and where the budget went; None without `epsilon`.

    References
    ----------
    Zhang, Cormode, Procopiuc, Srivastava, Xiao (2017). PrivBayes: Private Data Release via Bayesian Networks. ACM
    Transactions on Database Systems 42(4), doi 10.1145/3134428. There the best set of parents is sought among all sets;
    here it is grown one parent at a time. That keeps wide tables cheap, and misses parents that tell something only
    together (exclusive or). Their score has a sensitivity that depends on the number of rows; the one used with
    `epsilon` is after McKenna, Miklau, Sheldon (2021), *Winning the NIST Contest*, arXiv 2108.04978. Dwork, Roth
    (2014). The Algorithmic Foundations of Differential Privacy, doi 10.1561/0400000042. All quoted from memory.
    `shd.synthesizers.dp.audit` tries to prove the promise wrong.
    """

    degree: int = 4
    epsilon: float | None = None
    max_levels: int = 200
    min_people: int | None = None
    random_state: int | None = 0
    _: KW_ONLY
    domain: Domain | None = None
    delta: float = 0.0
    max_records: int = 1
    noise_seed: int | None = None
    condition: str | tuple[str, ...] | None = None

    book = Budget
    always = False

    def _check_parameters(self) -> None:
        for name, least in {"degree": 0, "max_levels": 2}.items():
            check_whole(self, name, least)
        super()._check_parameters()
        if self.epsilon is not None and self.condition is not None:
            raise ShdError("a private fit takes no condition: its columns are ordered by noisy counts. Leave it out.")

    def _learn(self, records: Records) -> int:
        bounds = {"degree": int(self.degree), "max_bins": self.max_bins, "max_levels": int(self.max_levels)}
        self.encoder_, self.nodes_, n_rows = PrivateFit(records, **bounds).run()
        self.conditions_ = NO_CONDITION
        return n_rows

    def _condition_columns(self, data: Dataset | pd.DataFrame, frame: pd.DataFrame) -> tuple[str, ...]:
        return () if self.condition is None else super()._condition_columns(data, frame)

    def _fit(self, codes: np.ndarray, rng: np.random.Generator) -> None:
        self._learn_conditions(codes)
        codes = np.asfortranarray(codes)  # worked on column by column
        with progress(2 * codes.shape[1], "Learning the network") as bar:
            self.nodes_ = search(codes, self.encoder_.columns_, self.degree, bar, self._condition_at)
        for node in self.nodes_:
            n_codes = self.encoder_.sizes[node.column]
            node.table = smooth_table(node, codes, n_codes, self._people, self.protection_.done.min_people)

    def _sample(self, n: int, condition: dict | pd.DataFrame | None, rng: np.random.Generator) -> np.ndarray:
        if self.conditions_.columns:
            return super()._sample(n, condition, rng)
        refuse_condition(self, condition)
        return self._draw(np.empty((n, 0), dtype=np.int64), rng)

    def _draw(self, asked: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        codes = np.zeros((len(asked), len(self.nodes_)), dtype=np.int32, order="F")
        codes[:, self._condition_at] = asked
        return self._walk(codes, self.nodes_[asked.shape[1] :], rng)

    def _get_state(self) -> tuple[dict[str, np.ndarray], dict]:
        tensors, extra = self._network_state()
        return tensors, {**extra, **super()._get_state()[1], **self.conditions_.to_dict()}

    def _set_state(self, tensors: dict[str, np.ndarray], extra: dict) -> None:
        self._set_network(tensors, extra)
        self.conditions_ = Conditions.from_dict(extra) if "columns" in extra else NO_CONDITION  # older files have none
        super()._set_state(tensors, extra)
