"""Random values, documents and filters, drawn from any source of choices.

The same functions serve `random.Random` (fast, for millions of decisions) and hypothesis (which shrinks).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar, final

from bson import DBRef, Decimal128, Regex

from mongoglot.compiler.values import regex_options, sort_key
from mongoglot.testing import alphabet

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

T = TypeVar("T")

Document: TypeAlias = dict[str, Any]

_OUTERMOST = 2

MAX_DEPTH = 3
"""How deep arrays and objects nest in a generated value."""


class Choices(Protocol):
    """A source of choices."""

    def choose(self, options: Sequence[T]) -> T:
        """One of the options."""
        ...

    def count(self, low: int, high: int) -> int:
        """A number from low to high, both included."""
        ...


@final
class RandomChoices:
    """Choices of a pseudo-random generator."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def choose(self, options: Sequence[T]) -> T:
        """One of the options."""
        return self._rng.choice(options)

    def count(self, low: int, high: int) -> int:
        """A number from low to high, both included."""
        return self._rng.randint(low, high)


def random_documents(rng: random.Random, count: int) -> list[Document]:
    """Documents of the shared alphabet with distinct `_id`s.

    Args:
        rng: decides.
        count: how many.
    """
    return documents(RandomChoices(rng), count)


def random_filter(
    rng: random.Random,
    *,
    operators: AbstractSet[str] = alphabet.LANGUAGE,
    near: Sequence[Document] = (),
) -> Document:
    """A valid filter over the shared alphabet; some paths and operands come from the documents `near`.

    Args:
        rng: decides.
        operators: that it may have.
        near: documents that it may well match.
    """
    return filter_document(RandomChoices(rng), operators, near)


def each_with_each() -> tuple[list[Document], list[Document]]:
    """Documents with every scalar of the alphabet, alone and in an array, and filters that compare with each."""
    scalars = alphabet.EVERY_SCALAR
    stored = [{"a": scalar} for scalar in scalars] + [{"a": [scalar]} for scalar in scalars] + [{}]
    plain = [scalar for scalar in scalars if not isinstance(scalar, Regex)]
    filters: list[Document] = [{"a": {"$eq": scalar}} for scalar in scalars]
    filters += [{"a": {name: scalar}} for name in alphabet.COMPARISONS if name != "$eq" for scalar in plain]
    filters += [{"a": {"$nin": [scalar]}} for scalar in plain if is_plain_literal(scalar)]
    return [{"_id": number, **document} for number, document in enumerate(stored)], filters


def chance(choices: Choices, percent: int) -> bool:
    """True in so many percent of the cases."""
    return choices.count(0, 99) >= 100 - percent


def value(choices: Choices, depth: int = MAX_DEPTH) -> Any:
    """Any value: mostly a scalar, else an array or an object."""
    kind = choices.count(0, 9)
    if depth == 0 or kind < 5:
        return choices.choose(choices.choose(alphabet.SCALARS))
    if kind < 8:
        return [value(choices, depth - 1) for _ in range(choices.count(0, 3))]
    return fields(choices, choices.count(0, 3), depth - 1)


def fields(choices: Choices, count: int, depth: int) -> Document:
    """An object of at most so many fields."""
    result = {}
    for _ in range(count):
        odd = depth < MAX_DEPTH and chance(choices, 4)
        name = choices.choose(alphabet.ODD_NAMES if odd else alphabet.NAMES)
        result[name] = value(choices, depth)
    return result


def documents(choices: Choices, count: int) -> list[Document]:
    """Documents with distinct `_id`s: their positions, or now and then another value."""
    result: list[Document] = []
    taken = set()
    for position in range(count):
        key = value(choices, 1) if chance(choices, 10) else position
        if not is_possible_key(key) or sort_key(key) in taken:
            key = f"document {position}"
        taken.add(sort_key(key))
        result.append({"_id": key, **fields(choices, choices.count(0, 4), MAX_DEPTH)})
    return result


def is_possible_key(key: Any) -> bool:
    """Whether a value can be an `_id` (semantics 2.1); 0 to 999 are left to the positions."""
    if isinstance(key, (list, Regex, DBRef)):
        return False
    if isinstance(key, dict):
        return not any(name.startswith("$") for name in key) and all(map(is_inside_a_key, key.values()))
    return not isinstance(key, (int, float)) or isinstance(key, bool) or not 0 <= key < 1000


def is_inside_a_key(part: Any) -> bool:
    """Whether a value can stand inside an `_id`."""
    if isinstance(part, list):
        return all(map(is_inside_a_key, part))
    if isinstance(part, dict):
        return not any(name.startswith("$") for name in part) and all(map(is_inside_a_key, part.values()))
    return not isinstance(part, DBRef)


def filter_document(
    choices: Choices, operators: AbstractSet[str], near: Sequence[Document], depth: int = _OUTERMOST
) -> Document:
    """A valid filter; `depth` limits the nesting of $and, $or, $nor and $not."""
    result: Document = {}
    for _ in range(choices.choose((1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 0))):
        junctions = [name for name in alphabet.JUNCTIONS if name in operators]
        if depth and junctions and chance(choices, 25):
            members = choices.count(1, 3)
            result[choices.choose(junctions)] = [
                filter_document(choices, operators, near, depth - 1) for _ in range(members)
            ]
        elif "$comment" in operators and chance(choices, 2):
            result["$comment"] = value(choices, 1)
        elif chance(choices, 2):
            name, operand = choices.choose(alphabet.CONSTANTS)
            if name in operators and (
                depth == _OUTERMOST or name != "$sampleRate"
            ):  # which $elemMatch refuses
                result[name] = operand
        else:
            path, operand = path_and_operand(choices, near)
            # a server of version 6.0.5 crashes when it plans $elemMatch at the path ''
            allowed = operators if path else operators - {"$all", "$elemMatch"}
            result[path] = condition(choices, allowed, near, operand, depth)
    return result


def path_and_operand(choices: Choices, near: Sequence[Document]) -> tuple[str, Any]:
    """A path and something to compare it with: both from one of the documents `near`, or random."""
    if near and chance(choices, 70):
        path, found = place(choices, choices.choose(near))
        operand = choices.choose((found, found, similar(choices, found), value(choices, 2)))
        return ("a" if path.startswith("$") else path), operand
    if chance(choices, 30):
        return ".".join(choices.choose(alphabet.NAMES) for _ in range(choices.count(1, 4))), value(choices)
    return choices.choose(alphabet.PATHS), value(choices)


def place(choices: Choices, document: Document) -> tuple[str, Any]:
    """A path into a document, with or without the indexes of arrays on the way, and the value there."""
    parts: list[str] = []
    here: Any = document
    if chance(choices, 80):  # `_id` is in all documents, which makes it too frequent
        here = {name: part for name, part in document.items() if name != "_id"}
    while True:
        if isinstance(here, dict) and here and (not parts or chance(choices, 75)):
            name = choices.choose(tuple(here))
            parts.append(name)
            here = here[name]
        elif isinstance(here, list) and here and chance(choices, 75):
            index = choices.count(0, len(here) - 1)
            if chance(choices, 30):
                parts.append(str(index))
            here = here[index]
        else:
            return ".".join(parts), here


def similar(choices: Choices, found: Any) -> Any:
    """A value that a careless comparison takes for the one found."""
    way = choices.count(0, 2)
    if isinstance(found, dict) and found:
        name = choices.choose(tuple(found))
        if way == 0:
            return {**found, name: similar(choices, found[name])}
        return dict(reversed(found.items())) if way == 1 else {name: found[name]}
    if isinstance(found, list) and found:
        index = choices.count(0, len(found) - 1)
        if way == 0:
            return [*found[:index], similar(choices, found[index]), *found[index + 1 :]]
        return found[::-1] if way == 1 else found[index]
    return choices.choose(alphabet.LOOKALIKES.get(repr(found), ([found],)))


def condition(
    choices: Choices, operators: AbstractSet[str], near: Sequence[Document], operand: Any, depth: int
) -> Any:
    """What stands at a path: a value for implicit equality, or an operator document."""
    if isinstance(operand, Regex) and "$regex" in operators and chance(choices, 40):
        return operand  # as a pattern
    if is_plain_literal(operand) and chance(choices, 25):
        return operand
    return operator_document(choices, operators, near, operand, depth)


def operator_document(
    choices: Choices, operators: AbstractSet[str], near: Sequence[Document], operand: Any, depth: int
) -> Document:
    """One to three operators on one path."""
    names = [name for name in OPERATORS if name in operators and (depth or name not in _NESTING)]
    result: Document = {}
    for _ in range(choices.choose((1, 1, 1, 1, 1, 2, 2, 3))):
        name = choices.choose(names)
        if name == "$not" and isinstance(operand, Regex) and "$regex" in operators:
            result[name] = operand
        elif name == "$not":
            result[name] = operator_document(choices, operators, near, operand, depth - 1)
        elif name == "$regex":
            result = {key: item for key, item in result.items() if key not in ("$regex", "$options")}
            result |= _regex(choices, operand)
        else:
            result[name] = OPERANDS[name](choices, operand)
        operand = near_value(choices, near)
    return result


def near_value(choices: Choices, near: Sequence[Document]) -> Any:
    """Another operand: one found in the documents `near`, or random."""
    if near and chance(choices, 40):
        found = place(choices, choices.choose(near))[1]
        return similar(choices, found) if chance(choices, 30) else found
    return value(choices, 2)


def is_plain_literal(operand: Any) -> bool:
    """Whether a value stands for itself as an implicit equality or a member of $in (semantics 4.2)."""
    if isinstance(operand, dict) and operand:
        names = set(operand)
        return not next(iter(operand)).startswith("$") or {"$ref", "$id"} <= names
    return not isinstance(operand, Regex)


def _as_it_is(_: Choices, operand: Any) -> Any:
    return operand


def _no_regex(_: Choices, operand: Any) -> Any:
    return [operand] if isinstance(operand, Regex) else operand


def _members(choices: Choices, operand: Any) -> list[Any]:
    simple = chance(choices, 50)
    members = [
        choices.choose(alphabet.SIMPLE) if simple else value(choices, 2) for _ in range(choices.count(0, 3))
    ]
    if chance(choices, 85):
        members.insert(choices.count(0, len(members)), operand)
    return list(map(_member, members))


def _member(member: Any) -> Any:
    """What can stand in a list of $in or $all: a literal, or a regex as a pattern."""
    return member if is_plain_literal(member) or isinstance(member, Regex) else [member]


def _regex(choices: Choices, operand: Any) -> Document:
    """`$regex` and perhaps `$options`, in any order."""
    if isinstance(operand, Regex) and chance(choices, 60):
        own = regex_options(operand)
        pairs: list[tuple[str, Any]] = [("$regex", operand)]
        if not own and chance(choices, 30):
            pairs.append(("$options", choices.choose(alphabet.REGEX_OPTIONS)))
    else:
        pairs = [("$regex", _pattern(choices, operand))]
        if chance(choices, 50):
            pairs.append(("$options", choices.choose(alphabet.REGEX_OPTIONS)))
    return dict(pairs if chance(choices, 60) else pairs[::-1])


def _pattern(choices: Choices, operand: Any) -> str:
    """A pattern that finds the operand if that is a string, or any."""
    if (
        not operand
        or not isinstance(operand, str)
        or "\0" in operand
        or "\\" in operand
        or chance(choices, 50)
    ):
        return choices.choose(alphabet.PATTERNS)
    return choices.choose(("", "^")) + f"\\Q{operand}\\E" + choices.choose(("", "$", "\\z", "?"))


def _truth(choices: Choices, _: Any) -> Any:
    return choices.choose(alphabet.EXISTS_OPERANDS)


def _types(choices: Choices, operand: Any) -> Any:
    names = [choices.choose(alphabet.TYPES) for _ in range(choices.count(1, 3))]
    own = alphabet.TYPE_OF.get(type(operand))
    if own and chance(choices, 60):
        names[0] = own
    return names[0] if chance(choices, 50) else names


def _modulus(choices: Choices, operand: Any) -> Any:
    divisor = choices.choose(alphabet.DIVISORS)
    if isinstance(operand, int) and not isinstance(operand, bool) and chance(choices, 70):
        whole = int(divisor.to_decimal() if isinstance(divisor, Decimal128) else divisor)
        remainder = abs(operand) % abs(whole)
        return [divisor, remainder if operand >= 0 else -remainder]
    return [divisor, choices.choose(alphabet.REMAINDERS)]


def _length(choices: Choices, operand: Any) -> Any:
    return (
        len(operand)
        if isinstance(operand, list) and chance(choices, 70)
        else choices.choose(alphabet.LENGTHS)
    )


def _mask(choices: Choices, _: Any) -> Any:
    return choices.choose(alphabet.MASKS)


def _all(choices: Choices, operand: Any) -> Any:
    if chance(choices, 25):
        return [{"$elemMatch": _element(choices, operand)} for _ in range(choices.count(1, 2))]
    members = operand if isinstance(operand, list) and chance(choices, 40) else [operand]
    return list(map(_member, members))


def _element(choices: Choices, operand: Any) -> Document:
    """The operand of $elemMatch: operators for an element, or a filter of it."""
    chosen = choices.choose(operand) if isinstance(operand, list) and operand else value(choices, 1)
    if isinstance(chosen, dict) and chance(choices, 80):
        name = choices.choose(tuple(chosen) or ("a",))
        path = name if name and not name.startswith("$") and "." not in name else "a"
        return {path: condition(choices, alphabet.LANGUAGE, (), chosen.get(name), 0)}
    if chance(choices, 20):
        return filter_document(choices, alphabet.LANGUAGE, (), 1)
    return operator_document(choices, alphabet.LANGUAGE, (), chosen, 1 if chance(choices, 30) else 0)


OPERANDS = {
    "$eq": _as_it_is,
    **dict.fromkeys(("$ne", "$gt", "$gte", "$lt", "$lte"), _no_regex),
    **dict.fromkeys(alphabet.MEMBERSHIPS, _members),
    "$exists": _truth,
    "$type": _types,
    "$mod": _modulus,
    "$size": _length,
    **dict.fromkeys(("$bitsAllSet", "$bitsAnySet", "$bitsAllClear", "$bitsAnyClear"), _mask),
    "$all": _all,
    "$elemMatch": _element,
    "$regex": _regex,
}
"""How each operator's operand is made of a value; a new operator is a new row here and in LANGUAGE."""

OPERATORS = (*OPERANDS, "$not")

_NESTING = frozenset({"$not", "$elemMatch", "$all"})
