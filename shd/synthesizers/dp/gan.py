"""`PrivateGan`: what private generative adversarial networks share, whatever keeps their judge from telling of people.

The generator never sees a record. It learns from a judge alone, and a judge that is differentially private makes it so,
too: whatever is done with what a private mechanism gave costs no more (post-processing).
"""

import numpy as np
import torch
from torch.nn import functional as F

from shd.synthesizers._training import under
from shd.synthesizers.base import check_number, check_whole, refuse_condition
from shd.synthesizers.dp.columns import ColumnsFit
from shd.synthesizers.dp.private import PrivateSynthesizer
from shd.synthesizers.tabular_game import OneHot, generator, judge

_TEMPERATURE = 0.4  # of softened draws, as in TabularCGAN
_ROWS = 8192  # drawn at once


class PrivateGan(PrivateSynthesizer, abstract=True):
    """Base of private GANs; a family has the fields `steps`, `width`, `noise` and `learning_rate`.

    Attributes
    ----------
    generator_, judge_ : torch.nn.Module
        Noise to logits of codes, and one-hot records to a score: high where they look real.
    """

    def _check_parameters(self) -> None:
        super()._check_parameters()
        for name, least in {"steps": 1, "width": 1, "noise": 1, "batch": 1, "max_levels": 2}.items():
            check_whole(self, name, least)
        check_number(self, "learning_rate", 1e-9, 1)

    def _start(self, columns: ColumnsFit) -> None:
        """Build both networks; the generator starts from the noisy shares of codes."""
        self.encoder_, self._one_hot = columns.encoder, OneHot(columns.sizes)
        seed = np.random.default_rng().integers(2**31) if self.random_state is None else self.random_state
        self._rng = torch.Generator().manual_seed(int(seed))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(seed))
            self._build()
        shares = torch.tensor(np.concatenate(columns.shares), dtype=torch.float32)
        self.generator_[-1].bias.data.copy_(torch.log(shares + 1e-4))
        self._adam_g = torch.optim.Adam(self.generator_.parameters(), self.learning_rate, betas=(0.5, 0.99), fused=True)
        self._adam_j = torch.optim.Adam(self.judge_.parameters(), self.learning_rate, betas=(0.5, 0.99), fused=True)

    def _build(self) -> None:
        self.generator_ = generator(self.noise, 0, self.width, sum(self.encoder_.sizes))
        self.judge_ = judge(sum(self.encoder_.sizes), len(self.encoder_.sizes), self.width)

    def _end(self) -> None:
        """Drop what was for learning only."""
        del self._one_hot, self._rng, self._adam_g, self._adam_j
        self.generator_.requires_grad_(False)
        self.judge_.requires_grad_(False)

    def _fakes(self, n: int) -> torch.Tensor:
        """Return n generated one-hot records, float, shape (n, n_codes), whose gradient reaches the generator."""
        logits = self.generator_(torch.randn(n, self.noise, generator=self._rng))
        return self._one_hot.draw(logits, _TEMPERATURE, self._rng)

    def _generator_step(self, n: int) -> None:
        """Let the generator learn to be judged real."""
        loss = F.softplus(-self.judge_(self._fakes(n))).mean()
        self._adam_g.zero_grad()
        loss.backward()
        self._adam_g.step()

    @torch.no_grad()
    def _sample(self, n: int, condition: object, rng: np.random.Generator) -> np.ndarray:
        refuse_condition(self, condition)
        one_hot, draws = OneHot(self.encoder_.sizes), torch.Generator().manual_seed(int(rng.integers(2**62)))
        noise = torch.randn(n, self.noise, generator=draws)
        return np.concatenate([one_hot.draw_codes(self.generator_(part), draws) for part in noise.split(_ROWS)])

    @torch.no_grad()
    def _log_score(self, codes: np.ndarray) -> np.ndarray:
        records = OneHot(self.encoder_.sizes).encode(torch.tensor(codes))
        return self.judge_(records)[:, 0].numpy().astype(float)

    def _get_state(self) -> tuple[dict[str, np.ndarray], dict]:
        parts = {"generator.": self.generator_, "judge.": self.judge_}
        tensors = {name + key: value.numpy() for name, net in parts.items() for key, value in net.state_dict().items()}
        return tensors, super()._get_state()[1]

    def _set_state(self, tensors: dict[str, np.ndarray], extra: dict) -> None:
        super()._set_state(tensors, extra)
        self._build()
        for name, net in {"generator.": self.generator_, "judge.": self.judge_}.items():
            net.load_state_dict({key: torch.tensor(value) for key, value in under(name, tensors).items()})
            net.requires_grad_(False)
