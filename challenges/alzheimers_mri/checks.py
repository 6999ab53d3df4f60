"""What the check cells of the notebooks call. Each prints one line: right, or what to look at."""

from collections.abc import Callable

import numpy as np
import torch

from shd.dataset import Dataset


def split(train: Dataset, test: Dataset, data: Dataset) -> None:
    """Exercise 1: nobody is in both parts, nothing is lost, and the test is about a fifth of the people."""
    both = np.intersect1d(train.subjects, test.subjects)
    people, tested = len(np.unique(data.subjects)), len(np.unique(test.subjects))
    if len(both):
        print(
            f"Not yet. {len(both)} of {people} people are in both parts. data.split keeps a person's pictures together."
        )
    elif len(train) + len(test) != len(data):
        print(f"Nobody is in both parts, but {len(data) - len(train) - len(test):,} pictures are in neither.")
    elif not 0.1 <= tested / people <= 0.3:
        print(f"Nobody is in both parts, but {tested} of {people} people are in the test; take about a fifth.")
    else:
        print(f"Right. {tested} people are in the test, {people - tested} in train, nobody in both.")


def tstr(network: torch.nn.Module, answer: float | None, expected: float) -> None:
    """Exercise 2: a network that learned from synthetic pictures, and its AUROC on held-out people."""
    if network.source != "synthetic":
        print(f"Not yet. This network has learned from {network.source} pictures. fit takes synthetic.")
    elif answer is None:
        print("Half. The network is right. auroc takes what by_person(on_synthetic, test) returns.")
    elif abs(answer - expected) > 0.005:
        print(f"{answer:.3f} is not its AUROC on the people in test; that is {expected:.3f}.")
    else:
        print("Right. This is TSTR; the figure below sets it beside TRTR.")


def grad_cam(function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> None:
    """Exercise 3: two maps of 2 x 2 fields, whose sum can be worked out by hand."""
    maps = torch.tensor([[[[1.0, 0.0], [0.0, 2.0]], [[0.0, 0.0], [3.0, 2.0]]]])
    slopes = torch.tensor([[[[8.0, 0.0], [0.0, 0.0]], [[-1.0, -3.0], [0.0, 0.0]]]])  # mean 2 and -1
    sums = torch.tensor([[2.0, 0.0], [-3.0, 2.0]])
    found = torch.as_tensor(function(maps, slopes)).detach().float()
    if found.shape != (1, 2, 2):
        print(f"The shape is {tuple(found.shape)}; it should be (n, height, width). Sum over the maps, axis 1.")
    elif torch.allclose(found[0], sums.clamp(min=0)):
        print("Right.")
    elif not found.any():
        print("Not yet. Average the slopes over axes 2 and 3, multiply the maps by that, and sum over axis 1.")
    elif torch.allclose(found[0], sums):
        print("Nearly. What speaks against dementia is to be 0: functional.relu does it.")
    elif torch.allclose(found[0], (slopes * maps).sum(1).clamp(min=0)[0]):
        print("Nearly. Each map has one weight, the mean of its slopes over the 2 x 2 fields.")
    elif torch.allclose(found[0], (2 * maps[0, 0])):
        print("Nearly. Sum over the maps first, and set what is negative to 0 afterwards.")
    else:
        print(f"For two maps of 2 x 2 you give {found[0].tolist()}; it should be {sums.clamp(min=0).tolist()}.")


def grain(function: Callable[[np.ndarray], np.ndarray]) -> None:
    """Exercise 4: a flat picture has no grain, and a chessboard much."""
    board = 100 + 90 * (np.indices((15, 15)).sum(axis=0) % 2)
    found = np.asarray(function(np.stack([np.full((15, 15), 100), board]).astype(np.uint8)), dtype=float)
    if found.shape != (2,):
        print(f"For two pictures the shape is {found.shape}; it should be (2,). Average over the axes 1 and 2.")
    elif (abs(found) < 1e-6).all():  # what was added and taken away cancels
        print("Not yet. Subtract smooth(images) from images, and average the absolute value of what is left.")
    elif abs(found[0]) > 1e-6:
        print(f"A flat picture has no grain; yours has {found[0]:.1f}. Is smooth(images) subtracted?")
    elif not 35 < found[1] < 45:
        print(f"A chessboard of two greys, 90 apart, gives {found[1]:.1f}; about 40 was expected.")
    else:
        print("Right.")


def share_nearer(function: Callable[[np.ndarray, np.ndarray, np.ndarray], float]) -> None:
    """Exercise 5: of four pictures, three are copies of people learned from and one of a person held out."""
    rng = np.random.default_rng(0)
    blocks = rng.integers(0, 256, (8, 4, 4)).astype(np.uint8)
    people = blocks.repeat(32, axis=1).repeat(32, axis=2)  # 128 x 128, and no two alike
    learned, held = people[:4], people[4:]
    found = function(np.concatenate([learned[:3], held[:1]]), learned, held)
    try:
        found = float(found)
    except (TypeError, ValueError):
        print("One number is wanted, from 0 to 1. Compare the two distances, and take the mean.")
        return
    if np.isnan(found):
        print("Not yet. nearest(images, learned) returns distances, and which; nearest(images, held) as well.")
    elif found == 0.75:
        print("Right.")
    elif found == 0.25:
        print("The other way round. Count the pictures whose distance to learned is the smaller one.")
    elif found == 3:
        print("Nearly. That is how many; divide by the number of images.")
    else:
        print(f"Three of four pictures are copies from learned: the share is 0.75, and you give {found:.2f}.")
