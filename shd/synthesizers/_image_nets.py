"""The two networks of `ImageCGAN`: one sharpens a blurred picture, one judges four pictures together."""

import torch
from torch import nn
from torch.nn import functional as F

_NOISE, _NOISE_GRID = 8, 8  # channels of noise, and pixels a side of its grid: finer noise becomes speckle, not folds
_HIGH_PASS, _OFF_MEAN, _GROUND = 6.0, 2.0, 40.0  # bring what the discriminator is shown to one scale


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
