"""From the projection that a user writes to `Projection`, with the server's checks in the server's order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Any, Final, NamedTuple, TypeAlias

from bson import Decimal128

from mongoglot.compiler import slices
from mongoglot.compiler.ast import Path
from mongoglot.compiler.expression_ast import Expression
from mongoglot.compiler.expressions import EXPRESSIONS
from mongoglot.compiler.field_path import check_field_path, check_length
from mongoglot.compiler.normalise import normalise_document
from mongoglot.compiler.path_tree import below, open_path, paths, take
from mongoglot.compiler.plan import BoundPlan
from mongoglot.compiler.projection import Evaluate, FoundElement, Projection, Slice, Tree
from mongoglot.compiler.rendering import rendered, type_name
from mongoglot.errors import FilterError, NotYetError

Spec: TypeAlias = Mapping[str, Any] | Iterable[str] | None


class Compilers(NamedTuple):
    """What a projection holds in other languages; they are above this layer, so a caller brings these along.

    Attributes:
        filter: compiles the filter of a `$elemMatch`.
        expression: reads the expression of a computed field.
        evaluator: makes a function of what `expression` returns.
    """

    filter: Callable[[Mapping[str, Any]], BoundPlan]
    expression: Callable[[Any], tuple[Expression, tuple[Any, ...]]]
    evaluator: Callable[[Expression, Sequence[Any]], Evaluate]


_ONE_KIND: Final = (
    "name the fields to show, or those to leave out; only _id may be left out beside fields to show"
)

_MIDDLE: Final = (
    "As of 4.4, it's illegal to specify positional operator in the middle of a path.Positional projection may "
    "only be used at the end, for example: a.b.$. If the query previously used a form like a.b.$.d, remove the "
    "parts following the '$' and the results will be equivalent."
)


def read_projection(spec: Spec, compilers: Compilers, *, schema: bool = False) -> Projection | None:
    """Read a projection; None where all fields are meant.

    Args:
        spec: a document as a server takes it, or a list of names to include; empty or None for everything.
        compilers: of the filters and expressions in it.
        schema: whether the filter of the find has a `$jsonSchema`, beside which there may be no `a.$`.

    Raises:
        FilterError: with the server's code; NotYetError for an operator of a computed field that is not compiled.
    """
    if spec is None:
        return None
    if not isinstance(spec, Mapping):
        names = list(spec) if isinstance(spec, (list, tuple, Set)) else [None]
        if not all(isinstance(name, str) for name in names):
            hint = "write {field: 1} or ['field']"
            raise FilterError(
                14, "a projection is a document or a list of names", path="projection", hint=hint
            )
        spec = {str(name): 1 for name in names}
    if not spec:
        return None
    document = normalise_document(spec)
    reader = _Reader(compilers, schema)
    reader.read_fields(document, "")
    return reader.projection(document)


class _Reader:
    """One walk over a projection.

    Attributes:
        taken: the paths that were named so far: none may be the beginning of another one.
        chosen: those of them that an inclusion includes or an exclusion excludes.
        include: whether this is an inclusion, as soon as a field but `_id` has decided it.
        with_id: what was said of `_id`.
        arrays: the paths with a `$slice` or a `$`.
        matches: the fields with a `$elemMatch`.
        computed: the paths with an expression, and what was read of it.
        positional: whether there was a `$`.
        schema: whether the filter has a `$jsonSchema`.
        later: an operator that this version refuses when there is nothing else to say.
    """

    def __init__(self, compilers: Compilers, schema: bool) -> None:
        self.compilers = compilers
        self.schema = schema
        self.taken: Tree = {}
        self.chosen: list[Path] = []
        self.include: bool | None = None
        self.with_id: bool | None = None
        self.arrays: dict[Path, Slice | FoundElement] = {}
        self.matches: dict[Path, BoundPlan] = {}
        self.computed: dict[Path, tuple[Expression, tuple[Any, ...]]] = {}
        self.positional = False
        self.later: NotYetError | None = None

    def read_fields(self, spec: Mapping[str, Any], prefix: str) -> None:
        """Read the fields of a projection or of an object in it; `{c: {d: 1}}` is `c.d`."""
        for name, value in spec.items():
            path = prefix + name
            if ".$." in name:
                raise FilterError(31394, _MIDDLE, path=path)
            if isinstance(value, Mapping):
                self.read_object(name, path, value)
            elif isinstance(value, (bool, int, float, Decimal128)):
                truth = bool(value.to_decimal() if isinstance(value, Decimal128) else value)
                if not truth:
                    self.read_exclusion(name, path)
                elif name.endswith(".$"):
                    self.read_positional(name, path)
                else:
                    self.read_inclusion(name, path)
            else:
                self.read_literal(name, path, value)

    def read_object(self, name: str, path: str, value: Mapping[str, Any]) -> None:
        """Read what stands for an object at a field: an operator, or fields below it."""
        if name.endswith(".$"):
            reason = "positional projection cannot be used with an expression or sub object"
            raise FilterError(31271, reason, path=path)
        if not value:
            reason = "An empty sub-projection is not a valid value. Found empty object at path"
            raise FilterError(51270, reason, path=path)
        check_field_path(name, path)
        operator = next(iter(value))
        if len(value) > 1 or not operator.startswith("$"):
            open_path(self.taken, name, path)
            self.read_fields(value, path + ".")
        elif operator == "$elemMatch":
            self.read_match(name, path, value[operator])
        elif operator == "$slice":
            self.read_slice(name, path, value[operator])
        elif operator not in EXPRESSIONS:
            raise FilterError(31325, f"Unknown expression {operator}", path=path)
        else:
            self.read_operator(name, path, value)

    def read_inclusion(self, name: str, path: str) -> None:
        """Read `path: 1`; `_id` may stand in any projection."""
        check_field_path(name, path)
        take(self.taken, name, path)
        if path == "_id":
            self.with_id = True
        else:
            self.chosen.append(tuple(path.split(".")))
            self.set_inclusion(name, path)

    def read_exclusion(self, name: str, path: str) -> None:
        """Read `path: 0`; `_id` may be left out of any projection."""
        if name.endswith(".$"):
            raise FilterError(31395, "positional projection cannot be used with exclusion", path=path)
        check_field_path(name, path)
        take(self.taken, name, path)
        if path == "_id":
            self.with_id = False
            return
        if self.include:
            reason = f"Cannot do exclusion on field {name} in inclusion projection"
            raise FilterError(31254, reason, path=path, hint=_ONE_KIND)
        self.chosen.append(tuple(path.split(".")))
        self.include = False

    def read_positional(self, name: str, path: str) -> None:
        """Read `path.$: 1`, an inclusion of the path before the `$` (semantics 6.3)."""
        if self.positional:
            reason = "Cannot specify more than one positional projection per query."
            raise FilterError(31276, reason, path=path)
        if self.matches:
            raise FilterError(31256, "Cannot specify positional operator and $elemMatch.", path=path)
        name, path = name.removesuffix(".$"), path.removesuffix(".$")
        if not name:
            raise FilterError(5392900, "Projection on field .$ is invalid", path=path + ".$")
        check_field_path(name, path)
        take(self.taken, name, path)
        if self.schema:  # a server reads the filter again, as one that may hold none
            raise FilterError(224, "$jsonSchema is not allowed in this context", path=path)
        self.arrays[tuple(path.split("."))] = FoundElement()
        self.positional = True
        self.set_inclusion(f"{name}.$", f"{path}.$")

    def read_match(self, name: str, path: str, operand: Any) -> None:
        """Read `field: {$elemMatch: …}` (semantics 6.2)."""
        if not isinstance(operand, Mapping):
            got = type_name(operand)
            reason = f"elemMatch: Invalid argument, object required, but got {got}"
            raise FilterError(31274, reason, path=path)
        if self.positional:
            raise FilterError(31255, "Cannot specify positional operator and $elemMatch.", path=path)
        if "." in path:
            reason = "Cannot use $elemMatch projection on a nested field."
            raise FilterError(31275, reason, path=path, hint="project the field at the top")
        self.matches[(path,)] = self.compilers.filter({path: {"$elemMatch": operand}})
        take(self.taken, name, path)

    def read_slice(self, name: str, path: str, operand: Any) -> None:
        """Read `path: {$slice: …}`; what is no slice of a find may still be a computed field (semantics 6.2)."""
        try:
            found = slices.read_slice(operand)
            take(self.taken, name, path)
        except FilterError as error:
            self.read_computed_slice(name, path, operand, error)
        else:
            self.arrays[tuple(path.split("."))] = found

    def read_computed_slice(self, name: str, path: str, operand: Any, error: FilterError) -> None:
        """Read the `$slice` of computed fields, as the server does where the one of a find was wrong."""
        try:
            self.read_operator(name, path, {"$slice": operand})
        except FilterError as second:
            raise slices.in_both(operand, error, second, path) from None

    def read_operator(self, name: str, path: str, value: Mapping[str, Any]) -> None:
        """Read `path: {$operator: …}`, a computed field; a `$meta` may stand in any projection."""
        if "$meta" not in value:
            if self.include is False:
                reason = "Cannot use expression other than $meta in exclusion projection"
                raise FilterError(31252, reason, path=path)
            self.include = True
        self.read_expression(name, path, value)

    def read_literal(self, name: str, path: str, value: Any) -> None:
        """Read a constant, a list or a text such as `'$b'`, each of which is a computed field."""
        if name.endswith(".$"):
            raise FilterError(31308, "positional projection cannot be used with a literal", path=path)
        self.read_expression(name, path, value)
        if self.include is False:
            reason = f"Cannot use an expression {name}: {rendered(value)} in an exclusion projection"
            raise FilterError(31310, reason, path=path)
        self.include = True

    def read_expression(self, name: str, path: str, value: Any) -> None:
        """Read what computes a field."""
        try:
            self.computed[tuple(path.split("."))] = self.compilers.expression(value)
        except NotYetError as error:
            error.path = path
            self.later = self.later or error
        except FilterError as error:
            error.path = path
            raise
        check_field_path(name, path)
        take(self.taken, name, path)

    def set_inclusion(self, name: str, path: str) -> None:
        """Take note that a field was included."""
        if self.include is False:
            reason = f"Cannot do inclusion on field {name} in exclusion projection"
            raise FilterError(31253, reason, path=path, hint=_ONE_KIND)
        self.include = True

    def projection(self, spec: dict[str, Any]) -> Projection:
        """What was read."""
        # a server goes through its tree of paths: what begins alike stands together
        order = list(paths(self.taken))
        for path in order:
            check_length(".".join(path), ".".join(path))
        added = tuple(
            (path, self.addition(path)) for path in order if path in self.computed or path in self.matches
        )
        if self.later is not None:
            raise self.later
        include = self.include
        if include is None:  # only `_id`, slices and matches: these are the server's defaults (semantics 6.2)
            include = bool(self.with_id) or bool(self.matches and not self.arrays)
        fields: Tree = {}
        for path in (*self.chosen, *(self.arrays if include else ())):
            below(fields, path[:-1], path[-1])[path[-1]] = None
        for path in self.computed:
            below(fields, path[:-1], path[-1])  # a server keeps these objects, and their places
        arrays = tuple((path, self.arrays[path]) for path in order if path in self.arrays)
        return Projection(fields, include, self.with_id is not False, spec, arrays, added)

    def addition(self, path: Path) -> BoundPlan | Evaluate:
        """What computes the field at a path.

        Raises:
            FilterError: its constant parts cannot be computed.
        """
        if path in self.matches:
            return self.matches[path]
        try:
            return self.compilers.evaluator(*self.computed[path])
        except FilterError as error:
            error.path = ".".join(path)
            raise
