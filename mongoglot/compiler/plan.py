"""Plans: what is known of all queries of one shape, and the cache of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from functools import cached_property
from itertools import count
from typing import Any, Final, TypeAlias, TypeVar, cast

from mongoglot.compiler.ast import Node, ServerOnly
from mongoglot.compiler.passes import optimise
from mongoglot.compiler.trees import expressions, server_only
from mongoglot.errors import FilterError

Lowered = TypeVar("Lowered")

Native: TypeAlias = Callable[[list[Any], Callable[[str], str]], dict[str, Any]]

CACHE_SIZE: Final = 512

_USES: Final = count(1)


class Plan:
    """One shape: its tree, and what each target made of it, made on first use.

    Attributes:
        ast: the tree as parsed.
        native: makes the filter for a server, of the values and of what makes a pattern of a glob.
        used: a number that is greater the later the plan was used.
    """

    def __init__(self, ast: Node, native: Native) -> None:
        self.ast = ast
        self.native = native
        self.used = 0
        self._lowered: dict[Hashable, Any] = {}
        self._lock = threading.RLock()  # what is lowered for one target may be made of that for another

    @cached_property
    def optimised(self) -> Node:
        """The tree after the passes."""
        return _within_the_stack(lambda: optimise(self.ast))

    @cached_property
    def server_only(self) -> ServerOnly | None:
        """What of it only a server can answer, if there is any."""
        return server_only(self.ast)

    @cached_property
    def has_expressions(self) -> bool:
        """Whether there is an `$expr` in it, whose constants can be wrong."""
        return next(expressions(self.ast), None) is not None

    @cached_property
    def tells_time(self) -> bool:
        """Whether `$$NOW` is in it, which is another time for each command."""
        from mongoglot.compiler.expression_ast import tells_time

        return any(tells_time(leaf.expression) for leaf in expressions(self.ast))

    def lowered(self, key: Hashable, lower: Callable[[Node], Lowered]) -> Lowered:
        """What `lower` makes of the optimised tree; made once for each key.

        Args:
            key: names the target and whatever else `lower` depends on.
            lower: from the tree to the target.
        """
        try:
            return cast("Lowered", self._lowered[key])
        except KeyError:
            with self._lock:
                if key not in self._lowered:
                    self._lowered[key] = _within_the_stack(lambda: lower(self.optimised))
                return cast("Lowered", self._lowered[key])


def _within_the_stack(step: Callable[[], Lowered]) -> Lowered:
    """What a step returns.

    Raises:
        FilterError: the tree is too deep for what the caller has left of Python's stack (code 15).
    """
    try:
        return step()
    except RecursionError:
        raise FilterError(15, "the filter nests deeper than this process can compile") from None


class BoundPlan:
    """A plan with the values of one query: what an engine is given to run.

    Attributes:
        plan: what all queries of the shape share.
        values: the literals of this one, by slot.
        max_time_ms: how long a store may take to answer it; None where nobody said.
    """

    max_time_ms: int | None = None

    def __init__(self, plan: Plan, values: list[Any]) -> None:
        self.plan = plan
        self.values = values

    @property
    def ast(self) -> Node:
        """The tree as parsed, before the passes."""
        return self.plan.ast

    @property
    def optimised(self) -> Node:
        """The tree after the passes."""
        return self.plan.optimised


class PlanCache:
    """The plans of the shapes seen last; safe to share between threads."""

    def __init__(self, size: int = CACHE_SIZE) -> None:
        self._size = size
        self._plans: dict[Hashable, Plan] = {}
        self._oldest: list[tuple[int, Hashable]] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._plans)

    def get(self, key: Hashable, make: Callable[[], Plan]) -> Plan:
        """The plan of a shape; `make` makes it where it is new."""
        plan = self._plans.get(key)  # without the lock: one step of a dict is never seen half done
        if plan is None:
            made = make()
            made.used = next(_USES)
            with self._lock:
                plan = self._plans.setdefault(key, made)
                if len(self._plans) > self._size:
                    self._forget_one()
        plan.used = next(_USES)
        return plan

    def _forget_one(self) -> None:
        """Forget the plan that was used least lately.

        All are put in their order at once. Those that are used meanwhile are later than the rest of them.
        """
        while True:
            if not self._oldest:
                self._oldest = sorted(((plan.used, key) for key, plan in self._plans.items()), key=_by_use)
            used, key = self._oldest.pop()
            if key in self._plans and self._plans[key].used == used:
                del self._plans[key]
                return


def _by_use(item: tuple[int, Hashable]) -> int:
    return -item[0]
