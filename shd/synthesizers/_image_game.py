"""The adversarial game of `ImageCGAN`: what is played with, the losses, and one step of play."""

import copy
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from shd._processes import average_gradients, rank
from shd.synthesizers._image_nets import Judge, Refiner
from shd.synthesizers._jpeg import as_stored

if TYPE_CHECKING:
    from shd.synthesizers.image_cgan import ImageCGAN

_PENALTY_EVERY = 8  # steps between two gradient penalties: they cost a second backward pass
_SHIFT = 2  # pixels that pictures are moved by before they are judged, at most
_MARGIN, _BOUND = 0.05, 10.0  # pixels darker than black or brighter than white are called back
_COARSE = 8  # pixels a side of what counts as the coarse shape of a picture
_LEARNERS = ("generator", "discriminator", "average", "adam_g", "adam_d")


class ImageGame:
    """The two players, what they play with, and one step of the game.

    Parameters
    ----------
    model : ImageCGAN
        Its parameters, and its fitted `start_`.
    images : ndarray of uint8, shape (n, height, width)
    classes, levels : ndarray of int, shape (n,)
        Classes as the networks know them: see `ImageCGAN.class_of_`.
    """

    def __init__(self, model: "ImageCGAN", images: np.ndarray, classes: np.ndarray, levels: np.ndarray):
        self.model, self.device = model, torch.device(model.device_)
        self._seed(0)
        self.images, self.classes, self.levels = images, classes, levels
        self.projected = model.start_.project(images, classes, levels)
        self.rows = {
            (int(c), int(k)): np.flatnonzero((classes == c) & (levels == k))
            for c, k in np.unique(np.stack([classes, levels], axis=1), axis=0)
        }
        self.groups = np.array(list(self.rows))
        weight = np.sqrt(np.bincount(classes))[self.groups[:, 0]]  # rare classes come more often than they occur
        self.weight = weight / weight.sum()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(model.seed_)
            sizes = model.n_classes_, model.n_levels_, model.width
            self.generator = self._place(Refiner(*sizes))
            self.discriminator = self._place(Judge(*sizes, model.pack))
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        self.adam_g = torch.optim.Adam(self.generator.parameters(), betas=(0.0, 0.99), fused=True)
        self.adam_d = torch.optim.Adam(self.discriminator.parameters(), betas=(0.0, 0.99), fused=True)
        self.step_ = 0

    def _seed(self, step: int) -> None:
        """Begin the draws of this process: every one plays with pictures of its own."""
        self.rng = np.random.default_rng([self.model.seed_, rank(), step])
        self.noise_rng = torch.Generator().manual_seed(self.model.seed_ + rank() + 1000 * step)

    def _place(self, net: nn.Module) -> nn.Module:
        return net.to(self.device, memory_format=torch.channels_last)

    def step(self) -> None:
        """Let both players learn once, from packs of real and generated pictures of the same class and slice."""
        model = self.model
        rate = model.learning_rate * min(1.0, (model.steps - self.step_) / (0.4 * model.steps))
        for adam in (self.adam_g, self.adam_d):
            adam.param_groups[0]["lr"] = max(rate, 0.01 * model.learning_rate)
        real, blurred, mean, wanted, classes, levels = self._deal()
        drawn = self._generate(blurred, mean, classes, levels)
        inside = drawn.clamp(-_MARGIN, 1 + _MARGIN)
        stored = inside
        if model.jpeg_quality:  # judged as it would be stored; the gradient goes through as if that changed nothing
            stored = inside + (as_stored(drawn, model.jpeg_quality) - inside).detach()
        shown_real, shown_fake, shown_mean = self._move(real, stored, mean)
        self._discriminator_step(shown_real, shown_fake.detach(), shown_mean, classes, levels)

        self.discriminator.requires_grad_(False)
        with torch.no_grad():
            judged_real = self._judge(shown_real, shown_mean, classes, levels)
        judged_fake = self._judge(shown_fake, shown_mean, classes, levels)
        loss = _relativistic(judged_fake, judged_real)
        half = len(wanted)  # the first half began from real pictures, and has something to come back to
        loss = loss + model.likeness_weight * (drawn[:half] - wanted).abs().mean()
        coarse = (F.avg_pool2d(drawn, _COARSE) - F.avg_pool2d(blurred, _COARSE))[half:]
        loss = loss + model.shape_weight * coarse.abs().mean() + _BOUND * (drawn - drawn.clamp(0, 1)).square().mean()
        self.adam_g.zero_grad()
        loss.backward()
        average_gradients(self.generator)
        self.adam_g.step()
        self.discriminator.requires_grad_(True)
        self.step_ += 1
        keep = min(model.average, (1 + self.step_) / (10 + self.step_))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.generator.parameters()), 1 - keep)

    def _deal(self) -> tuple[torch.Tensor, ...]:
        """Return real, blurred and mean pictures, what half of them began from, classes and levels.

        Blurred pictures of the first half are real ones as the statistical sampler sees them, those
        of the second half are drawn from it.
        """
        n_packs, pack = self.model.batch // self.model.pack, self.model.pack
        chosen = self.groups[self.rng.choice(len(self.groups), n_packs, p=self.weight)]
        classes, levels = chosen.repeat(pack, axis=0).T
        real = np.concatenate([self._pick(tuple(group)) for group in chosen])
        half = (n_packs + 1) // 2 * pack
        begun = np.concatenate([self._pick(tuple(group)) for group in chosen[: (n_packs + 1) // 2]])
        start = self.model.start_
        drawn = start.blurred(start.normals(len(real) - half, self.rng), classes[half:], levels[half:])
        pictures = [
            self.images[real] / np.float32(255),
            np.concatenate([self.projected[begun] / np.float32(255), drawn]),
            start.mean_[classes, levels],
            self.images[begun] / np.float32(255),
        ]
        flip = self.rng.random(n_packs).repeat(pack) < 0.5  # a mirrored brain is another plausible one
        for k, of in enumerate([flip, flip, flip, flip[:half]]):
            pictures[k] = np.where(of[:, None, None], pictures[k][:, :, ::-1], pictures[k])
        tensors = [torch.from_numpy(p.astype(np.float32))[:, None].to(self.device) for p in pictures]
        return *tensors, torch.tensor(classes, device=self.device), torch.tensor(levels, device=self.device)

    def _pick(self, group: tuple[int, int]) -> np.ndarray:
        rows = self.rows[group]
        return self.rng.choice(rows, self.model.pack, replace=len(rows) < self.model.pack)

    def _generate(self, blurred, mean, classes, levels) -> torch.Tensor:
        noise = self.generator.draw_noise(len(blurred), *blurred.shape[2:], self.noise_rng, self.device)
        with halved(self.model.precision, self.device):
            return self.generator(blurred, mean, noise, classes, levels)

    def _move(self, *pictures: torch.Tensor) -> list[torch.Tensor]:
        """Shift all by the same few pixels: people's heads do not lie alike."""
        down, right = self.rng.integers(-_SHIFT, _SHIFT + 1, 2).tolist()
        return [F.pad(p, (right, -right, down, -down)) for p in pictures]

    def _judge(self, pictures, mean, classes, levels) -> torch.Tensor:
        """Scores of all pictures alone, and of all packs, one after the other."""
        with halved(self.model.precision, self.device):
            return torch.cat(self.discriminator(pictures, mean, classes, levels))

    def _discriminator_step(self, real, fake, mean, classes, levels) -> None:
        penalised = self.step_ % _PENALTY_EVERY == 0
        real, fake = real.requires_grad_(penalised), fake.requires_grad_(penalised)
        judged_real, judged_fake = (self._judge(p, mean, classes, levels) for p in (real, fake))
        loss = _relativistic(judged_real, judged_fake)
        if penalised:  # R1 and R2: flat around real and around generated pictures
            slopes = torch.autograd.grad((judged_real + judged_fake).sum(), [real, fake], create_graph=True)
            loss = loss + self.model.gradient_penalty * sum(s.square().sum() for s in slopes) / len(real)
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
