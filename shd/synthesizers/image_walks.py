"""Walks to look at: what changes in a picture when one thing changes and all else stays.

>>> between_people(model, steps=8, condition={"class": "mild", "slice": 12})  # doctest: +SKIP
>>> through_classes(model, condition={"slice": 12}).images.shape  # doctest: +SKIP
(4, 128, 128)
"""

import numpy as np

from shd._errors import ShdError
from shd.dataset import Dataset
from shd.synthesizers.image_base import ImageSynthesizer


def between_people(
    model: ImageSynthesizer, steps: int = 8, condition: dict | None = None, random_state: int = 0
) -> Dataset:
    """Walk from one made-up person to another, in a class and slice.

    What makes people differ is a standard normal vector, so that the way leads along the arc between
    two of them: on the straight line the middle would look like nobody (White 2016, *Sampling
    Generative Networks*, arXiv 1609.04468).

    Parameters
    ----------
    model : ImageSynthesizer
        Fitted.
    steps : int
        Pictures on the way, both ends included.
    condition : dict, optional
        Class and slice, as for `sample`; drawn where they are not given.
    random_state : int
        Which two people.

    Returns
    -------
    Dataset
        `steps` pictures.

    Raises
    ------
    ShdError
        Where the model is not fitted, or the condition cannot be met.
    """
    if steps < 2:
        raise ShdError(f"steps={steps} must be 2 or more: a walk has two ends.")
    classes, levels = _asked(model, condition, random_state)
    first, last = model._sampler().normals(2, np.random.default_rng(random_state))
    share = np.linspace(0, 1, steps, dtype=np.float32)[:, None]
    return _show(model, _arc(first, last, share), classes.repeat(steps), levels.repeat(steps), random_state)


def through_classes(model: ImageSynthesizer, condition: dict | None = None, random_state: int = 0) -> Dataset:
    """Show one made-up person in every class, and so what the model thinks that the disease changes.

    Parameters
    ----------
    model : ImageSynthesizer
        Fitted.
    condition : dict, optional
        Which slice, as for `sample`; drawn where it is not given.
    random_state : int
        Which person.

    Returns
    -------
    Dataset
        One picture a class, in the order of the classes.

    Raises
    ------
    ShdError
        Where the model is not fitted, or the condition cannot be met.
    """
    _, levels = _asked(model, condition, random_state)
    classes = np.arange(model.n_classes_)
    return _show(model, _person(model, len(classes), random_state), classes, levels.repeat(len(classes)), random_state)


def through_slices(model: ImageSynthesizer, condition: dict | None = None, random_state: int = 0) -> Dataset:
    """Show one made-up person from the lowest slice to the highest; see `through_classes`.

    Returns
    -------
    Dataset
        One picture a slice.
    """
    classes, _ = _asked(model, condition, random_state)
    levels = np.arange(model.n_levels_)
    return _show(model, _person(model, len(levels), random_state), classes.repeat(len(levels)), levels, random_state)


def _asked(model: ImageSynthesizer, condition: dict | None, random_state: int) -> tuple[np.ndarray, np.ndarray]:
    """Return one class and one slice, int64 (1,) each."""
    model._check_fitted()
    codes = model.conditions_.draw(1, condition, model.encoder_, np.random.default_rng(random_state))
    return model._class_and_level(codes)


def _person(model: ImageSynthesizer, n: int, random_state: int) -> np.ndarray:
    return model._sampler().normals(1, np.random.default_rng(random_state)).repeat(n, axis=0)


def _show(
    model: ImageSynthesizer, normal: np.ndarray, classes: np.ndarray, levels: np.ndarray, random_state: int
) -> Dataset:
    # one by one from the same seed: whatever else is drawn stays the same on the whole way
    inside = [
        model._render(normal[i : i + 1], classes[i : i + 1], levels[i : i + 1], np.random.default_rng(random_state))
        for i in range(len(normal))
    ]
    return model._dataset(classes, levels, np.concatenate(inside), np.random.default_rng(random_state))


def _arc(first: np.ndarray, last: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Return points on the arc from one vector to another, shape (n_shares, components)."""
    cosine = first @ last / np.linalg.norm(first) / np.linalg.norm(last)
    angle = np.arccos(np.clip(cosine, -1, 1))
    if angle < 1e-6:
        return first + share * (last - first)
    return (np.sin((1 - share) * angle) * first + np.sin(share * angle) * last) / np.sin(angle)
