"""What to write instead of a value of which BSON has no type."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

_INSTEAD: Final = {
    "datetime.date": "write a datetime.datetime",
    "datetime.time": "write a string, or a number",
    "datetime.timedelta": "write a number, as value.total_seconds()",
    "decimal.Decimal": "write bson.Decimal128(value)",
    "fractions.Fraction": "write float(value)",
    "uuid.UUID": "write bson.Binary.from_uuid(value)",
    "numpy.ndarray": "write value.tolist()",
    "pandas.NaT": "write None",
    "pandas.NA": "write None",
    "builtins.complex": "write a list of its two parts",
    "builtins.function": "nothing is called here, so write a value",
    "builtins.builtin_function_or_method": "nothing is called here, so write a value",
    "builtins.method": "nothing is called here, so write a value",
    "builtins.type": "nothing is called here, so write a value",
}
"""By type: full names, since none of these modules is imported for it."""

_PACKAGES: Final = {
    "numpy": "write value.item()",
    "pandas": "write value.to_list(), or a value of it",
    "polars": "write value.to_list(), or a value of it",
    "pathlib": "write str(value)",
}
"""By the package of the type, for all types of it that stand nowhere else."""


def instead_of(value: Any) -> str:
    """How such a value is written for BSON, as a hint of an error."""
    names = [f"{kind.__module__}.{kind.__qualname__}" for kind in type(value).__mro__]
    for name in names:
        if name in _INSTEAD:
            return _INSTEAD[name]
    package = names[0].partition(".")[0]
    if package in _PACKAGES:
        return _PACKAGES[package]
    if "enum.Enum" in names:
        return "write value.value"
    if hasattr(value, "__dataclass_fields__"):
        return "write dataclasses.asdict(value)"
    return "write a list" if isinstance(value, Iterable) else "write a str, a number, a dict or a list"
