"""Paths: the sequence of elements that a dotted path yields in a document (semantics, section 2)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mongoglot.compiler.ast import Path
from mongoglot.compiler.values import MAX_DEPTH, MISSING, Document, as_mapping, is_array, is_document
from mongoglot.errors import EncodingTypeError

_ARRAY_INDEX = re.compile(r"0|[1-9][0-9]*")


def array_index(part: str) -> int | None:
    """The array index that a path component names beside being a field name, or None (`'00'`, `'-1'`)."""
    return int(part) if _ARRAY_INDEX.fullmatch(part) else None


def elements(document: Document, path: Path, *, expand: bool = True) -> Iterator[Any]:
    """The elements that the path yields, `MISSING` among them where a field is absent.

    Args:
        document: where the path starts.
        path: without components it yields the document itself, unexpanded.
        expand: whether an array at the end yields its elements before itself; `$exists` sees only itself.
    """
    if path:
        yield from _of_object(document, path, 0, expand)
    else:
        yield document


def _of_object(value: Document, path: Path, depth: int, expand: bool) -> Iterator[Any]:
    """What an object yields for the components of the path from `depth` on."""
    child = value.get(path[depth], MISSING)
    depth += 1
    if depth > MAX_DEPTH:
        raise EncodingTypeError(f"BSON documents nest at most {MAX_DEPTH} levels")
    if depth == len(path):
        yield from _at_end(child, expand)
    elif is_document(child):
        yield from _of_object(as_mapping(child), path, depth, expand)
    elif is_array(child):
        yield from _of_array(child, path, depth, expand)
    else:
        yield MISSING


def _of_array(value: Any, path: Path, depth: int, expand: bool) -> Iterator[Any]:
    """What an array with components left yields: its objects by name, and one element by index."""
    last = depth + 1 == len(path)
    if last and path[depth] == "":  # the server reads 'a.' on an array as if the dot were not there
        yield from _at_end(value, expand)
        return
    for item in value:
        if is_document(item):
            yield from _of_object(as_mapping(item), path, depth, expand)
    index = array_index(path[depth])
    if index is None or index >= len(value):
        return
    chosen = value[index]
    if last:
        yield chosen
    elif is_document(chosen):
        yield from _of_object(as_mapping(chosen), path, depth + 1, expand)
    elif is_array(chosen):
        yield from _of_array(chosen, path, depth + 1, expand)


def _at_end(value: Any, expand: bool) -> Iterator[Any]:
    if expand and is_array(value):
        yield from value
    yield value
