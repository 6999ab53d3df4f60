"""Kinds of values that answers return. Each says in a sentence what is wrong with a value, or None."""

import math
from collections.abc import Sequence
from numbers import Real

import numpy as np
import pandas as pd

from shd.hackathon.exercise import Kind, short


def number(low: float = -math.inf, high: float = math.inf) -> Kind:
    """Return the kind of one finite number from `low` to `high`."""

    def wrong(value: object) -> str | None:
        if isinstance(value, np.ndarray) and value.ndim == 0:
            value = value.item()
        if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
            return f"One number is wanted, and it returns {short(value)}."
        if math.isnan(value):
            return "It returns NaN, which is no number: something was divided by 0, or a value is missing."
        if math.isinf(value):
            return "It returns infinity: something was divided by 0."
        if not low <= value <= high:
            return f"It returns {value:.4g}; the number lies between {low:g} and {high:g}."
        return None

    return wrong


def word(*words: str) -> Kind:
    """Return the kind of one word of those given."""

    def wrong(value: object) -> str | None:
        if isinstance(value, str) and value in words:
            return None
        return f"It returns {short(value)}; one of these is wanted: {', '.join(map(repr, words))}."

    return wrong


def words() -> Kind:
    """Return the kind of a list of words, without one twice."""

    def wrong(value: object) -> str | None:
        if isinstance(value, (pd.Series, pd.Index, np.ndarray)):
            value = value.tolist()
        if not isinstance(value, (list, tuple, set)) or not all(isinstance(one, str) for one in value):
            return f"A list of words is wanted, and it returns {short(value)}."
        if len(set(value)) < len(value):
            return "It returns a word more than once."
        return None

    return wrong


def flags() -> Kind:
    """Return the kind of one True or False a record."""

    def wrong(value: object) -> str | None:
        values = value.to_numpy() if isinstance(value, pd.Series) else value
        if not isinstance(values, np.ndarray) or values.ndim != 1:
            return f"One True or False a record is wanted, and it returns {short(value)}."
        if values.dtype != bool:
            return f"True or False is wanted, and it returns values of type {values.dtype}."
        return None

    return wrong


def array(dimensions: int) -> Kind:
    """Return the kind of an array (or tensor) of finite numbers with so many dimensions."""

    def wrong(value: object) -> str | None:
        if hasattr(value, "detach"):  # a tensor
            value = value.detach().numpy()
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiub":
            return f"An array of numbers is wanted, and it returns {short(value)}."
        if value.ndim != dimensions:
            return f"It returns an array of shape {value.shape}; {dimensions} dimensions are wanted."
        if not np.isfinite(value.astype(float)).all():
            return "What it returns holds NaN or infinity."
        return None

    return wrong


def several(*kinds: tuple[str, Kind]) -> Kind:
    """Return the kind of a tuple: so many values, each with its name and its kind."""
    names = ", ".join(name for name, _ in kinds)

    def wrong(value: object) -> str | None:
        if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != len(kinds):
            return f"{len(kinds)} values are wanted ({names}), and it returns {short(value)}."
        found = ((name, kind(one)) for (name, kind), one in zip(kinds, value, strict=True))
        return next((f"{name}: {said}" for name, said in found if said), None)

    return wrong


def table() -> Kind:
    """Return the kind of a table with at least one row."""

    def wrong(value: object) -> str | None:
        if not isinstance(value, pd.DataFrame):
            return f"A table (DataFrame) is wanted, and it returns {short(value)}."
        return None if len(value) else "It returns a table without rows."

    return wrong
