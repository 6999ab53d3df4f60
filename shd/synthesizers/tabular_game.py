"""The game of `TabularCGAN`, to be read from the top: two networks, one step, the losses, and one-hot records.

All shapes: a record is `n_codes` zeros and ones, a one for each of its columns; a batch is `batch` of them, judged in
packs of `pack` records of one class. `TabularCGAN` names the papers, and says what each setting is.
"""

import copy
from types import SimpleNamespace

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

_PENALTY_EVERY = 8  # steps between two gradient penalties: they cost a second backward pass
_MOMENTS_OF_A_STEP = 0.1  # how much a step counts in the running moments, while the learning rate is whole
_LEARNERS = ("generator", "discriminator", "average", "adam_g", "adam_d")

_LIMIT = 1024  # entries of the moment matrix; in wider tables neighbouring codes share one
_MOST_CLASSES = 64  # more than that leave too few records in each
_MOST_FLOATS = 3e7  # classes x entries squared, beyond which the moments are taken over all classes

_MOST_ROWS, _MOST_ONE_HOT = 16_384, 2**23  # of one-hot records held at once: 32 MB, however wide the table


# The two networks --------------------------------------------------------------------------------


class _Block(nn.Module):
    """Residual block: h + W2 f(W1 f(norm(h)))."""

    def __init__(self, width: int):
        super().__init__()
        self.norm, self.inner, self.outer = nn.LayerNorm(width), nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, h: torch.Tensor) -> torch.Tensor:
        return h + self.outer(F.leaky_relu(self.inner(F.leaky_relu(self.norm(h), 0.2)), 0.2))


def generator(n_noise: int, n_condition: int, width: int, n_codes: int) -> nn.Sequential:
    """Noise and condition, shape (n, n_noise + n_condition), to logits, shape (n, n_codes)."""
    return nn.Sequential(
        nn.Linear(n_noise + n_condition, width),
        _Block(width),
        _Block(width),
        nn.LayerNorm(width),
        nn.LeakyReLU(0.2),
        nn.Linear(width, n_codes),
    )


def judge(n_in: int, n_ones: int, width: int) -> nn.Sequential:
    """Return a small network from `n_in` zeros and ones, `n_ones` of them ones, to one score."""
    net = nn.Sequential(
        nn.Linear(n_in, width), nn.LeakyReLU(0.2), nn.Linear(width, width), nn.LeakyReLU(0.2), nn.Linear(width, 1)
    )
    # only the ones count for the scale of the first layer; PyTorch's default would whisper
    nn.init.normal_(net[0].weight, std=(2 / n_ones) ** 0.5)
    nn.init.kaiming_normal_(net[2].weight, 0.2)
    nn.init.kaiming_normal_(net[4].weight, 1.0)
    return net


# The game ----------------------------------------------------------------------------------------


class Game:
    """The two players, what they play with, and one step of the game.

    `settings` are the parameters of `TabularCGAN` by their names, and the `seed`. `further` is one more loss of the
    generator, from softened records and their classes.
    """

    further = None

    def __init__(
        self,
        settings: SimpleNamespace,
        one_hot: "OneHot",
        codes: np.ndarray,
        classes: np.ndarray,
        condition: torch.Tensor,
    ):
        self.settings, self.one_hot = settings, one_hot
        self.rng = torch.Generator().manual_seed(settings.seed)
        order = np.argsort(classes, kind="stable")  # rows of one class stand together
        self.codes, sorted_classes = torch.tensor(codes[order], dtype=torch.int32), torch.tensor(classes[order])
        self.count = torch.bincount(sorted_classes)
        self.start = self.count.cumsum(0) - self.count
        self.condition = condition  # one-hot condition of each class, shape (n_classes, n_condition)
        n_condition = condition.shape[1]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.generator = generator(settings.noise, n_condition, settings.width, one_hot.n_codes)
            n_in = settings.pack * one_hot.n_codes + n_condition
            self.discriminator = judge(n_in, settings.pack * len(one_hot.sizes), settings.width)
        share = one_hot.shares(self.codes)
        self.generator[-1].bias.data.copy_(torch.log(share + 1e-4))  # start from the marginals
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        self.moments = ClassMoments(one_hot, self.codes, sorted_classes, len(self.count))
        self.adam_g = torch.optim.Adam(self.generator.parameters(), betas=(0.5, 0.99), fused=True)
        self.adam_d = torch.optim.Adam(self.discriminator.parameters(), betas=(0.0, 0.99), fused=True)
        self.step_ = 0

    def step(self) -> None:
        """Let both players learn once, from packs of real and generated records of the same classes."""
        # 1. the learning rate: whole for 60 % of the steps, then falling to a hundredth
        settings, n_packs = self.settings, self.settings.batch // self.settings.pack
        share = min(1.0, (settings.steps - self.step_) / (0.4 * settings.steps))
        for adam in (self.adam_g, self.adam_d):
            adam.param_groups[0]["lr"] = settings.learning_rate * max(share, 0.01)

        # 2. deal: rare classes come more often than they occur, by the square root of their frequency
        pack_class = torch.multinomial(self.count.sqrt(), n_packs, replacement=True, generator=self.rng)
        classes = pack_class.repeat_interleave(settings.pack)
        pick = (torch.rand(len(classes), generator=self.rng) * self.count[classes]).long()
        real = self.one_hot.encode(self.codes[self.start[classes] + pick])
        logits = self.generator(self._input(classes))
        fake = self.one_hot.draw(logits, settings.temperature, self.rng)

        # 3. the discriminator learns to tell them apart, then stands still
        self._discriminator_step(real, fake.detach(), pack_class)
        self.discriminator.requires_grad_(False)

        # 4. the generator learns to be judged more real than real packs are (relativistic), and to keep pairs
        with torch.no_grad():
            judged_real = self._judge(real, pack_class)
        loss = F.softplus(judged_real - self._judge(fake, pack_class)).mean()
        # as steps get smaller, moments can be averaged over more of them: less noise, which bears a larger weight
        share = max(share, 1 / settings.moment_growth)
        apart = self.moments.loss(self.one_hot.softmax(logits), classes, keep=1 - _MOMENTS_OF_A_STEP * share)
        loss = loss + settings.moment_weight / share * apart
        if self.further is not None:
            loss = loss + self.further(fake, classes)
        self.adam_g.zero_grad()
        loss.backward()
        self.adam_g.step()
        self.discriminator.requires_grad_(True)

        # 5. the average, which is what is kept: early steps are forgotten soon
        self.step_ += 1
        keep = min(settings.average, (1 + self.step_) / (10 + self.step_))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.generator.parameters()), 1 - keep)

    def _discriminator_step(self, real: torch.Tensor, fake: torch.Tensor, pack_class: torch.Tensor) -> None:
        penalised = self.step_ % _PENALTY_EVERY == 0
        real, fake = real.detach().requires_grad_(penalised), fake.requires_grad_(penalised)
        judged_real, judged_fake = self._judge(real, pack_class), self._judge(fake, pack_class)
        loss = F.softplus(judged_fake - judged_real).mean()
        if penalised:  # R1 and R2: flat around real and around generated packs
            slopes = torch.autograd.grad((judged_real + judged_fake).sum(), [real, fake], create_graph=True)
            loss = loss + self.settings.gradient_penalty * sum(s.square().sum() for s in slopes) / len(pack_class)
        self.adam_d.zero_grad()
        loss.backward()
        self.adam_d.step()

    def _judge(self, records: torch.Tensor, pack_class: torch.Tensor) -> torch.Tensor:
        packs = records.reshape(len(pack_class), -1)
        return self.discriminator(torch.cat([packs, self.condition[pack_class]], dim=1))

    def _input(self, classes: torch.Tensor) -> torch.Tensor:
        noise = torch.randn(len(classes), self.settings.noise, generator=self.rng)
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


# The loss of pairs -------------------------------------------------------------------------------


class ClassMoments:
    """First and second moments of the one-hot table within each class, as a loss.

    Every code is centred and scaled by what it is in the real class, so that the second moments are correlations and a
    rare level counts as much as a common one. They are taken on the generator's probabilities: columns are independent
    given noise and condition, so that the product of two probabilities is exactly how often the two levels come
    together, without the noise of drawing them. A running average stands in for the whole generated table.
    """

    def __init__(self, columns: "OneHot", codes: torch.Tensor, classes: torch.Tensor, n_classes: int):
        self.gather, owner = _moment_entries(columns)
        n_entries = len(owner)
        # many classes or a wide table: moments over all classes at once, to bound memory
        few = n_classes <= _MOST_CLASSES and n_classes * n_entries**2 <= _MOST_FLOATS
        self.n_groups = n_classes if few else 1
        self.across = (owner[:, None] != owner[None]).float()
        mean, second = torch.zeros(self.n_groups, n_entries), torch.zeros(self.n_groups, n_entries, n_entries)
        for group in range(self.n_groups):
            rows = codes[classes == group] if self.n_groups > 1 else codes
            for part in rows.split(4096):
                entries = self._entries(columns.encode(part))
                mean[group] += entries.sum(0) / len(rows)
                second[group] += entries.T @ entries / len(rows)
        self.mean, self.scale = mean, 1 / torch.sqrt(mean * (1 - mean) + 1e-3)
        centred = second - mean[:, :, None] * mean[:, None, :]
        self.target = centred * self.scale[:, :, None] * self.scale[:, None, :] * self.across
        self.second, self.first = self.target.clone(), torch.zeros_like(mean)

    def _entries(self, one_hot: torch.Tensor) -> torch.Tensor:
        return one_hot if self.gather is None else one_hot @ self.gather

    def loss(self, probabilities: torch.Tensor, classes: torch.Tensor, keep: float) -> torch.Tensor:
        """Squared distance from the real moments; `keep`, 0 to 1, is how much of the running average stays."""
        total = torch.zeros(())
        for group in classes.unique().tolist() if self.n_groups > 1 else [0]:
            rows = probabilities[classes == group] if self.n_groups > 1 else probabilities
            z = (self._entries(rows) - self.mean[group]) * self.scale[group]
            first, second = z.mean(0), z.T @ z / len(z)
            with torch.no_grad():
                self.first[group].mul_(keep).add_(first, alpha=1 - keep)
                self.second[group].mul_(keep).add_(second * self.across, alpha=1 - keep)
                pull_first, pull_second = self.first[group].clone(), self.second[group] - self.target[group]
            share = len(rows) / len(probabilities)
            # the gradient of the squared distance, through this batch alone
            total = total + share * ((second * pull_second).sum() + 2 * (first * pull_first).sum())
        return total


def _moment_entries(columns: "OneHot") -> tuple[torch.Tensor | None, torch.Tensor]:
    """Which codes share an entry of the moment matrix, and the column each entry belongs to."""
    if columns.n_codes <= _LIMIT:
        return None, columns.of_code
    most = max(2, _LIMIT // len(columns.sizes))
    entry, owner = [], []
    for column, size in enumerate(columns.sizes):
        shared = np.arange(size) * min(size, most) // size
        entry.append(len(owner) + shared)
        owner += [column] * (int(shared[-1]) + 1)
    return F.one_hot(torch.tensor(np.concatenate(entry)), len(owner)).float(), torch.tensor(owner)


# One-hot records ----------------------------------------------------------------------------------


class OneHot:
    """Where each column's codes stand in a one-hot record, and softmax and draws column by column."""

    def __init__(self, sizes: list[int]):
        self.sizes = sizes
        self.n_codes = sum(sizes)
        self.rows_at_once = max(1, min(_MOST_ROWS, _MOST_ONE_HOT // max(1, self.n_codes)))
        self.first = torch.tensor(np.cumsum([0, *sizes])[:-1])
        self.of_code = torch.tensor(np.repeat(np.arange(len(sizes)), sizes))
        self.membership = F.one_hot(self.of_code, max(1, len(sizes))).float()  # there may be no column

    def encode(self, codes: torch.Tensor) -> torch.Tensor:
        """Codes, int, shape (n, n_columns), to zeros and ones, float, shape (n, n_codes)."""
        return torch.zeros(len(codes), self.n_codes).scatter_(1, codes.long() + self.first, 1.0)

    def shares(self, codes: torch.Tensor) -> torch.Tensor:
        """How often each code occurs in its column, 0 to 1, shape (n_codes,)."""
        counts = torch.bincount((codes.long() + self.first).flatten(), minlength=self.n_codes)
        return counts / len(codes)

    def _largest(self, values: torch.Tensor) -> torch.Tensor:
        lowest = torch.full((len(values), len(self.sizes)), -torch.inf)
        index = self.of_code.expand(len(values), -1)
        return lowest.scatter_reduce(1, index, values.detach(), "amax")[:, self.of_code]

    def softmax(self, logits: torch.Tensor) -> torch.Tensor:
        """Probabilities that sum to one within each column, same shape."""
        powers = torch.exp(logits - self._largest(logits))
        return powers / ((powers @ self.membership) @ self.membership.T)

    def draw(self, logits: torch.Tensor, temperature: float, rng: torch.Generator) -> torch.Tensor:
        """One-hot draws whose gradient is that of the softened draw (straight-through Gumbel)."""
        noisy = logits + _gumbel(logits.shape, rng)
        soft = self.softmax(noisy / temperature)
        hard = (noisy.detach() == self._largest(noisy)).float()
        return hard + soft - soft.detach()

    def draw_codes(self, logits: torch.Tensor, rng: torch.Generator) -> np.ndarray:
        """Codes drawn from the logits, int64, shape (n, n_columns)."""
        noisy = logits.add_(_gumbel(logits.shape, rng))
        return np.column_stack([part.argmax(1).numpy() for part in noisy.split(self.sizes, dim=1)])


def _gumbel(shape: torch.Size, rng: torch.Generator) -> torch.Tensor:
    return -torch.log(-torch.log(torch.rand(shape, generator=rng).clamp_(1e-7, 1 - 1e-7)))
