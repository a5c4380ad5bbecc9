"""Random filters, and documents that they are asked of, drawn from any source of choices.

The same functions serve `random.Random` (fast, for millions of decisions) and hypothesis (which shrinks).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bson import Decimal128, Regex

from mongoglot.compiler.values import regex_options
from mongoglot.testing import alphabet
from mongoglot.testing.choices import Choices, RandomChoices, chance
from mongoglot.testing.document_values import Document, documents, near_value, place, similar, value

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

_OUTERMOST = 2


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
