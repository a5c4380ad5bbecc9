"""The pipeline on one screen: a filter is read to tokens, parsed to a tree, optimised and lowered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from mongoglot.compiler.instants import current_time
from mongoglot.compiler.normalise import check_mapping, normalise_document
from mongoglot.compiler.plan import BoundPlan, Plan, PlanCache
from mongoglot.compiler.trees import expressions
from mongoglot.compiler.values import Document
from mongoglot.engines import python
from mongoglot.errors import EncodingError, FilterError, UnsupportedError
from mongoglot.grammar.literals import check_whole
from mongoglot.grammar.native import native_filter
from mongoglot.grammar.operators import OPERATORS, Dialect
from mongoglot.grammar.token_kinds import Shape
from mongoglot.grammar.tokens import tokenise

if TYPE_CHECKING:
    from mongoglot.engines.sql.statement import Sql
    from mongoglot.engines.sql.table import Table
    from mongoglot.explain import Explanation
    from mongoglot.grammar.allowed import Allow

Mappings = TypeVar("Mappings", bound=Document)

_PLANS: Final = PlanCache()

_DIALECTS: Final = tuple(OPERATORS)
"""No dict, as what is no dialect may not be hashable."""


def compile(
    filter: Mapping[str, Any] | str,
    *,
    dialect: Dialect = "mongodb",
    allow: Allow | Iterable[str] | None = None,
) -> Query:
    """Compile a MongoDB filter.

    Args:
        filter: a document as pymongo takes it, or text as one types it in mongosh.
        dialect: `"mongodb"`, or `"taskdb"` for the words `$ge` (>), `$le` (<) and `$glob` of IPython's task
            database.
        allow: what the filter may say where a stranger wrote it; a list of fields is `Allow(fields=…)`. None for
            all that the language has.

    Raises:
        NotAllowedError: (also a FilterError) it says more than `allow` allows.
        FilterError: with the code that a MongoDB 6.0 server sends for this filter, and the path in it; of a text
            with line and column, too.
        FilterValueTypeError, FilterValueRangeError: (also FilterErrors) a value that BSON cannot hold.
        NotYetError: (also a FilterError) an operator that this version does not compile.
        UnsupportedError: there is no such dialect.
    """
    if dialect not in _DIALECTS:
        raise UnsupportedError(f"no dialect {dialect!r}; there are {', '.join(map(repr, OPERATORS))}")
    bounds = None if allow is None else _allowance(allow)
    if isinstance(filter, str):
        from mongoglot.grammar.text import from_text, located  # loads the reader of text

        if bounds is not None:
            _check_text(filter, bounds)
        with located(filter):
            return _bounded(from_text(filter), dialect, bounds, filter)
    return _bounded(filter, dialect, bounds)


def _bounded(filter: Any, dialect: Dialect, bounds: Allow | None, text: str | None = None) -> Query:
    """Compile a filter, whatever form it had, within the bounds of one that a stranger wrote."""
    if bounds is None:
        return _compiled(filter, dialect, text)
    from mongoglot.grammar.allowed import check_allowed, check_size

    check_size(filter, bounds)
    query = _compiled(filter, dialect, text)
    check_allowed(filter, bounds)
    query.max_time_ms = bounds.max_time_ms
    return query


def _allowance(allow: Any) -> Allow:
    from mongoglot.grammar.allowed import allowance  # most filters need none

    return allowance(allow)


def _check_text(text: str, bounds: Allow) -> None:
    from mongoglot.grammar.allowed import check_text

    check_text(text, bounds)


def compile_in_projection(filter: Mapping[str, Any]) -> Query:
    """Compile the filter of a `$elemMatch` of a projection, which may hold no `$jsonSchema` (semantics 6.2).

    Raises:
        FilterError: as `compile`; code 224 for a schema.
    """
    return _compiled(filter, "mongodb", schemas=False)


def _compiled(filter: Any, dialect: Dialect, text: str | None = None, *, schemas: bool = True) -> Query:
    if filter.__class__ is not dict and not isinstance(filter, Mapping):
        raise _no_mapping(filter)
    shape, values = tokenise(filter, dialect, schemas=schemas)
    try:
        plan = _PLANS.get((dialect, shape), lambda: _planned(shape, dialect))
    except FilterError:
        check_whole(filter)  # what a driver and a server check first, also of what stands under a wrong word
        raise
    query = Query(shape, values, plan, dialect, text)
    if plan.has_expressions:
        python.fold_constants(plan.ast, values)  # as a server does before it looks at any document
    return query


def _no_mapping(filter: Any) -> FilterError:
    """The error of what is no filter, with what was probably meant."""
    hint = "write {field: value}"
    if filter is None:
        hint = "{} matches every document"
    elif isinstance(filter, (list, tuple)):
        hint = "several conditions are {$and: [{…}, {…}]}, and several values {field: {$in: […]}}"
    elif isinstance(filter, (bytes, bytearray)):
        hint = "decode text of a filter to a str"
    elif hasattr(filter, "__fspath__"):
        hint = "read the file: compile(path.read_text(encoding='utf-8'))"
    return FilterError(14, f"a filter is a mapping, not {type(filter).__name__}", hint=hint)


def _planned(shape: Shape, dialect: Dialect) -> Plan:
    from mongoglot.grammar.parser import parse  # loads Lark, which a known shape does without

    return Plan(parse(shape, dialect), partial(native_filter, shape))


def _restored(
    shape: Shape, values: list[Any], dialect: Dialect, text: str | None, max_time_ms: int | None
) -> Query:
    """A query as it was before it was pickled."""
    plan = _PLANS.get((dialect, shape), lambda: _planned(shape, dialect))
    query = Query(shape, values, plan, dialect, text)
    query.max_time_ms = max_time_ms
    return query


class Query(BoundPlan):
    """A compiled filter; immutable, and independent of the filter that it was compiled from.

    Attributes:
        tokens: the query's shape.
        dialect: the dialect that it was written in.
        text: the text that it was written as; None for a mapping.
    """

    def __init__(
        self, tokens: Shape, values: list[Any], plan: Plan, dialect: Dialect, text: str | None = None
    ) -> None:
        self.plan = plan
        self.values = values
        self.tokens = tokens
        self.dialect: Dialect = dialect
        self.text = text

    @cached_property
    def _function(self) -> Callable[[Document], bool]:
        if self.plan.tells_time and not self._started:
            return lambda document: self.started().to_python()(document)
        code = self.plan.lowered("python", python.lower)
        return code.bind(self.values)

    @property
    def _started(self) -> bool:
        operands = (self.values[leaf.operand.index] for leaf in expressions(self.ast))
        return all(operand.now is not None for operand in operands)

    def started(self) -> Query:
        """The query as a command asks it that begins now: a `$$NOW` in it is the time of this call."""
        if not self.plan.tells_time or self._started:
            return self
        values, now = list(self.values), current_time()
        for leaf in expressions(self.ast):
            values[leaf.operand.index] = values[leaf.operand.index]._replace(now=now)
        query = Query(self.tokens, values, self.plan, self.dialect, self.text)
        query.max_time_ms = self.max_time_ms
        return query

    @cached_property
    def _selection(self) -> Callable[[Iterable[Any]], Iterator[Any]]:
        return self.plan.lowered("python selection", python.lower_selection).bind(self.values)

    def matches(self, document: Document) -> bool:
        """Whether a document matches.

        Args:
            document: a mapping; it is not changed.

        Raises:
            EncodingError: a value that the query looks at is not of BSON's; the error names its path.
        """
        if document.__class__ is not dict:
            check_mapping(document)
        try:
            return self._function(document)
        except EncodingError:
            normalise_document(document)  # raises with the path of the value
            raise

    def filter(self, documents: Iterable[Mappings]) -> Iterator[Mappings]:
        """Those of the documents that match, in order: `matches` of each, without a call for each.

        Args:
            documents: mappings, taken as they are asked for.

        Raises:
            EncodingError: as `matches`, when the document is reached.
        """
        query = self.started()
        return self._selection(documents) if query is self else query.filter(documents)

    def to_python(self) -> Callable[[Document], bool]:
        """The callable; `inspect.getsource` shows its source, and so does a traceback.

        A `$$NOW` in the query is the time of this call. `matches` reads the clock for each document, and `filter`
        for each call.
        """
        query = self.started()
        return self._function if query is self else query.to_python()

    def to_sql(self, dialect: str = "sqlite", *, table: Table | None = None) -> Sql:
        """The query as the condition of a WHERE clause.

        Args:
            dialect: of SQL: `"sqlite"`, `"sqlite-3.38"` for a version before 3.51, `"postgresql"` (or
                `"postgres"`), `"duckdb"`,
                or one that is written and not executed here (`docs/tables.md`).
            table: where fields are columns and which column holds the rest; without it, in SQLite, a column `doc`
                holds documents as a mongoglot store encodes them.

        Returns:
            text with named placeholders, the parameters, and what of the query is not in the text.

        Raises:
            UnsupportedError: there is no such dialect, or it cannot say this, or the table has no such field.
        """
        from mongoglot.engines import postgresql, sql, sqlite
        from mongoglot.engines.sql.table import check_table

        query: BoundPlan = self.started()
        if table is not None:
            check_table(table)
            query = sql.with_encoded_dates(query, table)
        result: Sql
        if dialect in ("sqlite", "sqlite-3.38"):
            result = sqlite.to_sql(query, table, text_only=dialect != "sqlite")
        elif dialect in ("postgresql", "postgres"):  # as URLs may call it
            result = postgresql.to_sql(query, table)
        else:
            result = sql.to_sql(query, dialect, table)
        return result

    def to_mongodb(self) -> dict[str, Any]:
        """The query as a filter for a MongoDB server: what was written, in words that it knows."""
        from mongoglot.engines import mongodb

        return mongodb.to_filter(self)

    def explain(self, table: Table | None = None) -> Explanation:
        """Every stage of this query, as data and as text.

        Args:
            table: that its SQL is for; without one, documents as a store of each engine keeps them.
        """
        from mongoglot.explain import Explanation

        return Explanation(self, table)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self.tokens, self.values, self.dialect, self.text, self.max_time_ms)

    def __repr__(self) -> str:
        return f"<mongoglot query of {len(self.tokens)} tokens and {len(self.values)} values>"
