"""The game of `ImageCGAN`, to be read from the top: two networks, one step, the losses, and JPEG.

All pictures are float32, (n, 1, height, width), 0 to 1. `ImageCGAN` names the papers, and says what each setting is.
"""

import copy
from types import SimpleNamespace

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from shd._processes import average_gradients, rank
from shd.synthesizers.image_base import Labels
from shd.synthesizers.slice_gaussian import SliceGaussian

_PENALTY_EVERY = 8  # steps between two gradient penalties: they cost a second backward pass
_SHIFT = 2  # pixels that pictures are moved by before they are judged, at most
_MARGIN, _BOUND = 0.05, 10.0  # pixels darker than black or brighter than white are called back
_COARSE = 8  # pixels a side of what counts as the coarse shape of a picture
_LEARNERS = ("generator", "discriminator", "average", "adam_g", "adam_d")

_NOISE, _NOISE_GRID = 8, 8  # channels of noise, and pixels a side of its grid: finer noise becomes speckle, not folds
_HIGH_PASS, _OFF_MEAN, _GROUND = 6.0, 2.0, 40.0  # bring what the discriminator is shown to one scale


# The two networks --------------------------------------------------------------------------------


class _Block(nn.Module):
    """Residual block of two 3 x 3 convolutions; class and slice scale and shift the first (Perez et al. 2018, FiLM)."""

    def __init__(self, n_in: int, n_out: int, n_condition: int = 0):
        super().__init__()
        self.first, self.second = nn.Conv2d(n_in, n_out, 3, padding=1), nn.Conv2d(n_out, n_out, 3, padding=1)
        self.skip = nn.Conv2d(n_in, n_out, 1) if n_in != n_out else nn.Identity()
        self.condition = nn.Linear(n_condition, 2 * n_out) if n_condition else None
        for layer in (self.first, self.second):  # PyTorch's default starts so small that nothing is learned
            nn.init.kaiming_normal_(layer.weight, 0.2)
            nn.init.zeros_(layer.bias)
        self.second.weight.data.mul_(0.3)

    def forward(self, h: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
        inner = self.first(h)
        if self.condition is not None:
            scale, shift = self.condition(condition)[:, :, None, None].chunk(2, dim=1)
            inner = inner * (1 + scale) + shift
        return F.leaky_relu(self.skip(h) + self.second(F.leaky_relu(inner, 0.2)), 0.2)


class Refiner(nn.Module):
    """U-Net from a blurred picture, the mean picture, noise, class and slice to a picture.

    Ronneberger, Fischer, Brox 2015, *U-Net*. It works on a grid of half the size, where four
    neighbouring pixels are four channels: four times cheaper, and nothing is lost.
    """

    def __init__(self, n_classes: int, n_levels: int, width: int):
        super().__init__()
        one, two, three = width, 2 * width, 3 * width
        self.of_class, self.of_level = nn.Embedding(n_classes, width), nn.Embedding(n_levels, width)
        self.enter = nn.Conv2d(8 + _NOISE, one, 3, padding=1)
        self.down = nn.ModuleList([_Block(one, one, width), _Block(one, two, width), _Block(two, three, width)])
        self.bottom = _Block(three, three, width)
        self.up = nn.ModuleList([_Block(three + two, two, width), _Block(two + one, one, width)])
        self.leave = nn.Conv2d(one, 4, 3, padding=1)
        nn.init.kaiming_normal_(self.enter.weight, 0.2)
        nn.init.normal_(self.leave.weight, std=0.01)  # begin with the blurred picture as it is
        nn.init.zeros_(self.leave.bias)

    def forward(self, blurred, mean, noise, classes, levels) -> torch.Tensor:
        """Blurred and mean, 0 to 1, (n, 1, h, w); noise (n, 8, h/8, w/8); classes, levels int (n,) to (n, 1, h, w)."""
        condition = self.of_class(classes) + self.of_level(levels)
        h = F.pixel_unshuffle(2 * torch.cat([blurred, mean], dim=1) - 1, 2)
        noise = F.interpolate(noise, size=h.shape[2:], mode="bilinear")
        h = self.down[0](F.leaky_relu(self.enter(torch.cat([h, noise], dim=1)), 0.2), condition)
        half = self.down[1](F.avg_pool2d(h, 2), condition)
        quarter = self.bottom(self.down[2](F.avg_pool2d(half, 2), condition), condition)
        half = self.up[0](torch.cat([F.interpolate(quarter, scale_factor=2), half], dim=1), condition)
        h = self.up[1](torch.cat([F.interpolate(half, scale_factor=2), h], dim=1), condition)
        return blurred + F.pixel_shuffle(self.leave(h), 2).float()

    def draw_noise(self, n: int, height: int, width: int, rng: torch.Generator, device: torch.device) -> torch.Tensor:
        """Noise for n pictures; drawn on the CPU, so that the same seed gives the same on every device."""
        return torch.randn(n, _NOISE, height // _NOISE_GRID, width // _NOISE_GRID, generator=rng).to(device)


class Judge(nn.Module):
    """Discriminator: how real is each picture, and how real are `pack` pictures of a class and slice together.

    It is shown the picture, what differs from the mean, its finest structure, and its background:
    exact zeros and fine grain are what gives generated pictures away first.
    """

    def __init__(self, n_classes: int, n_levels: int, width: int, pack: int):
        super().__init__()
        widths, self.pack = [width, 2 * width, 3 * width, 4 * width], pack
        last = widths[-1]
        self.of_class, self.of_level = nn.Embedding(n_classes, last), nn.Embedding(n_levels, last)
        self.enter = nn.Conv2d(16, width, 3, padding=1)
        nn.init.kaiming_normal_(self.enter.weight, 0.2)
        pairs = zip([width, *widths[:-1]], widths, strict=True)
        self.blocks = nn.ModuleList([_Block(n_in, n_out) for n_in, n_out in pairs])
        self.alone = nn.Linear(last, 1)
        self.together = nn.Sequential(nn.Linear(pack * last, last), nn.LeakyReLU(0.2), nn.Linear(last, 1))
        binomial = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
        self.register_buffer("blur", torch.outer(binomial, binomial)[None, None], persistent=False)

    def forward(self, pictures, mean, classes, levels) -> tuple[torch.Tensor, torch.Tensor]:
        """Pictures and mean, (n, 1, h, w), packs in a row; return scores (n,) and (n / pack,)."""
        fine = pictures - F.conv2d(pictures, self.blur, padding=2)
        ground = torch.exp(-_GROUND * pictures.clamp(min=0))
        shown = [2 * pictures - 1, _OFF_MEAN * (pictures - mean), _HIGH_PASS * fine, ground]
        h = F.leaky_relu(self.enter(F.pixel_unshuffle(torch.cat(shown, dim=1), 2)), 0.2)
        for block in self.blocks:
            h = block(h)
            h = F.avg_pool2d(h, 2) if block is not self.blocks[-1] else h.mean(dim=(2, 3))
        wanted = self.of_class(classes) + self.of_level(levels)
        alone = self.alone(h)[:, 0] + (h * wanted).mean(dim=1)  # Miyato and Koyama 2018: projection
        return alone.float(), self.together(h.reshape(len(h) // self.pack, -1))[:, 0].float()


# The game ----------------------------------------------------------------------------------------


class ImageGame:
    """The two players, what they play with, and one step of the game.

    `settings` are the parameters of `ImageCGAN` by their names, `n_classes`, `n_levels` and the `seed`. `images` are
    uint8 (n, height, width), their classes as the networks know them: see `ImageCGAN.class_of_`.
    """

    def __init__(
        self, settings: SimpleNamespace, start: SliceGaussian, images: np.ndarray, labels: Labels, device: str
    ):
        self.settings, self.start, self.device = settings, start, torch.device(device)
        self._seed(0)
        self.images, self.projected = images, start.project(images, labels)
        classes, levels = labels
        self.rows = {
            (int(c), int(k)): np.flatnonzero((classes == c) & (levels == k))
            for c, k in np.unique(np.stack([classes, levels], axis=1), axis=0)
        }
        self.groups = np.array(list(self.rows))
        weight = np.sqrt(np.bincount(classes))[self.groups[:, 0]]  # rare classes come more often than they occur
        self.weight = weight / weight.sum()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            sizes = settings.n_classes, settings.n_levels, settings.width
            self.generator = self._place(Refiner(*sizes))
            self.discriminator = self._place(Judge(*sizes, settings.pack))
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        self.adam_g = torch.optim.Adam(self.generator.parameters(), betas=(0.0, 0.99), fused=True)
        self.adam_d = torch.optim.Adam(self.discriminator.parameters(), betas=(0.0, 0.99), fused=True)
        self.step_ = 0

    def _seed(self, step: int) -> None:
        """Begin the draws of this process: every one plays with pictures of its own."""
        self.rng = np.random.default_rng([self.settings.seed, rank(), step])
        self.noise_rng = torch.Generator().manual_seed(self.settings.seed + rank() + 1000 * step)

    def _place(self, net: nn.Module) -> nn.Module:
        return net.to(self.device, memory_format=torch.channels_last)

    def step(self) -> None:
        """Let both players learn once, from packs of real and generated pictures of the same class and slice."""
        settings = self.settings
        rate = settings.learning_rate * min(1.0, (settings.steps - self.step_) / (0.4 * settings.steps))
        for adam in (self.adam_g, self.adam_d):
            adam.param_groups[0]["lr"] = max(rate, 0.01 * settings.learning_rate)
        real, blurred, mean, wanted, classes, levels = self._deal()
        drawn = self._generate(blurred, mean, classes, levels)
        inside = drawn.clamp(-_MARGIN, 1 + _MARGIN)
        stored = inside
        if settings.jpeg_quality:  # judged as it would be stored; the gradient goes through as if that changed nothing
            stored = inside + (as_stored(drawn, settings.jpeg_quality) - inside).detach()
        shown_real, shown_fake, shown_mean = self._move(real, stored, mean)
        self._discriminator_step(shown_real, shown_fake.detach(), shown_mean, classes, levels)

        self.discriminator.requires_grad_(False)
        with torch.no_grad():
            judged_real = self._judge(shown_real, shown_mean, classes, levels)
        judged_fake = self._judge(shown_fake, shown_mean, classes, levels)
        loss = _relativistic(judged_fake, judged_real)
        half = len(wanted)  # the first half began from real pictures, and has something to come back to
        loss = loss + settings.likeness_weight * (drawn[:half] - wanted).abs().mean()
        coarse = (F.avg_pool2d(drawn, _COARSE) - F.avg_pool2d(blurred, _COARSE))[half:]
        loss = loss + settings.shape_weight * coarse.abs().mean() + _BOUND * (drawn - drawn.clamp(0, 1)).square().mean()
        self.adam_g.zero_grad()
        loss.backward()
        average_gradients(self.generator)
        self.adam_g.step()
        self.discriminator.requires_grad_(True)
        self.step_ += 1
        keep = min(settings.average, (1 + self.step_) / (10 + self.step_))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.generator.parameters()), 1 - keep)

    def _deal(self) -> tuple[torch.Tensor, ...]:
        """Return real, blurred and mean pictures, what half of them began from, classes and levels.

        Blurred pictures of the first half are real ones as the statistical sampler sees them, those
        of the second half are drawn from it.
        """
        n_packs, pack = self.settings.batch // self.settings.pack, self.settings.pack
        chosen = self.groups[self.rng.choice(len(self.groups), n_packs, p=self.weight)]
        classes, levels = chosen.repeat(pack, axis=0).T
        real = np.concatenate([self._pick(tuple(group)) for group in chosen])
        half = (n_packs + 1) // 2 * pack
        begun = np.concatenate([self._pick(tuple(group)) for group in chosen[: (n_packs + 1) // 2]])
        drawn = self.start.blurred(
            self.start.normals(len(real) - half, self.rng), Labels(classes[half:], levels[half:])
        )
        pictures = [
            self.images[real] / np.float32(255),
            np.concatenate([self.projected[begun] / np.float32(255), drawn]),
            self.start.mean_[classes, levels],
            self.images[begun] / np.float32(255),
        ]
        flip = self.rng.random(n_packs).repeat(pack) < 0.5  # a mirrored brain is another plausible one
        for k, of in enumerate([flip, flip, flip, flip[:half]]):
            pictures[k] = np.where(of[:, None, None], pictures[k][:, :, ::-1], pictures[k])
        tensors = [torch.from_numpy(p.astype(np.float32))[:, None].to(self.device) for p in pictures]
        return *tensors, torch.tensor(classes, device=self.device), torch.tensor(levels, device=self.device)

    def _pick(self, group: tuple[int, int]) -> np.ndarray:
        rows = self.rows[group]
        return self.rng.choice(rows, self.settings.pack, replace=len(rows) < self.settings.pack)

    def _generate(self, blurred, mean, classes, levels) -> torch.Tensor:
        noise = self.generator.draw_noise(len(blurred), *blurred.shape[2:], self.noise_rng, self.device)
        with halved(self.settings.precision, self.device):
            return self.generator(blurred, mean, noise, classes, levels)

    def _move(self, *pictures: torch.Tensor) -> list[torch.Tensor]:
        """Shift all by the same few pixels: people's heads do not lie alike."""
        down, right = self.rng.integers(-_SHIFT, _SHIFT + 1, 2).tolist()
        return [F.pad(p, (right, -right, down, -down)) for p in pictures]

    def _judge(self, pictures, mean, classes, levels) -> torch.Tensor:
        """Scores of all pictures alone, and of all packs, one after the other."""
        with halved(self.settings.precision, self.device):
            return torch.cat(self.discriminator(pictures, mean, classes, levels))

    def _discriminator_step(self, real, fake, mean, classes, levels) -> None:
        penalised = self.step_ % _PENALTY_EVERY == 0
        real, fake = real.requires_grad_(penalised), fake.requires_grad_(penalised)
        judged_real, judged_fake = (self._judge(p, mean, classes, levels) for p in (real, fake))
        loss = _relativistic(judged_real, judged_fake)
        if penalised:  # R1 and R2: flat around real and around generated pictures
            slopes = torch.autograd.grad((judged_real + judged_fake).sum(), [real, fake], create_graph=True)
            loss = loss + self.settings.gradient_penalty * sum(s.square().sum() for s in slopes) / len(real)
        self.adam_d.zero_grad()
        loss.backward()
        average_gradients(self.discriminator)
        self.adam_d.step()

    def state(self) -> dict:
        """Everything needed to go on as if nothing had happened."""
        learners = {name: getattr(self, name).state_dict() for name in _LEARNERS}
        draws = {"rng": self.rng.bit_generator.state, "noise": self.noise_rng.get_state()}
        return {**learners, **draws, "step": self.step_}

    def resume(self, state: dict) -> None:
        """Undo `state`."""
        for name in _LEARNERS:
            getattr(self, name).load_state_dict(state[name])
        self.step_ = state["step"]
        if rank() == 0:
            self.rng.bit_generator.state = state["rng"]
            self.noise_rng.set_state(state["noise"])
        else:  # the state is that of the first process
            self._seed(self.step_)


def _relativistic(winner: torch.Tensor, loser: torch.Tensor) -> torch.Tensor:
    """Loss of who wants `winner` to be judged more real than `loser` (Jolicoeur-Martineau 2018)."""
    return F.softplus(loser - winner).mean()


def halved(precision: str, device: torch.device) -> torch.autocast:
    """Return a context in which networks work in bfloat16, if that is wanted and of use.

    Open it for each pass: held around a whole loop it would keep the first weights for ever.
    """
    if precision == "auto":
        known = torch.cpu.get_capabilities()
        of_use = device.type == "cuda" or any(known.get(name) for name in ("avx512_bf16", "amx_bf16"))
        precision = "bfloat16" if of_use else "float32"
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")


# What storing a picture as JPEG does to it ---------------------------------------------------------
#
# Real pictures often came as JPEG files, and carry its traces: a detector tells pictures without them at once, for a
# reason that has nothing to do with medicine. So generated pictures go through the same rounding before anybody judges
# them: ITU-T T.81 (1992), Digital compression and coding of continuous-tone still images, sections A.3 and K.1.

# luminance quantization of section K.1, by rows
_TABLE = [
    [16, 11, 10, 16, 24, 40, 51, 61],
    [12, 12, 14, 19, 26, 58, 60, 55],
    [14, 13, 16, 24, 40, 57, 69, 56],
    [14, 17, 22, 29, 51, 87, 80, 62],
    [18, 22, 37, 56, 68, 109, 103, 77],
    [24, 35, 55, 64, 81, 104, 113, 92],
    [49, 64, 78, 87, 103, 121, 120, 101],
    [72, 92, 95, 98, 112, 100, 103, 99],
]


def quantization(quality: int) -> torch.Tensor:
    """Return the steps that coefficients are rounded to, shape (8, 8), at a quality of 1 to 100 (as libjpeg scales)."""
    scale = 5000 / quality if quality < 50 else 200 - 2 * quality
    return ((torch.tensor(_TABLE) * scale + 50) / 100).floor().clamp(1, 255)


def _cosines() -> torch.Tensor:
    k, i = np.mgrid[:8, :8]
    waves = np.cos((2 * i + 1) * k * np.pi / 16) / 2
    waves[0] /= np.sqrt(2)
    return torch.tensor(waves, dtype=torch.float32)


@torch.no_grad()
def as_stored(pixels: torch.Tensor, quality: int) -> torch.Tensor:
    """Round pictures as a JPEG file does."""
    waves, steps = _cosines(), quantization(quality)[:, None]
    n, _, height, width = pixels.shape
    levels = (pixels.clamp(0, 1) * 255).round() - 128
    blocks = levels.reshape(n, height // 8, 8, width // 8, 8)
    coefficients = torch.einsum("ki,nhiwj,lj->nhkwl", waves, blocks, waves)
    coefficients = (coefficients / steps).round() * steps
    blocks = torch.einsum("ki,nhkwl,lj->nhiwj", waves, coefficients, waves)
    return ((blocks.reshape(pixels.shape) + 128).round().clamp(0, 255)) / 255
