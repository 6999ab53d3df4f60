"""`NeuralSynthesizer`: the training loop of families that lower one loss, batch by batch."""

import copy
import math
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn import functional as F

from shd._progress import notice, progress
from shd.dataset import Dataset, as_frame
from shd.synthesizers._conditions import Conditions
from shd.synthesizers._protect import people_of
from shd.synthesizers._training import Checkpoint, Clock, fingerprint, heldout_of_classes, seconds_per_call, under
from shd.synthesizers.base import check_number, check_whole
from shd.synthesizers.conditional import ConditionalSynthesizer
from shd.synthesizers.tabular_game import OneHot

_WARM = 0.05  # share of the steps in which the learning rate rises
_SCORES = 20  # held-out losses a fit, at even distances
_STEPS = 400, 4000  # from and to, by the root of the records: large tables take longer
_SCORED = 2048  # held-out records that are scored at most
_LOOKS = 4  # draws of the random numbers of a loss that are averaged
_GRADIENT = 1.0  # longest gradient


class NeuralSynthesizer(ConditionalSynthesizer, abstract=True):
    """Base of families that train one network to lower one loss.

    A family writes `_network`, which builds the network, `_losses` of records, and `_draw`. It has the fields
    `steps` (None: by the number of records), `width`,
    `batch`, `learning_rate` and `patience`. What is kept is a running average of the weights, as it
    was when the loss of people held out was lowest.

    Attributes
    ----------
    history_ : pandas.DataFrame
        ``step`` and ``heldout_loss``.
    steps_, seconds_ : int, tuple of float
        Steps taken, and wall and CPU seconds of the fit.
    """

    few_steps = 300
    average = 0.998  # how much of the average stays at each step
    steps_a_root = 14.3  # steps of a fit, by the root of the records

    def fit(self, data: Dataset | pd.DataFrame, checkpoint: str | Path | None = None) -> "NeuralSynthesizer":
        """Learn from a table; Ctrl-C stops early and keeps what was learned.

        Parameters
        ----------
        data : Dataset or pandas.DataFrame, shape (n, n_columns)
            The training records. A tenth of the subjects (at most 5,000 rows) is set aside for the held-out loss.
        checkpoint : path, optional
            File to keep the training state in. If it is there, training goes on from it, and ends with the same model
            as without interruption.
        """
        self._checkpoint = checkpoint
        try:
            return super().fit(data)
        finally:
            del self._checkpoint

    def _check_parameters(self) -> None:
        for name in ("width", "batch", "patience", "max_levels", *(() if self.steps is None else ("steps",))):
            check_whole(self, name, 1)
        check_number(self, "learning_rate", 1e-9, 1)

    # What a family adds ------------------------------------------------------------------------

    def _network(self) -> nn.Module:
        """Return the network, not trained; sizes of the columns are in `self.encoder_`."""
        raise NotImplementedError

    def _losses(self, network: nn.Module, codes: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
        """Return the loss of each record, shape (n,), for codes, int64, shape (n, n_columns)."""
        raise NotImplementedError

    @property
    def _n_told(self) -> int:
        """Zeros and ones that tell the condition."""
        return sum(self.encoder_.sizes[j] for j in self._condition_at)

    def _told(self, codes: torch.Tensor) -> torch.Tensor:
        """Return the condition as zeros and ones, for codes of shape (n, n_columns)."""
        parts = [F.one_hot(codes[:, j], self.encoder_.sizes[j]).float() for j in self._condition_at]
        return torch.cat([torch.zeros(len(codes), 0), *parts], dim=1)

    # How it learns -----------------------------------------------------------------------------

    def _fit(self, codes: np.ndarray, rng: np.random.Generator) -> None:
        self.seed_ = int(rng.integers(2**31)) if self.random_state is None else int(self.random_state)
        classes = self._learn_conditions(codes)
        self._learn_codes(codes)
        held = heldout_of_classes(self._people, classes, np.random.default_rng(self.seed_))
        train, apart = (torch.tensor(codes[rows]) for rows in (~held, held))
        self._goal = self.steps or int(np.clip(self.steps_a_root * len(train) ** 0.5, *_STEPS))
        trial = self._start()
        seconds = seconds_per_call(lambda: self._step(trial, train), calls=3)
        notice(f"{type(self).__name__}: at most {self._goal:,} steps, about {self._goal * seconds / 60:.1f} minutes.")
        identity = fingerprint({"parameters": self.get_params(), "encoder": self.encoder_.to_dict()}, codes, held)
        self._train(train, apart[:_SCORED], Checkpoint(self._checkpoint, identity))

    def _learn_codes(self, codes: np.ndarray) -> None:
        """Learn what the network needs to know of the codes before it is built."""

    def _start(self) -> dict:
        """Return network, average, optimiser and random numbers as they begin."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed_)
            network = self._network()
        return {
            "network": network,
            "average": copy.deepcopy(network).eval().requires_grad_(False),
            "adam": torch.optim.AdamW(network.parameters(), lr=self.learning_rate, betas=(0.9, 0.99), fused=True),
            "rng": torch.Generator().manual_seed(self.seed_),
            "step": 0,
        }

    def _step(self, state: dict, train: torch.Tensor) -> None:
        """Lower the loss of one batch; the learning rate rises first, and falls to zero in the end."""
        done = state["step"] / self._goal
        rate = min(1.0, done / _WARM + 1 / self._goal) * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
        state["adam"].param_groups[0]["lr"] = self.learning_rate * max(rate, 1e-3)
        rows = torch.randint(len(train), (min(self.batch, len(train)),), generator=state["rng"])
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed_ + state["step"])  # dropout draws from numbers that all share
            loss = self._losses(state["network"], train[rows], state["rng"]).mean()
        state["adam"].zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(state["network"].parameters(), _GRADIENT)
        state["adam"].step()
        state["step"] += 1
        keep = min(self.average, (1 + state["step"]) / (10 + state["step"]))
        with torch.no_grad():
            torch._foreach_lerp_(list(state["average"].parameters()), list(state["network"].parameters()), 1 - keep)

    def _train(self, train: torch.Tensor, held: torch.Tensor, checkpoint: Checkpoint) -> None:
        state, history, best, clock = self._start(), [], (np.inf, None), Clock()
        if (saved := checkpoint.load()) is not None:
            _put_back(state, saved["state"])
            history, best, clock = saved["history"], tuple(saved["best"]), Clock(*saved["seconds"])
            notice(f"Going on at step {state['step']:,} of {self._goal:,} from {checkpoint.path}.")
        every = max(1, self._goal // _SCORES)
        try:
            with progress(self._goal, f"Fitting {type(self).__name__}") as bar:
                bar.advance(state["step"])
                while state["step"] < self._goal and not _has_stalled(history, self.patience):
                    self._step(state, train)
                    scored = state["step"] % every == 0 or state["step"] == self._goal
                    if scored:
                        loss = self._heldout_loss(state["average"], held)
                        history.append((state["step"], loss))
                        if loss < best[0]:
                            best = loss, copy.deepcopy(state["average"].state_dict())
                    bar.advance(1, note=f"held-out loss {history[-1][1]:.3f}" if scored else None)
                    if scored or checkpoint.is_due():
                        seconds = clock.read()
                        checkpoint.save({"state": _taken(state), "history": history, "best": best, "seconds": seconds})
        except KeyboardInterrupt:
            notice(f"Stopped at step {state['step']:,} of {self._goal:,}; what was learned so far is kept.")
        self.network_ = state["average"]
        if best[1] is not None:
            self.network_.load_state_dict(best[1])
        self.steps_, self.seconds_ = state["step"], clock.read()
        self.history_ = pd.DataFrame(history, columns=["step", "heldout_loss"])

    def _heldout_loss(self, network: nn.Module, held: torch.Tensor) -> float:
        """Return the loss of people held out, with the same random numbers each time."""
        with torch.no_grad():
            rng = torch.Generator().manual_seed(self.seed_)
            return float(torch.stack([self._losses(network, held, rng).mean() for _ in range(_LOOKS)]).mean())

    @torch.no_grad()
    def _log_score(self, codes: np.ndarray) -> np.ndarray:
        """Return minus the loss of each record, mean of several looks: records learned by heart have a low one."""
        rng = torch.Generator().manual_seed(0)
        parts = torch.tensor(codes, dtype=torch.int64).split(_SCORED)
        looks = [torch.stack([self._losses(self.network_, part, rng) for _ in range(2 * _LOOKS)]) for part in parts]
        return -torch.cat(looks, dim=1).mean(dim=0).numpy().astype(float)

    def steps_for(self, data: Dataset | pd.DataFrame, minutes: float) -> int:
        """Return how many steps this machine takes in that many minutes (it tries a few)."""
        self._check_parameters()
        trial = copy.deepcopy(self)
        trial._goal = 1
        trial.seed_, trial._people, data = 0, people_of(data), trial._protect(data)
        frame = as_frame(data)
        trial.encoder_ = trial._learn_encoder(frame, trial._people, trial._condition_columns(data, frame))
        codes = trial.encoder_.transform(frame)
        trial._learn_conditions(codes)
        trial._learn_codes(codes)
        state, train = trial._start(), torch.tensor(codes)
        return max(_SCORES, int(0.9 * 60 * minutes / seconds_per_call(lambda: trial._step(state, train), calls=10)))

    # What is kept ------------------------------------------------------------------------------

    @property
    def _one_hot(self) -> OneHot:
        return OneHot(self.encoder_.sizes)

    def _get_state(self) -> tuple[dict[str, np.ndarray], dict]:
        tensors = {f"network.{key}": value.numpy() for key, value in self.network_.state_dict().items()}
        told = {"history": self.history_.to_numpy().tolist(), "steps": self.steps_, "seconds": list(self.seconds_)}
        return tensors, {**self.conditions_.to_dict(), "fit": told}

    def _set_state(self, tensors: dict[str, np.ndarray], extra: dict) -> None:
        self.conditions_ = Conditions.from_dict(extra)
        self.network_ = self._network().eval().requires_grad_(False)
        self.network_.load_state_dict({key: torch.tensor(value) for key, value in under("network.", tensors).items()})
        told = extra["fit"]
        self.steps_, self.seconds_ = told["steps"], tuple(told["seconds"])
        self.history_ = pd.DataFrame(told["history"], columns=["step", "heldout_loss"]).astype({"step": int})


def _has_stalled(history: list, patience: int) -> bool:
    """Whether the loss of people held out has not been lower for `patience` scores."""
    losses = [loss for _, loss in history]
    return len(losses) > patience and min(losses[-patience:]) > min(losses)


def _taken(state: dict) -> dict:
    """Return what a checkpoint holds."""
    parts = {name: state[name].state_dict() for name in ("network", "average", "adam")}
    return {**parts, "rng": state["rng"].get_state(), "step": state["step"]}


def _put_back(state: dict, saved: dict) -> None:
    """Undo `_taken`."""
    for name in ("network", "average", "adam"):
        state[name].load_state_dict(saved[name])
    state["rng"].set_state(saved["rng"])
    state["step"] = saved["step"]
