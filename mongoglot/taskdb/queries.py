"""What the task database is asked, as its store is asked: queries and choices of keys.

Names and literals are translated by the rules for records, so that odd keys and values are found like any others.
A wrong query stays as it is: the compiler says what is wrong with it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

from bson import Regex

from mongoglot.compiler.values import is_array
from mongoglot.errors import FilterError
from mongoglot.grammar.literals import is_operator_document
from mongoglot.grammar.text import from_text, located
from mongoglot.query import Query, compile
from mongoglot.taskdb.names import stored_name, stored_path
from mongoglot.taskdb.records import TooDeepError, aware, escaped
from mongoglot.taskdb.schema import BUFFERS

_LOGICAL: Final = ("$and", "$or", "$nor")
_LISTS: Final = ("$in", "$nin", "$all")
_SAME: Final = ("$eq", "$ne")


class Asked(NamedTuple):
    """A query of records, compiled.

    Attributes:
        query: of what is stored.
        about_buffers: whether it may look at buffers.
    """

    query: Query
    about_buffers: bool


def asked(query: Any) -> Asked:
    """A query of records, compiled; one that is asked again and again, as `{"completed": None}`, only once.

    Raises:
        FilterError: it is wrong.
    """
    known_by = _known_by(query, _LEVELS)
    known = None if known_by is None else _ASKED.get(known_by)
    if known is None:
        translated = stored_query(query)
        known = Asked(
            translated if isinstance(translated, Query) else compile(translated, dialect="taskdb"),
            may_ask_about(query, BUFFERS),
        )
        if known_by is not None:
            if len(_ASKED) >= _MOST_ASKED:
                _ASKED.clear()
            _ASKED[known_by] = known
    return known


def _known_by(query: Any, levels: int) -> tuple[Any, ...] | None:
    """What a query is known by: its names and values, each with its class, as `True` is equal to 1.

    None where it holds more than short plain values, which are rarely asked for again.
    """
    if query.__class__ is not dict or not levels:
        return None
    parts: list[Any] = []
    for name, value in query.items():
        kind = value.__class__
        if name.__class__ is not str or (kind is str and len(value) > _SHORT):
            return None
        if kind not in _ATOMS and (value := _known_by(value, levels - 1)) is None:
            return None
        parts += (name, kind, value)
    return tuple(parts)


_ASKED: Final[dict[tuple[Any, ...], Asked]] = {}
_MOST_ASKED: Final = 256
_LEVELS: Final = 3
_SHORT: Final = 200
_ATOMS: Final = frozenset({str, int, bool, type(None)})


def stored_query(query: Any) -> Any:
    """A query of records as a query of what is stored; one that is written as text comes back compiled."""
    if isinstance(query, str):
        with located(query):
            return compile(stored_query(from_text(query)), dialect="taskdb")
    if not isinstance(query, Mapping):
        return query
    try:
        return _filter(query)
    except (TooDeepError, RecursionError):
        return query


def may_ask_about(query: Any, names: Collection[str]) -> bool:
    """Whether a query may look at one of some keys; it may where it has an expression or a schema."""
    if isinstance(query, str):
        return any(name in query for name in (*names, *_LOOK_AT_ALL, "\\"))
    left = [query]
    while left:
        part = left.pop()
        for name, operand in part.items() if isinstance(part, Mapping) else ():
            if name in _LOGICAL and is_array(operand):
                left.extend(operand)
            elif isinstance(name, str) and (name.partition(".")[0] in names or name in _LOOK_AT_ALL):
                return True
    return False


_LOOK_AT_ALL: Final = ("$expr", "$jsonSchema", "$where", "$text")


def _filter(query: Mapping[Any, Any]) -> dict[Any, Any]:
    translated: dict[Any, Any] = {}
    for name, operand in query.items():
        if not isinstance(name, str) or name.startswith("$"):
            translated[name] = _argument(name, operand)
        else:
            translated["_id" if _names_tasks(name, operand) else stored_path(name)] = _operand(operand)
    return translated


def _names_tasks(name: str, operand: Any) -> bool:
    """Whether it says which tasks are meant: a `msg_id` is the `_id`, too, which every store has an index on."""
    if name != "msg_id":
        return False
    if is_operator_document(operand):
        return len(operand) == 1 and ("$eq" in operand or ("$in" in operand and _is_iterable(operand["$in"])))
    return not isinstance(operand, (re.Pattern, Regex))


def _operand(operand: Any) -> Any:
    """A literal, or operators on a field."""
    if not is_operator_document(operand):
        return _literal(operand)
    return {name: _argument(name, argument) for name, argument in operand.items()}


def _argument(operator: Any, argument: Any) -> Any:
    """What stands behind an operator."""
    if operator in _LOGICAL and is_array(argument):
        return [_filter(item) if isinstance(item, Mapping) else item for item in argument]
    if operator in _LISTS and _is_iterable(argument):
        return [_literal(item) for item in argument]
    if operator in _SAME:
        return _literal(argument)
    if operator == "$not":
        return _operand(argument) if is_operator_document(argument) else argument
    if operator == "$elemMatch" and isinstance(argument, Mapping):
        return _operand(argument) if is_operator_document(argument) else _filter(argument)
    return _with_instants(argument)


def _is_iterable(value: Any) -> bool:
    """Whether a list can be made of it; the documentation's own example has a `map`."""
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes, bytearray, memoryview, Mapping))


def _literal(value: Any) -> Any:
    return value if isinstance(value, (re.Pattern, Regex)) else escaped(value)


def _with_instants(value: Any) -> Any:
    """A value that is compared by order: its dates made aware, the rest for the compiler to judge."""
    if isinstance(value, datetime):
        return aware(value)
    if isinstance(value, Mapping):
        return {name: _with_instants(item) for name, item in value.items()}
    return [_with_instants(item) for item in value] if is_array(value) else value


def projection(keys: Any, otherwise: Iterable[str]) -> dict[str, int]:
    """The projection for a choice of keys.

    Args:
        keys: a name or several; dotted ones are paths. None or none at all for no choice.
        otherwise: what is left out where there is no choice.

    Raises:
        FilterError: it is no choice of keys.
    """
    names = [keys] if isinstance(keys, str) else keys
    if names is None:
        names = []
    if isinstance(names, (bytes, Mapping)) or not isinstance(names, Iterable):
        raise _no_keys(keys)
    wanted: list[str] = []
    for name in names:
        if not isinstance(name, str):
            raise _no_keys(name)
        wanted.append(str.__str__(name))
    return _chosen(tuple(wanted)).copy() if wanted else dict.fromkeys(("_id", *otherwise), 0)


@lru_cache(maxsize=256)
def _chosen(names: tuple[str, ...]) -> dict[str, int]:
    """The projection for some keys."""
    wanted = dict.fromkeys([path for name in names for path in _paths(name)], 1)
    wanted["msg_id"] = 1
    return {"_id": 0} | {path: 1 for path in wanted if not _is_below(path, wanted)}


def _paths(name: str) -> list[str]:
    """The stored paths that a key may mean: a field of that name, or where it has dots, one further down."""
    if name.partition(".")[0] == "_id":
        return ["msg_id"]
    parts = name.split(".")
    is_path = len(parts) > 1 and all(part and not part.startswith("$") for part in parts)
    return [stored_name(name), stored_path(name)] if is_path else [stored_name(name)]


def _is_below(path: str, others: Iterable[str]) -> bool:
    return any(path.startswith(f"{other}.") for other in others)


def _no_keys(value: Any) -> FilterError:
    reason = f"keys are a name or a list of names, not {type(value).__name__}"
    return FilterError(14, reason, path="keys")
