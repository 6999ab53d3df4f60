"""`ADSGAN`: `TabularCGAN` that keeps away from the people it learned from, but for as many as the user allows.

How it works. A person might be recognised in a synthetic table if one of its records is more like theirs than any other
person's is. The share of such people is called identifiability. So each record gets a circle: its radius is how far the
nearest record of another person is, where rare things count more. While the generator learns, records that fall into
circles cost it something. That makes them fewer, and promises nothing: a network cannot know where every circle is. So
every record drawn is looked at, and drawn again where it falls into a guarded circle. All circles are guarded but for
the share that the user allows, those in the densest places: they have others like them. So no more than that share has
a synthetic record so near, however many are drawn.

What it costs, and what it is not. Records of people never seen fall into circles, too: nearly half of all circles have
one, and nobody learns anything from that. Sending them back makes holes around real people, which a judge can see, and
which tell that somebody is there. Identifiability is an idea of what could go wrong, and no guarantee of privacy.

The guard knows every person learned from. `for_release` takes it out, with the critics: the records may be handed on,
and a model without the guard.
"""

import copy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.linalg import block_diag

from shd._progress import notice
from shd.synthesizers._neighbours import NEARER, Space, are_inside, squared_distances, to_other_people
from shd.synthesizers._training import under
from shd.synthesizers.base import check_number
from shd.synthesizers.tabular_cgan import TabularCGAN
from shd.synthesizers.tabular_game import Game

_ROUNDS = 100  # draws for one row before it is kept as it is
_FELT = 2048  # circles that the generator feels as it learns
_MEASURED = 5000  # records for which it is measured whether somebody came near


@dataclass
class Guard:
    """Circles that no record shall fall into: codes of their centres, squared radii, and where codes stand."""

    space: Space
    codes: np.ndarray
    radius: np.ndarray

    def __post_init__(self) -> None:
        self._centres = self.space(self.codes)

    def refuses(self, codes: np.ndarray) -> np.ndarray:
        """Return which records lie in a circle, bool, shape (n,)."""
        return are_inside(self.space(codes), self._centres, self.radius)


@dataclass(eq=False, repr=False)
class ADSGAN(TabularCGAN):
    """Conditional GAN that is kept from coming nearer to people than other people are.

    Parameters
    ----------
    identifiability : float
        Largest share, 0 to 1, of the records learned from that may have a synthetic record nearer to them than any
        record of another person. 0.1 by default; 1 is `TabularCGAN`.
    penalty : float
        Weight of the loss of records that fall into circles; 0 for none.
    condition, steps, width, noise, batch, pack, temperature, moment_weight, moment_growth, gradient_penalty, \
learning_rate, average, critic_steps, critic_trees, patience, max_levels, min_people, random_state
        See `TabularCGAN`.

    Attributes
    ----------
    identifiability_ : float or None
        The share reached by as many records as were learned from, measured on up to 5,000 of these; None of a model
        whose guard was taken out.
    guard_ : Guard or None
        Where records must not fall. It holds the codes of records learned from.
    heldout_c2st_, history_, steps_, seconds_
        See `TabularCGAN`; without the guard.

    References
    ----------
    Yoon, Drumright, van der Schaar (2020), *Anonymization Through Data Synthesis Using Generative Adversarial Networks
    (ADS-GAN)*, IEEE Journal of Biomedical and Health Informatics, doi 10.1109/JBHI.2020.2980262, from memory. There the
    generator is shown real records, and a loss keeps it from them. Here it sees none; the guard is of this package.
    """

    left_out = "the critics and the guard, which know the people learned from"

    identifiability: float = 0.1
    penalty: float = 1.0

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_number(self, "identifiability", 0, 1)
        check_number(self, "penalty", 0, 1e6)

    def _fit(self, codes: np.ndarray, rng: np.random.Generator) -> None:
        space = Space.of(codes, self.encoder_.columns_, rare=True)
        radius = to_other_people(space(codes), self._people)
        self._circles, self.guard_ = (space, codes, radius), None
        try:
            super()._fit(codes, rng)
        finally:
            del self._circles  # a model does not hold records without a word
        guarded = np.argsort(radius, kind="stable")[int(self.identifiability * len(codes)) :]
        guarded = guarded[radius[guarded] > NEARER]
        self.guard_ = Guard(space, codes[guarded].astype(np.min_scalar_type(codes.max())), radius[guarded])
        self.identifiability_ = self._measure(space, codes, radius)
        if self.identifiability_ > self.identifiability:
            notice(
                f"To {self.identifiability_:.1%} of records a synthetic one is nearer than another person's, more than "
                f"the {self.identifiability:.1%} asked for: {_ROUNDS} draws in a row were too near. Allow more."
            )

    def _measure(self, space: Space, codes: np.ndarray, radius: np.ndarray) -> float:
        """Return the share of records that one of as many synthetic ones is nearer to than another person's."""
        some = np.random.default_rng(self.seed_).permutation(len(codes))[:_MEASURED]
        drawn, near = space(self._sample_unasked(len(codes))), np.empty(len(some))
        for part, distance in squared_distances(space(codes[some]), drawn):
            near[part] = distance.min(axis=1)
        return float((near < radius[some] - NEARER).mean())

    def _start(self, codes: np.ndarray, classes: np.ndarray) -> Game:
        game = super()._start(codes, classes)
        if self.penalty and hasattr(self, "_circles"):
            game.further = self._loss_of_circles(game.condition)
        return game

    def _loss_of_circles(self, condition: torch.Tensor):
        """Return the loss of softened records and their classes: how deep they lie in circles, a mean of records."""
        space, codes, radius = self._circles
        at = [*self._free_at, *self._condition_at]  # as the game has them
        table = torch.tensor(block_diag(*(space.tables[j] for j in at)).astype(np.float32))
        felt = np.random.default_rng(self.seed_).permutation(np.flatnonzero(radius > NEARER))[:_FELT]
        centres = torch.tensor(Space([space.tables[j] for j in at])(codes[np.ix_(felt, at)]))
        size, radii = centres.square().sum(dim=1), torch.tensor(radius[felt])
        weight = self.penalty * len(codes) / max(1, len(felt))

        def loss(fake: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
            points = torch.cat([fake, condition[classes]], dim=1) @ table
            distance = points.square().sum(dim=1, keepdim=True) + size - 2 * points @ centres.T
            return weight * torch.relu(1 - distance / radii).sum(dim=1).mean()

        return loss

    def _draw(self, asked: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        codes, waiting = super()._draw(asked, rng), np.arange(len(asked))
        for _ in range(_ROUNDS if self.guard_ is not None else 0):
            waiting = waiting[self.guard_.refuses(codes[waiting])]
            if not len(waiting):
                break
            codes[waiting] = super()._draw(asked[waiting], rng)
        return codes

    # What is kept ------------------------------------------------------------------------------

    def save(self, path: str | Path) -> Path:
        """Write the model, see `Synthesizer.save`; the guard's file holds records learned from, and says so."""
        if getattr(self, "guard_", None) is not None:
            notice("The file holds records learned from, as codes: keep it where they are. for_release() hands on.")
        return super().save(path)

    def for_release(self) -> "ADSGAN":
        """Return a copy without critics and guard, which know the people learned from."""
        handed_on = copy.copy(super().for_release())
        handed_on.guard_ = handed_on.identifiability_ = None
        return handed_on

    def _get_state(self) -> tuple[dict[str, np.ndarray], dict]:
        tensors, extra = super()._get_state()
        if self.guard_ is not None:
            tables = {f"guard.table.{j}": table for j, table in enumerate(self.guard_.space.tables)}
            tensors |= {"guard.codes": self.guard_.codes, "guard.radius": self.guard_.radius, **tables}
        return tensors, {**extra, "identifiability": self.identifiability_}

    def _set_state(self, tensors: dict[str, np.ndarray], extra: dict) -> None:
        own = under("guard.", tensors)
        super()._set_state({key: value for key, value in tensors.items() if not key.startswith("guard.")}, extra)
        self.identifiability_, self.guard_ = extra["identifiability"], None
        if own:
            tables = [own[f"table.{j}"] for j in range(len(self.encoder_.columns_))]
            self.guard_ = Guard(Space(tables), own["codes"], own["radius"])
