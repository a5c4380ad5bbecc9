"""Writing the functions of an expression: statements where the outermost operator has them, else one `return`.

An operator with a form of Python's is written out, in the server's order of evaluation; every other one calls its
function of `table.py`.
"""

from __future__ import annotations

from typing import Final, TypeAlias, assert_never, final

from mongoglot.compiler.expression_ast import (
    ArrayOf,
    Call,
    Each,
    Expression,
    Let,
    Literal,
    Now,
    ObjectOf,
    Removed,
    Switch,
    Variable,
)
from mongoglot.engines.python.expressions.fields import FieldReader
from mongoglot.engines.python.expressions.inline import Part, arithmetic, comparison, first_value
from mongoglot.engines.python.expressions.phrases import NAMES, delayed, inverse, tuple_of, wrapped
from mongoglot.engines.python.expressions.table import BOOLEAN, DELAYED, FUNCTIONS, SECOND_FIRST
from mongoglot.engines.python.source import SourceWriter

_MAX_HEIGHT: Final = 12
"""How deep parts nest before one of them becomes a function of its own; CPython's limit is near 100."""

_MAX_INLINE: Final = 4
"""How many branches are written into an expression."""

_COMPARISONS: Final = frozenset({"$eq", "$ne", "$gt", "$gte", "$lt", "$lte"})

_ARITHMETIC: Final = frozenset({"$add", "$subtract", "$multiply"})

_Scope: TypeAlias = tuple[str, ...]
"""The names of the variables, by place; the document is the first."""


@final
class Writer:
    """Writes one function.

    Attributes:
        out: its lines, and the names that all functions of the expression share.
    """

    def __init__(self, out: SourceWriter, constants: dict[int, str]) -> None:
        self.out = out
        self._constants = constants
        self._fields = FieldReader(out)

    def function(self, name: str, expression: Expression, scope: _Scope, *, condition: bool) -> None:
        """Write a function of the variables; statements decide where the outermost operator has them."""
        out = self.out
        out.line(f"def {name}({', '.join(dict.fromkeys(scope))}):")
        out.indent += 1
        match expression:
            case Call("$and" | "$or" as operator, operands) if condition:
                for operand in operands:
                    assert operand is not None  # noqa: S101 - only operands with names can be absent
                    self._fields.read_ahead(operand, _MAX_HEIGHT)
                    test = self.condition(operand, scope, 1, ahead=True)
                    out.line(f"if {inverse(test)}:" if operator == "$and" else f"if {test}:")
                    out.line(f"    return {operator == '$or'}")
                out.line(f"return {operator == '$and'}")
            case Switch(branches, default):
                for case, result in branches:
                    self._fields.read_ahead(case, _MAX_HEIGHT)
                    out.line(f"if {self.condition(case, scope, 1, ahead=True)}:")
                    out.indent += 1
                    with self._fields.branch():
                        self._return(result, scope, condition=condition)
                    out.indent -= 1
                if default is None:
                    out.line("no_branch()")
                else:
                    self._return(default, scope, condition=condition)
            case _:
                self._return(expression, scope, condition=condition)
        out.indent -= 1

    def _return(self, expression: Expression, scope: _Scope, *, condition: bool) -> None:
        self._fields.read_ahead(expression, _MAX_HEIGHT)
        if condition:
            result = self.condition(expression, scope, 1, ahead=True)
        else:
            result = self.part(expression, scope, 1, ahead=True).source
        self.out.line(f"return {result}")

    def condition(self, expression: Expression, scope: _Scope, height: int, *, ahead: bool = False) -> str:
        """A Python expression that is True where the value of an expression is true, and False elsewhere.

        Args:
            expression: the tree.
            scope: the variables.
            height: how deep it stands in the source.
            ahead: whether it is evaluated before all else that is not written yet, so that statements may do it.
        """
        if height > _MAX_HEIGHT:
            return self._apart(expression, scope, condition=True)
        match expression:
            case Call("$and" | "$or" as operator, operands):
                tests = [
                    self.condition(operand, scope, height + 1, ahead=ahead and number == 0)
                    for number, operand in enumerate(operands)
                    if operand is not None
                ]
                return f" {operator[1:]} ".join(map(wrapped, tests))
            case Call("$not", (operand,)) if operand is not None:
                return inverse(self.condition(operand, scope, height + 1, ahead=ahead))
            case Call("$cond", (test, then, otherwise)) if test and then and otherwise:
                decides = wrapped(self.condition(test, scope, height + 1, ahead=ahead))
                results = [wrapped(self.condition(part, scope, height + 1)) for part in (then, otherwise)]
                return f"{results[0]} if {decides} else {results[1]}"
            case _:
                part = self.part(expression, scope, height, ahead=ahead)
                if part.kind == "bool":
                    return part.source
                if part.is_name:
                    return f"{part.source} if {part.source}.__class__ is bool else is_true({part.source})"
                return f"is_true({part.source})"

    def part(self, expression: Expression, scope: _Scope, height: int, *, ahead: bool = False) -> Part:
        """A Python expression of the value of an expression; the arguments are those of `condition`."""
        if height > _MAX_HEIGHT:
            return Part(self._apart(expression, scope, condition=False))
        match expression:
            case Literal(index, kind):
                if index not in self._constants:
                    self._constants[index] = self.out.bind("p", lambda literals: literals[index])
                return Part(self._constants[index], kind, index)
            case Removed():
                return Part("MISSING", "missing")
            case Variable(place, path):
                return Part(self._fields.read(scope[place], path))
            case ArrayOf(items):
                written = ", ".join([self._element(item, scope, height) for item in items])
                return Part(f"[{written}]", "array")
            case ObjectOf(names, fields):
                return self._object(names, [self.part(field, scope, height + 1) for field in fields])
            case Call(operator, operands):
                return self._call(operator, operands, scope, height, ahead=ahead)
            case Let(values, body):
                return self._let(values, body, scope, height, ahead=ahead)
            case Switch(branches, _) if len(branches) > _MAX_INLINE:
                return Part(self._apart(expression, scope, condition=False))
            case Switch(branches, default):
                result = "no_branch()" if default is None else self._wrapped(default, scope, height)
                for case, then in reversed(branches):
                    test = wrapped(self.condition(case, scope, height + 1))
                    result = f"{self._wrapped(then, scope, height)} if {test} else {result}"
                return Part(result)
            case Each():
                return Part(self._each(expression, scope, height, ahead=ahead))
            case Now():
                raise AssertionError(expression)  # it has been folded
            case _:
                assert_never(expression)

    def _apart(self, expression: Expression, scope: _Scope, *, condition: bool) -> str:
        """Write a function of its own, in front of this one, and call it."""
        name = self.out.local().replace("v", "part")
        writer = Writer(self.out.part(frozenset()), self._constants)
        writer.function(name, expression, scope, condition=condition)
        self.out.lines[:0] = writer.out.lines
        return f"{name}({', '.join(dict.fromkeys(scope))})"

    def _operand(self, expression: Expression | None, scope: _Scope, height: int, *, ahead: bool) -> Part:
        """An operand; a statement computes it where that is in order."""
        if expression is None:
            return Part("ABSENT", "absent")
        part = self.part(expression, scope, height + 1, ahead=ahead)
        if not ahead or part.is_name:
            return part
        name = self.out.local()
        self.out.line(f"{name} = {part.source}")
        return Part(name, part.kind)

    def _wrapped(self, expression: Expression, scope: _Scope, height: int) -> str:
        return wrapped(self.part(expression, scope, height + 1).source)

    def _element(self, expression: Expression, scope: _Scope, height: int) -> str:
        """What is missing is null in an array."""
        part = self.part(expression, scope, height + 1)
        if part.kind is not None:
            return "None" if part.kind == "missing" else part.source
        name, first = part.named(self.out)
        return f"None if {first} is MISSING else {name}"

    def _object(self, names: tuple[str, ...], fields: list[Part]) -> Part:
        """What is missing is not in an object."""
        keys = [self.out.key(name) for name in names]
        if all(field.kind not in (None, "missing") for field in fields):
            pairs = (f"{key}: {field.source}" for key, field in zip(keys, fields, strict=True))
            return Part(f"{{{', '.join(pairs)}}}", "object")
        values = "".join(f", {field.source}" for field in fields)
        return Part(f"document_of({tuple_of(keys)}{values})", "object")

    def _call(
        self,
        operator: str,
        operands: tuple[Expression | None, ...],
        scope: _Scope,
        height: int,
        *,
        ahead: bool,
    ) -> Part:
        if operator in ("$and", "$or", "$not"):
            return Part(self.condition(Call(operator, operands), scope, height, ahead=ahead), "bool")
        if operator == "$cond":
            test, *results = operands
            assert test is not None  # noqa: S101 - the grammar has it
            decides = wrapped(self.condition(test, scope, height + 1, ahead=ahead))
            then, otherwise = (self._wrapped(part, scope, height) for part in results if part is not None)
            return Part(f"{then} if {decides} else {otherwise}")
        written = self._operands(operator, operands, scope, height, ahead=ahead)
        if operator == "$ifNull":
            if len(written) > _MAX_INLINE:
                return Part(f"first_value(in_turn({delayed(part.source for part in written)}))")
            return Part(first_value(written, self.out))
        kind = "bool" if operator in BOOLEAN else None
        if len(written) == 2:
            left, right = written
            if operator in _COMPARISONS:
                return Part(comparison(operator, left, right, self.out), kind)
            if operator in _ARITHMETIC and (text := arithmetic(operator, left, right, self.out)) is not None:
                return Part(text)
        sources = [part.source for part in written]
        name = NAMES[operator]
        if operator in DELAYED:
            return Part(f"{name}({delayed(sources)})", kind)
        if operator in FUNCTIONS:
            if operator in SECOND_FIRST:
                return Part(f"{name}(right={sources[1]}, left={sources[0]})", kind)
            return Part(f"{name}({', '.join(sources)})", kind)
        if all(part.is_name for part in written[1:]):
            return Part(f"{name}(iter({tuple_of(sources)}))", kind)
        return Part(f"{name}(in_turn({delayed(sources)}))", kind)

    def _operands(
        self,
        operator: str,
        operands: tuple[Expression | None, ...],
        scope: _Scope,
        height: int,
        *,
        ahead: bool,
    ) -> list[Part]:
        """The operands; statements compute those that the operator needs in any case, in their order."""
        if operator in SECOND_FIRST:
            first, second = operands
            right = self._operand(second, scope, height, ahead=ahead)
            return [self._operand(first, scope, height, ahead=ahead), right]
        needed = 0 if operator in DELAYED else len(operands) if operator in FUNCTIONS else 1
        return [
            self._operand(operand, scope, height, ahead=ahead and number < needed)
            for number, operand in enumerate(operands)
        ]

    def _let(
        self, values: tuple[Expression, ...], body: Expression, scope: _Scope, height: int, *, ahead: bool
    ) -> Part:
        names: list[str] = []
        assigned: list[str] = []
        for value in values:
            name, first = self._operand(value, scope, height, ahead=ahead).named(self.out)
            names.append(name)
            if first != name:
                assigned.append(f"{first}, ")
        part = self.part(body, (*scope, *names), height + 1, ahead=ahead)
        return Part(f"({''.join(assigned)}{part.source})[-1]", part.kind) if assigned else part

    def _each(self, each: Each, scope: _Scope, height: int, *, ahead: bool) -> str:
        operator, below = each.operator, height + 1
        source = self._operand(each.source, scope, height, ahead=ahead).source
        extra = None if each.extra is None else self.part(each.extra, scope, below).source
        array, item = self.out.local(), self.out.local()
        match operator:
            case "$map":
                result = f"[{self._element(each.body, (*scope, item), height)} for {item} in {array}]"
            case "$filter" if extra is None:
                test = self.condition(each.body, (*scope, item), below)
                result = f"[{item} for {item} in {array} if {wrapped(test)}]"
            case "$filter":
                test = self.condition(each.body, (*scope, item), below)
                result = f"limited({array}, lambda: {extra}, lambda {item}: {test})"
            case "$reduce":
                value = self.out.local()
                body = self.part(each.body, (*scope, value, item), below).source
                result = f"reduced({array}, {extra}, lambda {value}, {item}: {body})"
            case _:
                raise AssertionError(operator)
        checked = f"({array} := {operator[1:]}_input({array}))"
        return f"{result} if ({array} := {source}).__class__ is list or {checked} is not None else None"
