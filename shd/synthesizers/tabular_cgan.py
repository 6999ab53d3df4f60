"""`TabularCGAN`: a conditional GAN for tables that keeps what columns have to do with each other.

A generator turns noise and a condition (say, *readmitted within 30 days*) into one probability for every code of every
column, and draws a record from them. A discriminator looks at packs of records and learns to tell real from generated
ones; the generator learns to fool it. Beside that game stands a plain demand that needs no game: within each class of
the condition, every pair of levels shall occur together as often as in the real table. When the game is over, critics
learn what still gives records away, and send such records back (see ``critics.py``). Networks, losses and the step of
the game stand in ``tabular_game.py``; here is what is learned when, and what is kept of it.

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
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import torch

from shd._errors import ShdError
from shd._progress import notice, progress
from shd.dataset import Dataset, as_frame
from shd.synthesizers._conditions import Conditions
from shd.synthesizers._cuts import Cuts, Share, Trial
from shd.synthesizers._protect import people_of
from shd.synthesizers._training import (
    Checkpoint,
    Clock,
    fingerprint,
    heldout_of_classes,
    heldout_score,
    seconds_per_call,
    under,
)
from shd.synthesizers.base import check_number, check_whole
from shd.synthesizers.critics import at_most
from shd.synthesizers.filtered import Filtered
from shd.synthesizers.tabular_game import Game, OneHot, generator

_EVALUATIONS = 10  # held-out scores a fit, at even distances
_STEPS_BETWEEN = 200  # fewer scores in a short fit: each takes as long as some fifty steps
_SCORE_NOISE = 0.02  # two scores of one generator differ by that much now and then
_MEGABYTES = 1000  # what Python, torch and a table of ordinary size take; python -m benchmarks.scale
_STEPS_A_SCORE = 50  # what a score takes, in steps
_CRITIC_STEPS_A_STEP = 7  # steps of the network critic that take as long as one of the game
_MINUTES_FOR_THE_CRITICS = 5.0  # a fit that takes them bears all steps and trees; in less, most time is for the game
_SECONDS_A_TREE = 1.5e-8  # for each real record and column, the drawing of generated ones included
_LARGE = 20_000  # records that bear the whole network and all steps; a smaller table takes fewer
_STEPS, _WIDTH, _BATCH = (400, 4500), (64, 256), (128, 512)  # least and most
_ROWS_A_BIN = 20  # records of a bin of numbers, at least
_KNOWN = "nearer to people learned from than to people held out (50% is ideal); SequentialTrees or auto keeps apart"
_WHOLE_NUMBERS = {"noise": 1, "pack": 1, "patience": 1, "max_levels": 1}
_NUMBERS = {"temperature": (0.01, 10), "moment_weight": (0, 1e6), "gradient_penalty": (0, 1e6)}
_NUMBERS |= {"moment_growth": (1, 1e6)}
_NUMBERS |= {"learning_rate": (1e-9, 1), "average": (0, 0.999999)}  # parameter: least and most


@dataclass(eq=False, repr=False)
class TabularCGAN(Filtered):
    """Conditional GAN for mixed tables: categories, ordered categories, counts, numbers, missing values.

    Parameters
    ----------
    condition : str or sequence of str, optional
        Columns that can be asked for in `sample`. Default: the target of the Dataset, unless it has more than
        `max_levels` levels.
    steps : int, optional
        Most training steps; `set_minutes` turns minutes into steps. It stops earlier where the held-out score has got
        worse, or records are nearer to people learned from than to people held out, and keeps the generator from
        before that. None: by the number of records, 400 to 4,500.
    width, batch : int, optional
        Width of both networks, and records a step. None: by the number of records, 64 to 256, and 128 to 512.
    noise, pack : int
        Number of noise dimensions, and records that the discriminator judges together.
    temperature : float
        Of the softened draw that gradients go through; lower is closer to real draws, and noisier.
    moment_weight, moment_growth : float
        Weight of the moments within each class, and how many times larger it may get while the learning rate falls,
        from 1 on. More keeps weak links between rare levels; long fits bear 10.
    gradient_penalty : float
        Weight of R1 and R2.
    learning_rate, average : float
        Of Adam, for both networks; it falls to zero over the last 40 % of the steps. And how much of the averaged
        generator stays at each step; 0.998 looks back about 500 steps.
    critic_steps, critic_trees : int
        Most training steps of the network, and most trees, that filter finished records; 0 for none.
        Small tables take fewer: the critics shall not learn the records by heart.
    patience : int
        Held-out scores in a row that are clearly worse than the best, before it stops; ten scores are taken in all.
    max_levels : int
        Columns with more levels let rare neighbours share a code.
    min_people, random_state : int
        See `Synthesizer`. The same seed gives the same model on the same machine, and the same rows.

    Attributes
    ----------
    history_, heldout_c2st_ : pandas.DataFrame, float
        ``step``, ``heldout_c2st`` (AUROC, 0.5 is indistinguishable) before the critics, and ``nearer``, ``low`` and
        ``high``: the share of records nearer to people learned from than to people held out (0.5 is ideal), and where
        it may lie; the C2ST with the critics.
    size_ : dict
        The steps, width and batch that were used.
    steps_, seconds_ : int, tuple of float
        Steps taken, and wall and CPU seconds of the fit, those before an interruption included.
    """

    few_steps = 300

    condition: str | tuple[str, ...] | None = None
    steps: int | None = None
    width: int | None = None
    noise: int = 64
    batch: int | None = None
    pack: int = 8
    temperature: float = 0.4
    moment_weight: float = 0.3
    moment_growth: float = 1.0
    gradient_penalty: float = 0.3
    learning_rate: float = 1e-3
    average: float = 0.998
    critic_steps: int = 3000
    critic_trees: int = 400
    patience: int = 4
    max_levels: int = 200
    min_people: int | None = None
    random_state: int = 0

    def fit(self, data: Dataset | pd.DataFrame, checkpoint: str | Path | None = None) -> "TabularCGAN":
        """Learn from a table; Ctrl-C stops early and keeps what was learned.

        Parameters
        ----------
        data : Dataset or pandas.DataFrame, shape (n, n_columns)
            The training records. A tenth of the subjects (at most 5,000 rows) is set aside for the
            held-out score. Never give it the holdout.
        checkpoint : path, optional
            File to keep the training state in. If it is there, training goes on from it, and ends with the same model
            as without interruption. It holds training data in no form but the weights, moments and scores.
        """
        self._checkpoint = checkpoint
        try:
            return super().fit(data)
        finally:
            del self._checkpoint

    def _check_parameters(self) -> None:
        super()._check_parameters()
        by_rows = {name: 1 for name in ("steps", "width", "batch") if getattr(self, name) is not None}
        for name, least in (_WHOLE_NUMBERS | by_rows).items():
            check_whole(self, name, least)
        for name, (low, high) in _NUMBERS.items():
            check_number(self, name, low, high)
        if (self.batch or _BATCH[0]) < self.pack:
            raise ShdError(f"batch={self.batch} must hold at least one pack of {self.pack} records.")

    # How it learns -----------------------------------------------------------------------------

    def _fit(self, codes: np.ndarray, rng: np.random.Generator) -> None:
        # None means another model each time; what is drawn here is used all through
        self.seed_ = int(rng.integers(2**31)) if self.random_state is None else int(self.random_state)
        classes = self._prepare(codes)
        self._open_filter()
        held = heldout_of_classes(self._people, classes, np.random.default_rng(self.seed_))
        train = codes[~held]
        game = self._start(train, classes[~held])
        # steps are tried on another game, so that this one begins untouched
        self._announce(seconds_per_call(self._start(train, classes[~held]).step), len(train))
        checkpoint = Checkpoint(self._checkpoint, self._fingerprint(codes, held))
        history, best, clock = self._play(game, train, codes[held], checkpoint)
        self.steps_, self.history_ = game.step_, _as_table(history)
        if history and Share(*history[-1][2:]).knows_by_heart:
            notice(f"{history[-1][2]:.0%} of its records came {_KNOWN}.")
        self.generator_ = game.average
        if best is not None:
            self.generator_.load_state_dict(best)
        self.heldout_c2st_ = float("nan")
        try:
            self._learn_filter(train)
            self._load(self._halves())
            self.heldout_c2st_ = heldout_score(train, codes[held], self._sample_unasked)
        except KeyboardInterrupt:
            notice("Stopped before the last score; the model is whole.")
            self._load(self._halves())
        self.seconds_ = clock.read()

    def _play(self, game: Game, train: np.ndarray, held: np.ndarray, checkpoint: Checkpoint) -> tuple:
        """Take all steps; return held-out scores, the generator to keep (None: as it stands), and the clock."""
        history, best, clock = [], (np.inf, None), Clock()
        if (saved := checkpoint.load()) is not None:
            game.resume(saved["game"])
            history, best, clock = saved["history"], saved["best"], Clock(*saved["seconds"])
            notice(f"Going on at step {game.step_:,} of {self.size_['steps']:,} from {checkpoint.path}.")
        every, steps = self._steps_between_scores(), self.size_["steps"]
        try:
            with progress(steps, f"Fitting {type(self).__name__}") as bar:
                bar.advance(game.step_)
                while game.step_ < steps and not self._has_stalled(history):
                    game.step()
                    bar.advance(1)
                    scored = game.step_ % every == 0 or game.step_ == steps
                    if scored:
                        best = self._score(game, train, held, history, best)
                        _, score, nearer, *_ = history[-1]
                        bar.advance(
                            0, note=f"held-out C2ST {score:.3f}, nearer to train {nearer:.0%} (both: .5 is best)"
                        )
                    if scored or checkpoint.is_due():
                        so_far = {"history": history, "best": best, "seconds": clock.read()}
                        checkpoint.save({"game": game.state(), **so_far})
        except KeyboardInterrupt:
            notice(f"Stopped at step {game.step_:,} of {steps:,}; what was learned so far is kept.")
            best = best[0], None  # the generator as it stands, not as it was last scored
        return history, best[1], clock

    def _prepare(self, codes: np.ndarray) -> np.ndarray:
        """Set up classes, one-hot columns and the size of the networks; return the class of each row."""
        classes = self._learn_conditions(codes)
        share = min(1.0, (len(codes) / _LARGE) ** 0.5)
        width, batch = (8 * round(most * share**0.5 / 8) for _, most in (_WIDTH, _BATCH))
        self.size_ = {
            "steps": self.steps or max(_STEPS[0], int(_STEPS[1] * share)),
            "width": self.width or max(_WIDTH[0], width),
            "batch": self.batch or max(_BATCH[0], batch),
        }
        self._lay_out()
        return classes

    def _lay_out(self) -> None:
        sizes = self.encoder_.sizes
        self._one_hot = OneHot([sizes[j] for j in self._free_at])
        self._condition_one_hot = OneHot([sizes[j] for j in self._condition_at])

    def _start(self, codes: np.ndarray, classes: np.ndarray) -> Game:
        condition = self._condition_one_hot.encode(torch.tensor(self.conditions_.combinations))
        settings = SimpleNamespace(**{**self.get_params(), **self.size_}, seed=self.seed_)
        return Game(settings, self._one_hot, codes[:, self._free_at], classes, condition)

    def _score(self, game: Game, train: np.ndarray, held: np.ndarray, history: list, best: tuple) -> tuple:
        """Take the held-out score of the averaged generator; return the lowest score and what to keep.

        The latest generator is kept unless it is clearly worse: scores differ by chance, and what was learned at a
        falling rate is better than what was lucky once. One that knows people learned from by heart is not kept, if
        there is another.
        """
        self.generator_ = game.average
        score = heldout_score(train, held, self._sample_unasked)
        cuts = Cuts(train, np.arange(len(train)), self.encoder_.columns_, self.seed_)
        share = cuts.nearer([Trial(train, held, self._sample_unasked(max(1000, len(held))))])
        history.append((game.step_, score, *share))
        lowest = min(score, best[0])
        worse = score > lowest + _SCORE_NOISE or (share.knows_by_heart and len(history) > 1)
        return lowest, best[1] if worse else copy.deepcopy(game.average.state_dict())

    def _has_stalled(self, history: list) -> bool:
        """Whether the score was clearly worse than its best for `patience` scores, or people are known by heart."""
        scores = [score for _, score, *_ in history]
        if history and Share(*history[-1][2:]).knows_by_heart:
            return True
        return len(scores) > self.patience and min(scores[-self.patience :]) > min(scores) + _SCORE_NOISE

    def _steps_between_scores(self) -> int:
        steps = self.size_["steps"]
        return min(steps, max(_STEPS_BETWEEN, steps // _EVALUATIONS))

    def _bins(self, n_rows: int) -> int:
        return int(np.clip(n_rows // _ROWS_A_BIN, 8, self.max_bins))

    def _fingerprint(self, codes: np.ndarray, held: np.ndarray) -> str:
        """Return a hash of all that the game depends on; the critics learn after it, anew each time."""
        parameters = {name: value for name, value in self.get_params().items() if not name.startswith("critic_")}
        known = {"parameters": parameters, "encoder": self.encoder_.to_dict()}
        return fingerprint({**known, "condition": self.conditions_.columns}, codes, held)

    # How it draws ------------------------------------------------------------------------------

    def _propose(self, asked: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw records as the generator gives them, for condition codes of shape (n, n_condition_columns)."""
        codes = np.empty((len(asked), len(self.encoder_.columns_)), dtype=np.int32, order="F")
        codes[:, self._condition_at] = asked
        torch_rng = torch.Generator().manual_seed(int(rng.integers(2**62)))
        with torch.no_grad():
            for first in range(0, len(asked), self._one_hot.rows_at_once):
                part = slice(first, first + self._one_hot.rows_at_once)
                condition = self._condition_one_hot.encode(torch.tensor(asked[part]))
                noise = torch.randn(len(condition), self.noise, generator=torch_rng)
                logits = self.generator_(torch.cat([noise, condition], dim=1))
                codes[part, self._free_at] = self._one_hot.draw_codes(logits, torch_rng)
        return codes

    # How long it takes -------------------------------------------------------------------------

    def set_minutes(self, data: Dataset | pd.DataFrame, minutes: float, steps: int | None = None) -> "TabularCGAN":
        """Set steps, and with little time fewer for the critics; see `Synthesizer.set_minutes`."""
        if minutes > 0:
            share = min(1.0, minutes / _MINUTES_FOR_THE_CRITICS)
            self.set_params(critic_steps=int(share * self.critic_steps), critic_trees=int(share * self.critic_trees))
        return super().set_minutes(data, minutes, steps)

    def steps_for(self, data: Dataset | pd.DataFrame, minutes: float) -> int:
        """Return how many steps this machine takes in that many minutes (it tries a few)."""
        self._check_parameters()
        trial = copy.deepcopy(self).set_params(steps=1)
        trial.seed_ = 0
        trial._people, data = people_of(data), trial._protect(data)
        frame = as_frame(data)
        columns = trial._condition_columns(data, frame)
        trial.encoder_ = trial._learn_encoder(frame, trial._people, columns)
        codes = trial.encoder_.transform(frame)
        seconds = seconds_per_call(trial._start(codes, trial._prepare(codes)).step, calls=20)
        left = 60 * minutes / seconds - trial._seconds_of_the_critics(len(codes), seconds) / seconds
        steps = max(left / (1 + _STEPS_A_SCORE / _STEPS_BETWEEN), left - _STEPS_A_SCORE * _EVALUATIONS)
        return max(_EVALUATIONS, int(0.95 * steps))

    def _announce(self, seconds_per_step: float, n_rows: int) -> None:
        steps, width, batch = self.size_.values()
        one, discriminator = self._one_hot.n_codes, width * self.pack * self._one_hot.n_codes
        generator = width * (one + 4 * width)
        moments = 3 * min(one, 1024) ** 2 * min(len(self.conditions_.counts), 30)
        megabytes = 4 * (5 * (generator + discriminator) + moments + 20 * batch * one) / 1e6
        scores = _STEPS_A_SCORE * steps / self._steps_between_scores()
        seconds = (steps + scores) * seconds_per_step + self._seconds_of_the_critics(n_rows, seconds_per_step)
        notice(
            f"{type(self).__name__}: at most {steps:,} steps, about {seconds / 60:.1f} minutes "
            f"and {_MEGABYTES + 4 * megabytes:,.0f} MB of memory."
        )

    def _seconds_of_the_critics(self, rows: int, seconds_per_step: float) -> float:
        steps, trees = at_most(rows, self.critic_steps, self.critic_trees)
        a_tree = _SECONDS_A_TREE * rows * len(self.encoder_.sizes)
        return steps / _CRITIC_STEPS_A_STEP * seconds_per_step + trees * a_tree

    # What is kept ------------------------------------------------------------------------------

    def for_release(self) -> "TabularCGAN":
        """Return a copy without the critics, which know the people learned from; the card tells what that costs."""
        handed_on = super().for_release()
        if handed_on is not self:
            handed_on.heldout_c2st_ = float("nan")  # it was taken with the critics
        return handed_on

    @property
    def _critic_width(self) -> int:
        return self.size_["width"]

    def _get_state(self) -> tuple[dict[str, np.ndarray], dict]:
        extra = {
            **self.conditions_.to_dict(),
            "history": self.history_.to_numpy().tolist(),
            "steps": self.steps_,
            "size": self.size_,
            "heldout_c2st": self.heldout_c2st_ if np.isfinite(self.heldout_c2st_) else None,
            "seconds": list(self.seconds_),
        }
        return {k: v.numpy() for k, v in self._halves().items()}, extra

    def _halves(self) -> dict[str, torch.Tensor]:
        """Return what was learned in half precision: half the file, and scores that do not change."""
        tensors = {f"generator.{k}": v.half() for k, v in self.generator_.state_dict().items()}
        return tensors | {f"filter.{k}": v for k, v in self.filter_.to_tensors().items()}

    def _load(self, tensors: dict[str, torch.Tensor]) -> None:
        """Take over what `_halves` gives; a fit ends with it, so that a model on file gives the same rows."""
        self.generator_.load_state_dict({k: v.float() for k, v in under("generator.", tensors).items()})
        self._open_filter()
        self.filter_.set_tensors(under("filter.", tensors))

    def _set_state(self, tensors: dict[str, np.ndarray], extra: dict) -> None:
        self.conditions_ = Conditions.from_dict(extra)
        self.size_ = extra.get("size") or {name: getattr(self, name) for name in ("steps", "width", "batch")}
        self._lay_out()
        self.generator_ = generator(
            self.noise, self._condition_one_hot.n_codes, self.size_["width"], self._one_hot.n_codes
        ).requires_grad_(False)
        self._load({k: torch.tensor(v) for k, v in tensors.items()})
        self.steps_ = extra["steps"]
        self.heldout_c2st_ = float("nan") if extra["heldout_c2st"] is None else extra["heldout_c2st"]
        self.seconds_ = tuple(extra.get("seconds", ()))
        self.history_ = _as_table(extra["history"])


def _as_table(history: list) -> pd.DataFrame:
    """Return the scores of a fit; older files know none of nearness."""
    rows = [[*row, *[np.nan] * 3][:5] for row in history]
    return pd.DataFrame(rows, columns=["step", "heldout_c2st", *Share._fields]).astype({"step": int})
