"""`MixtureCircuit`: kinds of patients, found by expectation maximisation, in each of which columns are independent.

How it works. Suppose that there are K kinds of patients, that a share of all is of each kind, and that, once the kind
is known, columns have nothing to do with each other. All that columns show together then comes from the mixture. The
kinds are found in turns: say how likely each record is of each kind (expectation), and count each record into every
kind by that (maximisation). More kinds fit better, until records held out fit worse: that is where it stops.

A mixture of products is the smallest probabilistic circuit: sums of products of sums. So whatever one may ask of it has
an exact answer by one pass: how likely a record is, how likely given some of its columns, and what a missing value
would be. Conditioning on a rare level costs no more than on a common one.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch.nn import functional as F

from shd._progress import notice, progress
from shd.synthesizers._codes import is_ordered
from shd.synthesizers._conditions import Conditions
from shd.synthesizers._mixture import Mixture
from shd.synthesizers._training import heldout_of_classes
from shd.synthesizers.base import check_number, check_whole
from shd.synthesizers.conditional import ConditionalSynthesizer

_BATCH = 4096
_FIRST = 4  # kinds that are tried first
_SLOWER = 0.7  # power by which later batches count less
_ALIKE = 0.1  # numbers that far apart, as a share of all records, are much alike
_LEAST_GAIN = 1e-4  # in nats a record


@dataclass(eq=False, repr=False)
class MixtureCircuit(Mixture, ConditionalSynthesizer):
    """Mixture of products of categorical distributions (latent class model), learned by expectation maximisation.

    Parameters
    ----------
    condition : str or sequence of str, optional
        Columns that keep every level of their own. Any column can be asked for.
    kinds : int, optional
        Kinds of patients. None: doubled from 4 on for as long as people held out become more likely, at most `most`.
    most : int
        Most kinds that are tried.
    passes : int
        Passes over the table.
    prior : float
        Records' worth of the whole table that are mixed into each kind: no kind is sure of anything.
    max_levels : int
        Columns with more levels let rare neighbours share a code.
    min_people, random_state : int
        See `Synthesizer`. The same seed gives the same model, and the same rows.

    Attributes
    ----------
    weight_ : ndarray of float, shape (n_kinds,)
        Share of each kind.
    chance_ : ndarray of float, shape (n_codes of all columns, n_kinds)
        How likely each code is in each kind.
    history_ : pandas.DataFrame
        ``kinds`` and ``heldout``, the mean log likelihood in nats of a record of people held out.

    References
    ----------
    Dempster, Laird, Rubin (1977), on expectation maximisation; Cappe, Moulines (2009), arXiv 0712.4273, for batches;
    Dunson, Xing (2009), doi 10.1198/jasa.2009.tm08439, and Si, Reiter (2013), for tables of categories; Choi, Vergari,
    Van den Broeck (2020), *Probabilistic Circuits*; Liu et al. (2026), *TabPC*, arXiv 2603.23016, for deep ones.
    """

    max_bins = 40

    condition: str | tuple[str, ...] | None = None
    kinds: int | None = None
    most: int = 512
    passes: int = 60
    prior: float = 20.0
    max_levels: int = 200
    min_people: int | None = None
    random_state: int = 0

    def _check_parameters(self) -> None:
        for name in ("most", "passes", "max_levels"):
            check_whole(self, name, 1)
        if self.kinds is not None:
            check_whole(self, "kinds", 1)
        check_number(self, "prior", 1e-6, 1e6)

    # How it learns -----------------------------------------------------------------------------

    def _fit(self, codes: np.ndarray, rng: np.random.Generator) -> None:
        classes = self._learn_conditions(codes)
        seed = int(rng.integers(2**31))
        self.history_, kinds = pd.DataFrame(columns=["kinds", "heldout"]), self.kinds
        if kinds is None:
            held = heldout_of_classes(self._people, classes, np.random.default_rng(seed))
            kinds = self._choose(codes[~held], codes[held], seed)
        self._learn(codes, kinds, seed)

    def _choose(self, train: np.ndarray, held: np.ndarray, seed: int) -> int:
        """Double the kinds for as long as people held out become more likely."""
        tried, kinds = [], _FIRST
        try:
            while kinds <= self.most:
                self._learn(train, kinds, seed)
                tried.append((kinds, float(self._log_score(held).mean())))
                if len(tried) > 1 and tried[-1][1] < tried[-2][1] + _LEAST_GAIN:
                    break
                kinds *= 2
        except KeyboardInterrupt:
            notice("Stopped; what was learned so far is kept.")
        self.history_ = pd.DataFrame(tried, columns=self.history_.columns)
        return max(tried, key=lambda one: one[1])[0] if tried else _FIRST

    def _learn(self, codes: np.ndarray, kinds: int, seed: int) -> None:
        """Learn so many kinds, batch by batch: later batches count less, as the kinds settle."""
        sizes, rng = self.encoder_.sizes, np.random.default_rng(seed)
        first = np.cumsum([0, *sizes[:-1]])
        at = torch.tensor(codes + first)
        share = torch.tensor(np.bincount(at.flatten(), minlength=sum(sizes)) / len(codes), dtype=torch.float32)
        around, prior = self._around(share), self.prior / len(codes)
        # each kind begins as a record, blurred by all the others
        start = torch.tensor(rng.choice(len(codes), kinds, replace=kinds > len(codes)))
        chance = 0.8 * share[:, None] + 0.2 * _one_hot(at[start], sum(sizes)).T
        weight, count, done = torch.full((kinds,), 1 / kinds), None, 0
        with progress(self.passes, f"Finding {kinds} kinds") as bar:
            for _ in range(self.passes):
                for rows in torch.tensor(rng.permutation(len(codes))).split(_BATCH):
                    of_kind = _posterior(at[rows], chance, weight)
                    new = _counts(at[rows], of_kind, sum(sizes)) / len(rows)
                    rate = max((done + 2.0) ** -_SLOWER, len(rows) / len(codes) / 4)
                    count = new if count is None else count + rate * (new - count)
                    done += 1
                    weight = count[: sizes[0]].sum(dim=0)
                    alike = torch.cat(
                        [block @ own for block, own in zip(around, (count / weight).split(sizes), strict=True)]
                    )
                    chance = (count + prior * alike) / (weight + prior)
                bar.advance()
        self.weight_, self.chance_ = (weight / weight.sum()).numpy().astype(float), chance.numpy().astype(float)

    def _around(self, share: torch.Tensor) -> list[torch.Tensor]:
        """Return what one record of each code says of others, (n_codes, n_codes) for each column; columns sum to one.

        A level says nothing: all levels as they occur. A number says that those about a tenth of all records away from
        it are likely, too.
        """
        blocks = []
        for codec, own in zip(self.encoder_.columns_, share.split(self.encoder_.sizes), strict=True):
            block = own[:, None].repeat(1, len(own))
            if is_ordered(codec):
                n_known = len(own) - codec.missing
                known = own[:n_known] / own[:n_known].sum().clamp(min=1e-12)
                place = torch.cumsum(known, 0) - known / 2
                block = torch.zeros(len(own), len(own))
                block[:n_known, :n_known] = torch.exp(-0.5 * ((place[:, None] - place) / _ALIKE) ** 2) * known[:, None]
                block[n_known:, n_known:] = 1.0
            blocks.append(block / block.sum(dim=0))
        return blocks

    # What is kept ------------------------------------------------------------------------------

    def _get_state(self) -> tuple[dict[str, np.ndarray], dict]:
        return {"weight": self.weight_, "chance": self.chance_}, {
            **self.conditions_.to_dict(),
            "history": self.history_.to_numpy().tolist(),
        }

    def _set_state(self, tensors: dict[str, np.ndarray], extra: dict) -> None:
        self.conditions_ = Conditions.from_dict(extra)
        self.weight_, self.chance_ = tensors["weight"], tensors["chance"]
        self.history_ = pd.DataFrame(extra["history"], columns=["kinds", "heldout"]).astype({"kinds": int})


def _one_hot(at: torch.Tensor, n_codes: int) -> torch.Tensor:
    return torch.zeros(len(at), n_codes).scatter_(1, at, 1.0)


def _posterior(at: torch.Tensor, chance: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Return how likely each record is of each kind, (n, n_kinds)."""
    log = F.embedding_bag(at, torch.log(chance.clamp(min=1e-30)), mode="sum") + torch.log(weight.clamp(min=1e-30))
    return torch.softmax(log, dim=1)


def _counts(at: torch.Tensor, of_kind: torch.Tensor, n_codes: int) -> torch.Tensor:
    """Return how often each code comes up in each kind, (n_codes, n_kinds)."""
    return _one_hot(at, n_codes).T @ of_kind
