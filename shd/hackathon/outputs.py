"""What an answer returned, as JSON: a grader reads it in another process, and runs nothing of it."""

import json
from numbers import Integral, Real

import numpy as np
import pandas as pd

from shd._errors import ShdError

MOST_BYTES = 5_000_000
"""How large the outputs of one exercise may be, as JSON."""


class Failed(str):
    """In place of what a function returns: a sentence that says why it returned nothing."""


def encode(value: object) -> object:
    """Return a value as JSON can hold it: numbers, words, lists, dictionaries, arrays, columns and tables."""
    if isinstance(value, Failed):
        return {"failed": str(value)}
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return {"number": repr(float(value))}  # NaN and infinity as well
    if hasattr(value, "frame") and hasattr(value, "subjects"):  # a Dataset: its records, and whose they are
        value = value.frame.assign(subject=value.subjects)
    if isinstance(value, pd.DataFrame):
        return {"table": [[str(name), encode(value[name])] for name in value.columns]}
    if isinstance(value, (pd.Series, pd.Index, pd.Categorical)):
        return {"column": [encode(one) for one in value.tolist()]}
    if hasattr(value, "detach"):  # a tensor, without importing torch
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray):
        return {"array": [encode(one) for one in value.ravel().tolist()], "shape": list(value.shape)}
    if isinstance(value, (set, frozenset)):
        return {"set": sorted((encode(one) for one in value), key=json.dumps)}
    if isinstance(value, (list, tuple)):
        return [encode(one) for one in value]
    if isinstance(value, dict):
        return {"dictionary": [[encode(key), encode(one)] for key, one in value.items()]}
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    raise ShdError(f"a {type(value).__name__} cannot be handed in; return numbers, words, lists, arrays or tables.")


def decode(value: object) -> object:
    """Return what `encode` was given; arrays, columns and tables as numpy and pandas have them, tuples as lists."""
    if isinstance(value, list):
        return [decode(one) for one in value]
    if not isinstance(value, dict):
        return value
    if "failed" in value:
        return Failed(value["failed"])
    if "number" in value:
        return float(value["number"])
    if "table" in value:
        return pd.DataFrame({name: decode(column) for name, column in value["table"]})
    if "column" in value:
        return pd.Series(decode(value["column"]))
    if "array" in value:
        return np.array(decode(value["array"])).reshape(value["shape"])
    if "set" in value:
        return set(decode(value["set"]))
    if "dictionary" in value:
        return {decode(key): decode(one) for key, one in value["dictionary"]}
    raise ShdError("what was handed in is not what a check writes.")


def as_text(outputs: dict[int, object]) -> str:
    """Return the outputs of an exercise by seed as JSON; one that is too large or no JSON is refused."""
    try:
        text = json.dumps({str(seed): encode(value) for seed, value in outputs.items()})
    except RecursionError as error:
        raise ShdError("what the function returns holds itself.") from error
    if len(text) > MOST_BYTES:
        raise ShdError(f"what the function returns is too large: {len(text) / 1e6:.0f} MB, at most 5.")
    return text


def from_text(text: str) -> dict[int, object]:
    """Read what `as_text` wrote, whoever may have written it."""
    if len(text) > MOST_BYTES:
        raise ShdError("what was handed in is too large.")
    try:
        return {int(seed): decode(value) for seed, value in json.loads(text).items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ShdError("what was handed in is not what a check writes.") from error
