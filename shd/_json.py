"""Values as JSON knows them."""

import math


def json_values(value: object) -> object:
    """Turn numpy values, and whatever else JSON does not know, into plain ones; what is not finite into None."""
    if isinstance(value, dict):
        return {str(k): json_values(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [json_values(v) for v in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int | bool) else str(value)
