"""What a filter of a stranger may say: fields, operators, and how much of them.

A filter that came over a network is read like any other, and then looked at once more, as it was written. What it
may say is listed; whatever is not on the list is refused, so that an operator of a later version is too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, final

from bson import Code, DBRef, Regex

from mongoglot.compiler.values import is_array, regex_options, value_class
from mongoglot.errors import NotAllowedError, UnsupportedError, joined
from mongoglot.grammar.literals import is_operator_document
from mongoglot.grammar.operators import LITERAL_FIELDS, OPERATORS, TOP_LEVEL
from mongoglot.grammar.regex_cost import objection
from mongoglot.grammar.structural import is_match_of_values

DEFAULT_OPERATORS: Final = frozenset(
    "$eq $ne $gt $gte $lt $lte $in $nin $and $or $nor $not $exists $type $size $all $elemMatch $mod $regex "
    "$options $bitsAllSet $bitsAnySet $bitsAllClear $bitsAnyClear $comment $ge $le $glob".split()
)
"""What looks at a document and nothing else, in time that a bound of these can bound."""

WHOLE_DOCUMENT: Final = frozenset("$expr $jsonSchema $where $text".split())
"""What may look at any field, whatever field it names."""

_JUNCTIONS: Final = ("$and", "$or", "$nor")
_LISTS: Final = ("$in", "$nin", "$all")


@final
@dataclass(frozen=True, slots=True)
class Allow:
    """Bounds of a filter that somebody else wrote, for `compile(filter, allow=…)`.

    Attributes:
        fields: dotted paths that the filter may name, each with everything below it; None for all fields. A number
            in a path may be the name of a field, so `items.sku` is not `items.0.sku`: list both.
        operators: that it may use. `$expr`, `$jsonSchema`, `$where` and `$text` look at any field: they can be
            allowed only where `fields` is None.
        max_depth: levels of documents and lists in the filter, its own included.
        max_conditions: names in it, of fields and of operators, in sum.
        max_list: members of one list, with those of lists in it.
        max_regex: characters of a pattern. One whose search may backtrack without end, as `(a+)+`, is refused
            whatever its length (see `regex_cost`).
        max_text: characters of a filter that comes as text; of names, strings, patterns and bytes in one, in sum.
        max_time_ms: milliseconds that a store may take to answer it.
    """

    fields: Iterable[str] | None = None
    operators: Iterable[str] = field(default=DEFAULT_OPERATORS)
    max_depth: int = 10
    max_conditions: int = 100
    max_list: int = 1000
    max_regex: int = 200
    max_text: int = 20_000
    max_time_ms: int = 5_000

    def __post_init__(self) -> None:
        for name in ("fields", "operators"):
            names = getattr(self, name)
            if names is not None:
                object.__setattr__(self, name, _names(name, names))
        for name in ("max_depth", "max_conditions", "max_list", "max_regex", "max_text", "max_time_ms"):
            if type(getattr(self, name)) is not int or getattr(self, name) < 0:
                raise UnsupportedError(f"{name} is a number of at least 0, not {getattr(self, name)!r}")
        for name in self.operators:
            if name not in OPERATORS["taskdb"]:
                raise UnsupportedError(f"there is no operator {name!r} to allow")
        for name in self.fields or ():
            if name.startswith("$") and name not in LITERAL_FIELDS:
                raise UnsupportedError(f"no field of a filter is called {name!r}: fields are dotted paths")
        if self.fields is not None and (beyond := sorted(WHOLE_DOCUMENT.intersection(self.operators))):
            raise UnsupportedError(
                f"{', '.join(beyond)} may look at any field: allow all fields (fields=None), or not {beyond[0]}"
            )


def allowance(allow: Any) -> Allow:
    """An `Allow`, or the one that a list of fields stands for.

    Raises:
        UnsupportedError: it is neither.
    """
    return allow if isinstance(allow, Allow) else Allow(fields=allow)


def check_text(text: str, allow: Allow) -> None:
    """Refuse a text that is too long, before it is read.

    Raises:
        NotAllowedError: with how long it is.
    """
    _check_bound("characters", len(text), allow.max_text, "")


def check_size(filter: Any, allow: Allow) -> None:
    """Refuse what is too long, too wide or too deep; what is no filter is left to the reader.

    Args:
        filter: as a mapping, or what a text stood for.
        allow: the bounds.

    Raises:
        NotAllowedError: with the place.
    """
    names = characters = 0
    pending = [_Part(filter, "", 1, _Length())]
    while pending:
        value, place, depth, members = pending.pop()
        characters += _characters(value)
        _check_bound("characters", characters, allow.max_text, place)
        if isinstance(value, (Code, DBRef)):
            value = value.scope if isinstance(value, Code) else value.as_doc()
        if isinstance(value, Mapping):
            names += len(value)
            _check_bound("fields and operators", names, allow.max_conditions, place)
            characters += sum(map(len, map(str, value)))
            _check_bound("characters", characters, allow.max_text, place)
            inside = [
                _Part(item, _below(place, str(key)), depth + 1, _Length()) for key, item in value.items()
            ]
        elif is_array(value):
            members.count += len(value)
            _check_bound("members of a list", members.count, allow.max_list, place)
            inside = [
                _Part(item, f"{place}[{index}]", depth + 1, members if is_array(item) else _Length())
                for index, item in enumerate(value)
            ]
        else:
            continue
        _check_bound("levels", depth, allow.max_depth, place)
        pending += reversed(inside)


@final
@dataclass(slots=True)
class _Length:
    """How many members a list has, with those of the lists right inside it."""

    count: int = 0


class _Part(NamedTuple):
    """A part of a filter: where it is, how deep, and what counts the members of the list that it may be."""

    value: Any
    place: str
    depth: int
    members: _Length


def _characters(value: Any) -> int:
    """How much is in a string, a pattern or a binary value, by itself."""
    if isinstance(value, (Regex, re.Pattern)):
        value = value.pattern
    return len(value) if isinstance(value, (str, bytes)) else 0


def _check_bound(what: str, count: int, bound: int, place: str) -> None:
    if count > bound:
        raise NotAllowedError(f"{count} {what}: at most {bound} are allowed here", path=place)


def check_allowed(filter: Mapping[str, Any], allow: Allow) -> None:
    """Check the words of a filter that the compiler has read without an error.

    Raises:
        NotAllowedError: with the place of the first that is not allowed.
    """
    _Check(allow).read_filter(filter, "", "")


class _Check:
    """The walk over one filter; `place` is where in the filter it is, `field` the path in the documents."""

    def __init__(self, allow: Allow) -> None:
        self.max_regex = allow.max_regex
        self.operators = frozenset(allow.operators)
        self.fields = None if allow.fields is None else frozenset(allow.fields)

    def read_filter(self, filter: Mapping[str, Any], place: str, field: str) -> None:
        for key, operand in filter.items():
            here = _below(place, key)
            if key in _JUNCTIONS:
                self.check_operator(key, here)
                for index, item in enumerate(operand):
                    self.read_filter(_mapping(item), f"{here}[{index}]", field)
            elif key.startswith("$") and key not in LITERAL_FIELDS:
                self.check_operator(key, here)
            else:
                self.read_operand(operand, here, f"{field}.{key}" if field else key)

    def read_operand(self, operand: Any, place: str, field: str) -> None:
        """What stands behind a field or `$not`, or is a member of a list: operators, or a literal."""
        if is_operator_document(operand):
            self.read_operators(operand, place, field)
            return
        self.check_field(field, place)
        if value_class(operand) == "regex":
            self.check_operator("$regex", place)
            self.check_pattern(operand, place)

    def read_operators(self, operators: Mapping[str, Any], place: str, field: str) -> None:
        for name, operand in operators.items():
            here = _below(place, name)
            self.check_operator(name, here)
            if name == "$elemMatch" and operand:
                self.read_match(_mapping(operand), here, field)
            elif name in _LISTS and operand:
                for index, item in enumerate(operand):
                    self.read_operand(item, f"{here}[{index}]", field)
            elif name == "$regex":
                self.check_field(field, here)
                self.check_pattern(operand, here, operators.get("$options", ""))
            else:  # of `$not`, or a literal of any other
                self.read_operand(operand, here, field)

    def read_match(self, operand: Mapping[str, Any], place: str, field: str) -> None:
        """The operand of `$elemMatch`: operators on an element, or a filter of it."""
        if is_match_of_values(operand, TOP_LEVEL):
            self.read_operators(operand, place, field)
        else:
            self.read_filter(operand, place, field)

    def check_operator(self, name: str, place: str) -> None:
        if name not in self.operators:
            raise NotAllowedError(f"{name} is not allowed here", path=place, hint=_choice(self.operators))

    def check_field(self, path: str, place: str) -> None:
        if self.fields is None:
            return
        parts = path.split(".")
        if not any(".".join(parts[:length]) in self.fields for length in range(1, len(parts) + 1)):
            reason = f"the field {path!r} is not allowed here"
            raise NotAllowedError(reason, path=place, hint=_choice(self.fields))

    def check_pattern(self, pattern: Any, place: str, options: str = "") -> None:
        if not isinstance(pattern, str):
            regex = Regex.from_native(pattern) if isinstance(pattern, re.Pattern) else pattern
            pattern, options = regex.pattern, options + regex_options(regex)
        text = pattern.decode("utf-8", "replace") if isinstance(pattern, bytes) else pattern
        _check_bound("characters of a pattern", len(text), self.max_regex, place)
        if reason := objection(text, options):
            reason = f"a pattern that {reason} is not allowed here"
            raise NotAllowedError(reason, path=place, hint="a search for it may take very long")


def _below(place: str, name: str) -> str:
    return joined(place, name) if place else name


def _choice(names: Iterable[str]) -> str:
    return f"allowed are {', '.join(sorted(names)) or 'none'}"


def _names(attribute: str, names: Any) -> frozenset[str]:
    """A choice of names.

    Raises:
        UnsupportedError: it is none.
    """
    if isinstance(names, (str, bytes, Mapping)) or not isinstance(names, Iterable):
        raise UnsupportedError(
            f"{attribute} is a list of names, not {type(names).__name__}: Allow({attribute}=['a'])"
        )
    chosen = list(names)
    for name in chosen:
        if not isinstance(name, str):
            raise UnsupportedError(f"{attribute} is a list of names, and {name!r} is none")
    return frozenset(chosen)


def _mapping(value: Any) -> Mapping[str, Any]:
    found: Mapping[str, Any] = value.as_doc() if isinstance(value, DBRef) else value
    return found
