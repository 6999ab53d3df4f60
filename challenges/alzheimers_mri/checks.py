"""The five exercises: planted pictures and maps, and the checks of what answers make of them."""

import numpy as np
import pandas as pd
import torch
from scipy.ndimage import uniform_filter

from shd import Dataset
from shd.hackathon import Exercise, array, number, several, table

_EXACT = 1e-6
CLASSES = ["non-demented", "very mild", "mild", "moderate"]


# --- 1: split by person

split = Exercise(
    "split",
    1,
    visible_points=1,
    hidden_points=1,
    returns=several(("the train part", table()), ("the test part", table())),
    hints=(
        "Whose picture is it? No person may be in both parts, whatever their slices are.",
        "A Dataset knows whose its pictures are: data.split keeps them together.",
        "return data.split(test_size=0.2, random_state=0)",
    ),
)


@split.planted
def few_people(seed: int) -> tuple[Dataset]:
    """Four slices of each of forty to sixty people, in an order that tells nothing."""
    rng = np.random.default_rng([1, seed])
    people = int(rng.integers(40, 60))
    rows = rng.permutation(4 * people)
    classes = rng.choice(CLASSES[:3], people)[rows // 4]
    frame = pd.DataFrame({"class": pd.Categorical(classes, CLASSES, ordered=True), "slice": rows % 4, "picture": rows})
    images = rng.integers(0, 256, (len(rows), 8, 8), dtype=np.uint8)
    return (Dataset(frame, target="class", subjects=500 + rows // 4, images=images, source="stand-in"),)


@split.visible
def nobody_is_in_both(parts: list[pd.DataFrame], data: Dataset) -> str | None:
    """Nobody in both parts, nothing lost, a fifth of the people to test on."""
    train, test = parts
    if not {"subject", "picture"} <= set(train) & set(test):
        return "Return two Datasets, as data.split does: they say whose the pictures are."
    both = set(train["subject"]) & set(test["subject"])
    if both:
        return f"{len(both)} of {len(np.unique(data.subjects))} people are in both parts."
    lost = set(data.frame["picture"]) - set(train["picture"]) - set(test["picture"])
    if lost:
        return f"Nobody is in both parts, but {len(lost)} pictures are in neither."
    share = test["subject"].nunique() / len(np.unique(data.subjects))
    if share > 0.5:
        return "The two are the wrong way round: the train part comes first, and is the larger one."
    return None if 0.1 <= share <= 0.3 else f"{share:.0%} of the people are in the test part; about a fifth is wanted."


# --- 2: TSTR

tstr = Exercise(
    "tstr",
    2,
    visible_points=1,
    hidden_points=2,
    returns=number(0, 1),
    hints=(
        "T-S-T-R: trained on which pictures, tested on whom?",
        "fit takes the pictures to learn from; by_person takes the network and the pictures to test on.",
        "return auroc(by_person(fit(...), ...)): put in the two Datasets that the letters name.",
    ),
)


class _Noted:
    """Stands for pictures, and for a network that learned from them: says what it is."""

    def __init__(self, name: str):
        self.name = name


@tstr.planted
def stand_ins(seed: int) -> tuple:
    """Functions that only note what they are given: the number says which pictures went where."""
    rng = np.random.default_rng([2, seed])
    names = ("train", "synthetic", "test")
    known = {(one, other): rng.random() for one in names for other in names}

    def fit(pictures: _Noted) -> _Noted:
        return _Noted(pictures.name)

    def by_person(network: _Noted, pictures: _Noted) -> tuple[str, str]:
        return network.name, pictures.name

    def auroc(people: tuple[str, str]) -> float:
        return known[people]

    return *map(_Noted, names), fit, by_person, auroc


@tstr.visible
def learned_from_synthetic_tested_on_test(found: float, train, synthetic, test, fit, by_person, auroc) -> str | None:
    """Of nine numbers, the one of pictures that are synthetic and people who are held out."""
    for learned in (train, synthetic, test):
        for tested in (train, synthetic, test):
            if abs(found - auroc(by_person(fit(learned), tested))) < _EXACT:
                right = (learned.name, tested.name) == ("synthetic", "test")
                return None if right else f"It learned from `{learned.name}` and was tested on `{tested.name}`."
    return f"{found:.4f} is no AUROC of a network that `fit` returned, on pictures that were given."


# --- 3: Grad-CAM

grad_cam = Exercise(
    "grad_cam",
    3,
    visible_points=1,
    hidden_points=2,
    returns=array(3),
    hints=(
        "One weight a map: what does raising the whole map do to the score?",
        "Average the slopes over axes 2 and 3 with keepdim=True, multiply the maps, sum over axis 1, drop negatives.",
        "weights = slopes.mean((2, 3), keepdim=True), then functional.relu((weights * maps).sum(1)).",
    ),
)


@grad_cam.planted
def maps_and_slopes(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """As many maps as they are wide: whoever forgets keepdim multiplies all the same, by something else."""
    rng = np.random.default_rng([3, seed])
    shape = (2, 4, 4, 4) if seed % 2 else (4, 4, 4, 4)
    return tuple(torch.as_tensor(rng.normal(size=shape)) for _ in range(2))


@grad_cam.visible
def by_hand(found: np.ndarray, maps: torch.Tensor, slopes: torch.Tensor) -> str | None:
    """The usual mistakes have values of their own."""
    raw = np.einsum("nkhw,nk->nhw", maps.numpy(), slopes.numpy().mean(axis=(2, 3)))
    mistakes = {
        "What speaks against dementia is to be 0: functional.relu does it.": raw,
        "Each map has one weight, the mean of its slopes over its fields.": (slopes * maps).sum(1).clamp(min=0).numpy(),
        "Sum over the maps first, and set what is negative to 0 afterwards.": (
            (slopes.mean((2, 3), keepdim=True) * maps).clamp(min=0).sum(1).numpy()
        ),
        "The weights have lost two axes: mean(..., keepdim=True) keeps them.": (
            (slopes.mean((2, 3)) * maps).sum(1).clamp(min=0).numpy()
            if len(maps) == maps.shape[1]
            else -np.ones(raw.shape)
        ),
    }
    if found.shape != raw.shape:
        return f"The shape is {found.shape}; it should be (n, height, width). Sum over the maps, axis 1."
    if np.allclose(found, raw.clip(min=0), rtol=0, atol=_EXACT):
        return None
    near = (said for said, value in mistakes.items() if np.allclose(found, value, rtol=0, atol=_EXACT))
    return next(near, f"{np.mean(np.abs(found - raw.clip(min=0)) > _EXACT):.0%} of the fields are not right.")


# --- 4: the grain

grain = Exercise(
    "grain",
    4,
    visible_points=1,
    hidden_points=2,
    returns=array(1),
    hints=(
        "Grain is what is left of a picture when its smooth version is taken away.",
        "Subtract smooth(images) from images, take the absolute value, and average over the axes 1 and 2.",
        "np.abs(images - smooth(images)).mean(axis=(1, 2))",
    ),
)


@grain.planted
def grainy_pictures(seed: int) -> tuple[np.ndarray]:
    """A flat picture, a slope, a chessboard and noise: their spread does not tell their grain."""
    rng = np.random.default_rng([4, seed])
    size = int(rng.integers(10, 20))
    slope = np.tile(np.linspace(0, 240, size), (size, 1))
    board = 100 + int(rng.integers(20, 100)) * (np.indices((size, size)).sum(axis=0) % 2)
    noise = rng.integers(0, 256, (size, size))
    return (np.stack([np.full((size, size), 90), slope, board, noise]).astype(np.uint8),)


@grain.visible
def by_its_name(found: np.ndarray, images: np.ndarray) -> str | None:
    """The usual mistakes have values of their own."""
    left = images - uniform_filter(images.astype(float), size=(1, 3, 3))
    mistakes = {
        "That is the standard deviation of the picture: a smooth slope has a large one, and no grain.": images.std(
            axis=(1, 2)
        ),
        "That is the standard deviation of what is left; its mean absolute value is wanted.": left.std(axis=(1, 2)),
        "What was added and taken away cancels: take the absolute value before the mean.": left.mean(axis=(1, 2)),
        "That is the sum; the mean over the pixels is wanted.": np.abs(left).sum(axis=(1, 2)),
    }
    if len(found) != len(images):
        return f"{len(found)} numbers for {len(images)} pictures: average over the axes 1 and 2."
    if np.allclose(found, np.abs(left).mean(axis=(1, 2)), rtol=0, atol=_EXACT):
        return None
    near = (said for said, value in mistakes.items() if np.allclose(found, value, rtol=0, atol=_EXACT))
    flat = f"A flat picture has no grain; yours has {found[0]:.2f}." if abs(found[0]) > _EXACT else ""
    return next(near, flat or "The grain of the slope, the chessboard or the noise is not right.")


# --- 5: nearer to train

share_nearer = Exercise(
    "share_nearer",
    5,
    visible_points=1,
    hidden_points=2,
    returns=number(0, 1),
    hints=(
        "Two distances a picture: to the nearest that was learned from, and to the nearest that was not.",
        "nearest(images, learned) returns distances, and which; compare them with those to held, and take the mean.",
        "(nearest(images, learned)[0] < nearest(images, held)[0]).mean()",
    ),
)


@share_nearer.planted
def copies_and_others(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pictures of which some are copies of people learned from, and some of people held out."""
    rng = np.random.default_rng([5, seed])
    blocks = rng.integers(0, 256, (12, 4, 4)).astype(np.uint8)
    people = blocks.repeat(32, axis=1).repeat(32, axis=2)  # 128 x 128, and no two alike
    learned, held = people[:7], people[7:]
    copied, strange = int(rng.integers(4, 7)), int(rng.integers(1, 4))
    return np.concatenate([learned[:copied], held[:strange]]), learned, held


@share_nearer.visible
def is_the_share_of_copies(found: float, images: np.ndarray, learned: np.ndarray, held: np.ndarray) -> str | None:
    """How many of the pictures are copies of people learned from is known."""
    copied = np.array([(learned == image).all(axis=(1, 2)).any() for image in images])
    if abs(found - copied.mean()) < _EXACT:
        return None
    if abs(found - (1 - copied.mean())) < _EXACT:
        return "The other way round. Count the pictures whose distance to learned is the smaller one."
    return f"{found:.4f} is not the share of pictures that are nearer to somebody learned from."
