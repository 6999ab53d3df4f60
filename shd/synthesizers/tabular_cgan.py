"""`TabularCGAN`: a conditional GAN for tables that keeps what columns have to do with each other.

A generator turns noise and a condition (say, *readmitted within 30 days*) into one probability
for every code of every column, and draws a record from them. A discriminator looks at packs of
records and learns to tell real from generated ones; the generator learns to fool it. Beside that
game stands a plain demand that needs no game: within each class of the condition, every pair of
levels shall occur together as often as in the real table.

Where the parts come from:

* condition and one-hot codes: Xu et al. 2019, *Modeling Tabular Data using Conditional GAN*;
* packs, which show the discriminator a lost mode: Lin et al. 2018, *PacGAN*;
* relativistic loss: Jolicoeur-Martineau 2018; with R1 and R2 penalties: Huang et al. 2024, *The GAN
  is dead; long live the GAN*;
* straight-through Gumbel-softmax: Jang et al. 2017; Maddison et al. 2017;
* moments as a loss: Li, Swersky, Zemel 2015, *Generative Moment Matching Networks*;
* averaged generator: Yazici et al. 2019, *The Unusual Effectiveness of Averaging in GAN Training*.
"""

import copy
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn import functional as F

from shd._errors import ShdError
from shd._progress import notice, progress
from shd.dataset import Dataset, as_frame, describe_columns
from shd.synthesizers._conditions import Conditions
from shd.synthesizers._moments import ClassMoments
from shd.synthesizers._one_hot import OneHot
from shd.synthesizers._training import Checkpoint, fingerprint, heldout_rows, heldout_score, seconds_per_call
from shd.synthesizers.base import Synthesizer
from shd.synthesizers.encoding import TableEncoder

_PENALTY_EVERY = 8  # steps between two gradient penalties: they cost a second backward pass
_EVALUATIONS = 10  # held-out scores a fit, at even distances
_CHUNK = 16_384  # rows sampled at once, to bound memory


class _Block(nn.Module):
    """Residual block: h + W2 f(W1 f(norm(h)))."""

    def __init__(self, width: int):
        super().__init__()
        self.norm, self.inner, self.outer = nn.LayerNorm(width), nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, h: torch.Tensor) -> torch.Tensor:
        return h + self.outer(F.leaky_relu(self.inner(F.leaky_relu(self.norm(h), 0.2)), 0.2))


def _generator(n_noise: int, n_condition: int, width: int, n_codes: int) -> nn.Sequential:
    """Noise and condition, shape (n, n_noise + n_condition), to logits, shape (n, n_codes)."""
    return nn.Sequential(
        nn.Linear(n_noise + n_condition, width),
        _Block(width),
        _Block(width),
        nn.LayerNorm(width),
        nn.LeakyReLU(0.2),
        nn.Linear(width, n_codes),
    )


def _discriminator(n_in: int, n_ones: int, width: int) -> nn.Sequential:
    """Packs of records with their condition, shape (n_packs, n_in), to one score, shape (n_packs, 1)."""
    net = nn.Sequential(
        nn.Linear(n_in, width), nn.LeakyReLU(0.2), nn.Linear(width, width), nn.LeakyReLU(0.2), nn.Linear(width, 1)
    )
    # an input holds `n_ones` ones among many zeros: only those count for the scale of the first layer
    nn.init.normal_(net[0].weight, std=(2 / n_ones) ** 0.5)
    nn.init.kaiming_normal_(net[2].weight, 0.2)
    nn.init.kaiming_normal_(net[4].weight, 1.0)
    return net


class _Game:
    """The two players, what they play with, and one step of the game."""

    def __init__(self, model: "TabularCGAN", one_hot: OneHot, codes: np.ndarray, classes: np.ndarray, condition):
        self.model, self.one_hot = model, one_hot
        self.rng = torch.Generator().manual_seed(model.random_state)
        order = np.argsort(classes, kind="stable")  # rows of one class stand together
        self.codes, sorted_classes = torch.tensor(codes[order], dtype=torch.int32), torch.tensor(classes[order])
        self.count = torch.bincount(sorted_classes)
        self.start = self.count.cumsum(0) - self.count
        self.condition = condition  # one-hot condition of each class, shape (n_classes, n_condition)
        n_condition = condition.shape[1]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(model.random_state)
            self.generator = _generator(model.noise, n_condition, model.width, one_hot.n_codes)
            n_in = model.pack * one_hot.n_codes + n_condition
            self.discriminator = _discriminator(n_in, model.pack * len(one_hot.sizes), model.width)
        share = one_hot.shares(self.codes)
        self.generator[-1].bias.data.copy_(torch.log(share + 1e-4))  # start from the marginals
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        self.moments = ClassMoments(one_hot, self.codes, sorted_classes, len(self.count))
        self.adam_g = torch.optim.Adam(self.generator.parameters(), betas=(0.5, 0.99), fused=True)
        self.adam_d = torch.optim.Adam(self.discriminator.parameters(), betas=(0.0, 0.99), fused=True)
        self.step_ = 0

    def step(self) -> None:
        """Let both players learn once, from packs of real and generated records of the same classes."""
        model, n_packs = self.model, self.model.batch // self.model.pack
        rate = model.learning_rate * min(1.0, (model.steps - self.step_) / (0.4 * model.steps))
        for adam in (self.adam_g, self.adam_d):
            adam.param_groups[0]["lr"] = max(rate, 0.01 * model.learning_rate)
        # rare classes come more often than they occur, by the square root of their frequency
        pack_class = torch.multinomial(self.count.sqrt(), n_packs, replacement=True, generator=self.rng)
        classes = pack_class.repeat_interleave(model.pack)
        pick = (torch.rand(len(classes), generator=self.rng) * self.count[classes]).long()
        real = self.one_hot.encode(self.codes[self.start[classes] + pick])
        logits = self.generator(self._input(classes))
        fake = self.one_hot.draw(logits, model.temperature, self.rng)

        self._discriminator_step(real, fake.detach(), pack_class)
        self.discriminator.requires_grad_(False)
        with torch.no_grad():
            judged_real = self._judge(real, pack_class)
        loss = F.softplus(judged_real - self._judge(fake, pack_class)).mean()
        loss = loss + model.moment_weight * self.moments.loss(self.one_hot.softmax(logits), classes)
        self.adam_g.zero_grad()
        loss.backward()
        self.adam_g.step()
        self.discriminator.requires_grad_(True)
        self.step_ += 1
        keep = min(model.average, (1 + self.step_) / (10 + self.step_))
        torch._foreach_lerp_(list(self.average.parameters()), list(self.generator.parameters()), 1 - keep)

    def _discriminator_step(self, real: torch.Tensor, fake: torch.Tensor, pack_class: torch.Tensor) -> None:
        penalised = self.step_ % _PENALTY_EVERY == 0
        real, fake = real.detach().requires_grad_(penalised), fake.requires_grad_(penalised)
        judged_real, judged_fake = self._judge(real, pack_class), self._judge(fake, pack_class)
        loss = F.softplus(judged_fake - judged_real).mean()
        if penalised:  # R1 and R2: flat around real and around generated packs
            slopes = torch.autograd.grad((judged_real + judged_fake).sum(), [real, fake], create_graph=True)
            loss = loss + self.model.gradient_penalty * sum(s.square().sum() for s in slopes) / len(pack_class)
        self.adam_d.zero_grad()
        loss.backward()
        self.adam_d.step()

    def _judge(self, records: torch.Tensor, pack_class: torch.Tensor) -> torch.Tensor:
        packs = records.reshape(len(pack_class), -1)
        return self.discriminator(torch.cat([packs, self.condition[pack_class]], dim=1))

    def _input(self, classes: torch.Tensor) -> torch.Tensor:
        noise = torch.randn(len(classes), self.model.noise, generator=self.rng)
        return torch.cat([noise, self.condition[classes]], dim=1)

    def state(self) -> dict:
        """Everything needed to go on as if nothing had happened."""
        return {
            **{name: getattr(self, name).state_dict() for name in _LEARNERS},
            "moments": [self.moments.first, self.moments.second],
            "rng": self.rng.get_state(),
            "step": self.step_,
        }

    def resume(self, state: dict) -> None:
        """Undo `state`."""
        for name in _LEARNERS:
            getattr(self, name).load_state_dict(state[name])
        self.moments.first, self.moments.second = state["moments"]
        self.rng.set_state(state["rng"])
        self.step_ = state["step"]


_LEARNERS = ("generator", "discriminator", "average", "adam_g", "adam_d")


class TabularCGAN(Synthesizer):
    """Conditional GAN for mixed tables: categories, ordered categories, counts, numbers, missing values.

    Parameters
    ----------
    condition : str or sequence of str, optional
        Categorical columns that can be asked for in `sample`. Default: the target of the Dataset.
    steps : int
        Most training steps; `steps_for` turns minutes into steps. It stops earlier where the
        held-out score has stopped getting better, and keeps the best generator.
    width, noise : int
        Width of both networks, and number of noise dimensions.
    batch, pack : int
        Records a step, and records that the discriminator judges together.
    temperature : float
        Of the softened draw that gradients go through; lower is closer to real draws, and noisier.
    moment_weight, gradient_penalty : float
        Weights of the moments within each class, and of R1 and R2.
    learning_rate : float
        Of Adam, for both networks; it falls to zero over the last 40 % of the steps.
    average : float
        How much of the averaged generator stays at each step; 0.998 looks back about 500 steps.
    patience : int
        Held-out scores without a better one before it stops; ten scores are taken in all.
    max_levels : int
        See `TableEncoder`: columns with more levels let rare neighbours share a code.
    random_state : int
        The same seed gives the same model on the same machine, and the same rows.

    Attributes
    ----------
    history_ : pandas.DataFrame
        Columns ``step`` and ``heldout_c2st`` (AUROC, 0.5 is indistinguishable).
    steps_ : int
        Steps taken.
    """

    def __init__(
        self,
        condition: str | tuple[str, ...] | None = None,
        steps: int = 5000,
        width: int = 256,
        noise: int = 64,
        batch: int = 512,
        pack: int = 8,
        temperature: float = 0.4,
        moment_weight: float = 0.3,
        gradient_penalty: float = 0.3,
        learning_rate: float = 1e-3,
        average: float = 0.998,
        patience: int = 4,
        max_levels: int = 200,
        random_state: int = 0,
    ):
        self.condition = condition
        self.steps = steps
        self.width = width
        self.noise = noise
        self.batch = batch
        self.pack = pack
        self.temperature = temperature
        self.moment_weight = moment_weight
        self.gradient_penalty = gradient_penalty
        self.learning_rate = learning_rate
        self.average = average
        self.patience = patience
        self.max_levels = max_levels
        self.random_state = random_state

    def fit(self, data: Dataset | pd.DataFrame, checkpoint: str | Path | None = None) -> "TabularCGAN":
        """Learn from a table; Ctrl-C stops early and keeps what was learned.

        Parameters
        ----------
        data : Dataset or pandas.DataFrame, shape (n, n_columns)
            The training records. A tenth of the subjects (at most 5,000 rows) is set aside for the
            held-out score. Never give it the holdout.
        checkpoint : path, optional
            File to keep the training state in. If it is there, training goes on from it, and ends
            with the same model as without interruption. It holds training data in no form but the
            weights, moments and scores.

        Returns
        -------
        self

        Raises
        ------
        ShdError
            Where the table cannot be learned from, or the checkpoint is of something else.
        """
        self._check_parameters()
        subjects = data.subjects if isinstance(data, Dataset) else np.arange(len(as_frame(data, "train")))
        self._held, self._checkpoint = heldout_rows(subjects, np.random.default_rng(self.random_state)), checkpoint
        try:
            return super().fit(data)
        finally:
            del self._held, self._checkpoint

    def _check_parameters(self) -> None:
        for name in ("steps", "width", "noise", "batch", "pack", "patience", "max_levels"):
            if not isinstance(getattr(self, name), (int, np.integer)) or getattr(self, name) < 1:
                raise ShdError(f"{name}={getattr(self, name)!r} must be a whole number, 1 or more.")
        if self.batch < self.pack:
            raise ShdError(f"batch={self.batch} must hold at least one pack of {self.pack} records.")

    def _condition_columns(self, data: Dataset | pd.DataFrame, frame: pd.DataFrame) -> tuple[str, ...]:
        asked = self.condition or (data.target if isinstance(data, Dataset) else None)
        if asked is None:
            raise ShdError("nothing says what to condition on: give condition='column', or a Dataset with a target.")
        columns = (asked,) if isinstance(asked, str) else tuple(asked)
        for column in columns:
            if column not in frame.columns:
                raise ShdError(
                    f"condition {column!r} is not a column of the table; it has {describe_columns(frame.columns)}."
                )
            if frame[column].nunique() > self.max_levels:
                raise ShdError(
                    f"condition {column!r} has {frame[column].nunique():,} levels; a condition may have "
                    f"{self.max_levels}. Choose another, or group its levels."
                )
        if len(columns) == frame.shape[1]:
            raise ShdError("every column is a condition, so nothing is left to generate; name fewer.")
        return columns

    def _prepare(self, codes: np.ndarray, columns: tuple[str, ...]) -> np.ndarray:
        """Set up classes and one-hot columns; return the class of each row."""
        at = [self.encoder_.names.index(c) for c in columns]
        self.conditions_, classes = Conditions.learn(columns, codes[:, at])
        self._lay_out()
        return classes

    def _lay_out(self) -> None:
        names, sizes = self.encoder_.names, self.encoder_.sizes
        self._condition_at = [names.index(c) for c in self.conditions_.columns]
        self._free_at = [j for j in range(len(names)) if j not in self._condition_at]
        self._one_hot = OneHot([sizes[j] for j in self._free_at])
        self._condition_one_hot = OneHot([sizes[j] for j in self._condition_at])

    def _start(self, codes: np.ndarray, classes: np.ndarray) -> _Game:
        condition = self._condition_one_hot.encode(torch.tensor(self.conditions_.combinations))
        return _Game(self, self._one_hot, codes[:, self._free_at], classes, condition)

    def _fit(self, codes: np.ndarray, rng: np.random.Generator) -> None:
        classes = self._prepare(codes, self.encoder_.whole)
        learn = ~self._held
        game = self._start(codes[learn], classes[learn])
        self._announce(seconds_per_call(self._start(codes[learn], classes[learn]).step))
        checkpoint = Checkpoint(self._checkpoint, fingerprint(self.get_params(), codes))
        history, best = [], (np.inf, None)
        if (saved := checkpoint.load()) is not None:
            game.resume(saved["game"])
            history, best = saved["history"], saved["best"]
            notice(f"Going on at step {game.step_:,} of {self.steps:,} from {checkpoint.path}.")
        every = max(1, self.steps // _EVALUATIONS)
        try:
            with progress(self.steps, "Fitting TabularCGAN") as bar:
                bar.advance(game.step_)
                while game.step_ < self.steps and not self._has_stalled(history):
                    game.step()
                    bar.advance(1)
                    if game.step_ % every == 0 or game.step_ == self.steps:
                        best = self._score(game, codes[learn], codes[self._held], history, best)
                        bar.advance(0, note=f"held-out C2ST {history[-1][1]:.3f} (0.5 is best)")
                        checkpoint.save({"game": game.state(), "history": history, "best": best})
        except KeyboardInterrupt:
            notice(f"Stopped at step {game.step_:,} of {self.steps:,}; what was learned so far is kept.")
        self.steps_, self.history_ = game.step_, pd.DataFrame(history, columns=["step", "heldout_c2st"])
        self.generator_ = game.average
        if best[1] is not None:
            self.generator_.load_state_dict(best[1])

    def _announce(self, seconds_per_step: float) -> None:
        one, discriminator = self._one_hot.n_codes, self.width * self.pack * self._one_hot.n_codes
        generator = self.width * (one + 4 * self.width)
        moments = 3 * min(one, 1024) ** 2 * min(len(self.conditions_.counts), 30)
        megabytes = 4 * (5 * (generator + discriminator) + moments + 20 * self.batch * one) / 1e6
        notice(
            f"TabularCGAN: {self.steps:,} steps, about {self.steps * seconds_per_step / 60:.1f} minutes "
            f"and {300 + megabytes:,.0f} MB of memory."
        )

    def _has_stalled(self, history: list) -> bool:
        scores = [score for _, score in history]
        return len(scores) > self.patience and min(scores[-self.patience :]) > min(scores[: -self.patience])

    def _score(self, game: _Game, train: np.ndarray, held: np.ndarray, history: list, best: tuple) -> tuple:
        """Take the held-out score of the averaged generator; return the best so far."""
        self.generator_ = game.average
        score = heldout_score(train, held, lambda n: self._sample(n, None, np.random.default_rng(game.step_)))
        history.append((game.step_, score))
        return (score, copy.deepcopy(game.average.state_dict())) if score <= best[0] else best

    def steps_for(self, data: Dataset | pd.DataFrame, minutes: float) -> int:
        """Return how many steps this machine takes in that many minutes (it tries a few)."""
        trial = copy.deepcopy(self).set_params(steps=1)
        frame = as_frame(data, "train")
        columns = trial._condition_columns(data, frame)
        trial.encoder_ = TableEncoder(self.max_bins, self.max_levels, columns).fit(frame)
        codes = trial.encoder_.transform(frame)
        seconds = seconds_per_call(trial._start(codes, trial._prepare(codes, columns)).step, calls=20)
        return max(_EVALUATIONS, int(0.95 * 60 * minutes / seconds))

    def _sample(self, n: int, condition: dict | pd.DataFrame | None, rng: np.random.Generator) -> np.ndarray:
        codes = np.empty((n, len(self.encoder_.columns_)), dtype=np.int32, order="F")
        codes[:, self._condition_at] = self.conditions_.draw(n, condition, self.encoder_, rng)
        torch_rng = torch.Generator().manual_seed(int(rng.integers(2**62)))
        with torch.no_grad():
            for first in range(0, n, _CHUNK):
                part = slice(first, first + _CHUNK)
                asked = self._condition_one_hot.encode(torch.tensor(codes[part][:, self._condition_at]))
                noise = torch.randn(len(asked), self.noise, generator=torch_rng)
                logits = self.generator_(torch.cat([noise, asked], dim=1))
                codes[part, self._free_at] = self._one_hot.draw_codes(logits, torch_rng)
        return codes

    def _get_state(self) -> tuple[dict[str, torch.Tensor], dict]:
        extra = {
            "columns": list(self.conditions_.columns),
            "combinations": self.conditions_.combinations.tolist(),
            "counts": self.conditions_.counts.tolist(),
            "history": self.history_.to_numpy().tolist(),
            "steps": self.steps_,
        }
        return dict(self.generator_.state_dict()), extra

    def _set_state(self, tensors: dict[str, torch.Tensor], extra: dict) -> None:
        self.conditions_ = Conditions(
            tuple(extra["columns"]), np.array(extra["combinations"]), np.array(extra["counts"])
        )
        self._lay_out()
        self.generator_ = _generator(
            self.noise, self._condition_one_hot.n_codes, self.width, self._one_hot.n_codes
        ).requires_grad_(False)
        self.generator_.load_state_dict(tensors)
        self.steps_ = extra["steps"]
        self.history_ = pd.DataFrame(extra["history"], columns=["step", "heldout_c2st"])
