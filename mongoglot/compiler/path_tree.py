"""The paths that a projection names, as a tree: none may be the beginning of another one (semantics 6.1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mongoglot.compiler.ast import Path
from mongoglot.compiler.projection import Tree
from mongoglot.errors import FilterError


def take(tree: Tree, name: str, path: str) -> None:
    """Take note of a path.

    Args:
        tree: of the paths so far.
        name: the path as it is written, perhaps below another one.
        path: the whole of it.

    Raises:
        FilterError: it is the beginning of another one, or has another one as its beginning.
    """
    *parents, last = path.split(".")
    siblings = below(tree, parents, name)
    if last in siblings:
        raise FilterError(31250, f"Path collision at {name}", path=path)
    siblings[last] = None


def open_path(tree: Tree, name: str, path: str) -> None:
    """Take note of a path below which others follow.

    Raises:
        FilterError: it was named itself before, or has one that was as its beginning.
    """
    *parents, last = path.split(".")
    if below(tree, parents, name).setdefault(last, {}) is None:
        raise FilterError(31250, f"Path collision at {name}", path=path)


def paths(tree: Tree, prefix: Path = ()) -> Iterator[Path]:
    """The paths of a tree, depth first."""
    for name, inner in tree.items():
        if inner is None:
            yield (*prefix, name)
        else:
            yield from paths(inner, (*prefix, name))


def below(tree: Tree, parents: Sequence[str], name: str) -> Tree:
    """The part of the tree below some components of a path, which becomes one where it is none.

    Raises:
        FilterError: one of them was named itself.
    """
    for index, part in enumerate(parents):
        inner = tree.setdefault(part, {})
        if inner is None:
            remaining = ".".join([*parents[index + 1 :], name.rpartition(".")[2]])
            raise FilterError(31249, f"Path collision at {name} remaining portion {remaining}")
        tree = inner
    return tree
