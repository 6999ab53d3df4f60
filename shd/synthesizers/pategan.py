"""`PATEGAN`: a GAN whose judge learned from the noisy votes of teachers, each of whom saw a few people only."""

from dataclasses import KW_ONLY, dataclass
from fractions import Fraction

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from shd._progress import progress
from shd.domain import Domain
from shd.synthesizers.base import check_whole
from shd.synthesizers.dp.columns import ColumnsFit
from shd.synthesizers.dp.gan import PrivateGan
from shd.synthesizers.dp.noise import Noise
from shd.synthesizers.dp.private import Records
from shd.synthesizers.tabular_game import OneHot

_PEOPLE_A_TEACHER, _TEACHERS = 100, (5, 1000)  # where their number is not given: by the noisy number of records
_TEACHER_WIDTH = 16
_TEACHER_STEPS, _TEACHER_BATCH = 5, 32  # of each teacher, before each ballot
_STUDENT_STEPS, _GENERATOR_STEPS = 5, 5  # after it


@dataclass(eq=False, repr=False)
class PATEGAN(PrivateGan):
    """A private GAN by private aggregation of teacher ensembles.

    People are dealt to teachers by chance, each person with all records to one. A teacher learns to tell the records of
    its own people from generated ones. In a ballot all teachers vote on a few generated records, real or not, and only
    the number of votes for real, with noise, is told. From these labels a student learns, who never sees a real record;
    the generator learns to please the student.

    **The account.** Two tables are neighbours if one has one subject more, with all records. That subject is with one
    teacher, so that one vote of each query changes: in a ballot on b records the counts move by at most the root of b
    (Euclidean norm). A quarter of the budget goes into columns and their noisy shares (see `ColumnsFit`), the rest in
    equal parts into the ballots, each with discrete Gaussian noise of variance b / (2 rho) on every count. The rhos add
    up (zCDP), whatever was voted: no moment of the votes is looked at, so none can be added up wrongly. Teachers, their
    number given the noisy number of records, and who is dealt to whom depend on nobody else.

    It is a family to learn from more than to use: votes are dear. With few people a teacher the noise drowns them.

    Parameters
    ----------
    epsilon, delta, domain, max_records, noise_seed
        See `PrivateSynthesizer`.
    teachers : int, optional
        How many, 1 or more. Default: a hundred records a teacher, 5 to 1,000 teachers.
    steps, batch : int
        Ballots, and records that each votes on. Noise grows with the root of their product.
    width, noise : int
        Width of student and generator, and number of noise dimensions.
    learning_rate : float
        Of Adam, for all.
    max_levels : int
        Most codes for a column of categories; rarer levels share codes.
    random_state : int or None
        The same seed gives the same rows. It is not the seed of the noise.

    Attributes
    ----------
    privacy_ : Privacy
        What is promised, and where the budget went.

    References
    ----------
    Jordon, Yoon, van der Schaar (2019). PATE-GAN: Generating Synthetic Data with Differential Privacy Guarantees. ICLR.
    There the noise is Laplace, and the account looks at the votes. Papernot et al. (2018), *Scalable Private Learning
    with PATE*, ICLR, arXiv 1802.08908, has Gaussian noise. Ganev, Annamalai, De Cristofaro (2024), *The Elusive Pursuit
    of Reproducing PATE-GAN*, arXiv 2406.13985, find that six public implementations all leak more than they promise:
    an account that does not add up is the fault that a test here plants, and the audit finds.
    All quoted from memory.
    """

    epsilon: float = 1.0
    delta: float = 1e-5
    teachers: int | None = None
    steps: int = 100
    batch: int = 16
    width: int = 64
    noise: int = 16
    learning_rate: float = 2e-3
    max_levels: int = 200
    random_state: int | None = 0
    _: KW_ONLY
    domain: Domain | None = None
    max_records: int = 1
    noise_seed: int | None = None

    quick = {"teachers": 16, "steps": 1, "batch": 64, "width": 8, "learning_rate": 0.1}  # noqa: RUF012 - told to all who audit it

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if self.teachers is not None:
            check_whole(self, "teachers", 1)

    def _learn(self, records: Records) -> int:
        columns = ColumnsFit(records, self.max_bins, int(self.max_levels))
        columns._learn_columns()
        self._start(columns)
        k = self.teachers or int(np.clip(columns.n // _PEOPLE_A_TEACHER, *_TEACHERS))
        parts = self._parts(records.people, k, records.noise)
        teachers = Teachers(self._one_hot, torch.tensor(columns.codes), parts, self.learning_rate, self._rng)
        seen, labels = torch.zeros(0, self._one_hot.n_codes), torch.zeros(0)
        share = records.budget.left
        records.budget.spend(f"{self.steps} ballots of {k} teachers on {self.batch} records each", share)
        cost = self._cost_of_ballot(share) / self.batch
        with progress(self.steps, "Fitting PATEGAN") as bar:
            for _ in range(self.steps):
                teachers.learn(lambda: self._fakes(_TEACHER_BATCH).detach())
                asked = self._fakes(self.batch).detach()
                told = records.budget.blur(records.noise, teachers.votes(asked), cost, 1)  # each count moves by 1
                seen, labels = torch.cat([seen, asked]), torch.cat([labels, torch.tensor(2 * told > k).float()])
                self._student_steps(seen, labels)
                bar.advance(1)
        self._end()
        return columns.n

    def _parts(self, people: np.ndarray, k: int, noise: Noise) -> list[np.ndarray]:
        """Return the rows of each teacher; every subject is dealt to one, whoever else there is."""
        teacher = np.array([noise.below(k) for _ in range(people.max() + 1)])[people]
        return [np.flatnonzero(teacher == one) for one in range(k)]

    def _cost_of_ballot(self, share: Fraction) -> Fraction:
        """Return what one ballot may cost: they add up."""
        return share / self.steps

    def _student_steps(self, seen: torch.Tensor, labels: torch.Tensor) -> None:
        """Let the student learn from all labels so far, and the generator from the student."""
        for _ in range(_STUDENT_STEPS):
            loss = F.binary_cross_entropy_with_logits(self.judge_(seen)[:, 0], labels)
            self._adam_j.zero_grad()
            loss.backward()
            self._adam_j.step()
        for _ in range(_GENERATOR_STEPS):
            self._generator_step(4 * self.batch)


class Teachers:
    """k small networks side by side, each with its own records: nothing of one reaches another."""

    def __init__(
        self, one_hot: OneHot, codes: torch.Tensor, parts: list[np.ndarray], rate: float, rng: torch.Generator
    ):
        self.one_hot, self.codes, self.rng = one_hot, codes, rng
        self.rows = torch.tensor(np.concatenate(parts), dtype=torch.int64)
        self.count = torch.tensor([len(part) for part in parts])
        self.start = self.count.cumsum(0) - self.count
        k, spread = len(parts), (2 / len(one_hot.sizes)) ** 0.5
        self.inner = nn.Parameter(spread * torch.randn(k, one_hot.n_codes, _TEACHER_WIDTH, generator=rng))
        self.outer = nn.Parameter(0.3 * torch.randn(k, _TEACHER_WIDTH, 1, generator=rng))
        self.base = nn.Parameter(torch.zeros(k, 1, 1))
        self.adam = torch.optim.Adam([self.inner, self.outer, self.base], rate, betas=(0.5, 0.99), fused=True)

    def _judge(self, records: torch.Tensor) -> torch.Tensor:
        """One-hot records, shape (k or 1, n, n_codes), to logits, shape (k, n)."""
        hidden = F.leaky_relu(torch.matmul(records, self.inner), 0.2)
        return (torch.matmul(hidden, self.outer) + self.base)[:, :, 0]

    def learn(self, fakes: object) -> None:
        """Let each learn to tell its own records from generated ones."""
        for _ in range(_TEACHER_STEPS):
            pick = (torch.rand(len(self.count), _TEACHER_BATCH, generator=self.rng) * self.count[:, None]).long()
            there = (self.count > 0)[:, None]
            rows = self.rows[torch.where(there, self.start[:, None] + pick, 0)]
            real = self.one_hot.encode(self.codes[rows.flatten()]).view(*rows.shape, -1)
            loss = (F.softplus(-self._judge(real)) * there).mean(1) + F.softplus(self._judge(fakes()[None])).mean(1)
            self.adam.zero_grad()
            loss.sum().backward()  # each term has parameters of its own
            self.adam.step()

    @torch.no_grad()
    def votes(self, records: torch.Tensor) -> np.ndarray:
        """Return how many teachers take each record for real, int64, shape (n,); without people, all are."""
        return ((self._judge(records[None]) > 0) | (self.count == 0)[:, None]).sum(0).numpy()
