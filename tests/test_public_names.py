"""The public names: which there are, that each says what it does, and what type checkers make of them."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import is_dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import pytest

import mongoglot
from mongoglot.taskdb import TaskDatabase

ROOT = Path(__file__).parent.parent

NAMES: Final[dict[str, tuple[str, ...]]] = {
    "mongoglot": (
        "Allow", "Collection", "Column", "Cursor", "DeleteResult", "DuplicateKeyError",
        "EncodingError", "Explanation", "FilterError", "InsertManyResult", "InsertOneResult",
        "MongoglotError", "NoDataError", "NotAllowedError", "NotYetError", "Query", "Sql", "Store",
        "StoreError", "Table", "TimeLimitError", "UnknownTaskError", "UnsupportedError",
        "UpdateResult", "WriteError", "compile", "connect", "find", "from_text", "reflect",
        "register_functions", "to_text",
    ),
    "mongoglot.aio": ("AsyncCollection", "AsyncCursor", "AsyncStore", "Opening", "connect"),
    "mongoglot.cursor": ("Cursor",),
    "mongoglot.debug": ("Pass", "SqlStage", "Stages", "Tree", "stages"),
    "mongoglot.store": (
        "Bound", "Collection", "DeleteResult", "Filter", "InsertManyResult", "InsertOneResult", "Store",
        "UpdateResult", "Verification", "connect",
    ),
    "mongoglot.taskdb": ("Retention", "TaskDatabase", "UnknownTaskError", "import_history", "record"),
    "mongoglot.testing": (
        "LANGUAGE", "Difference", "Outcome", "assert_agreement", "assert_recorded", "differing",
        "each_with_each", "minimal_differences", "outcome", "random_documents", "random_filter",
    ),
}  # fmt: skip
"""What programs may rely on, by module. A change here is a change of the interface, and stands in CHANGELOG.md."""

NOT_SAID: Final = frozenset({"LANGUAGE", "Bound", "Filter", "Outcome"})
"""Values and types, which have no docstring of their own at run time."""

Member = tuple[str, Any]


@pytest.mark.parametrize("module", NAMES)
def test_the_names_are_pinned(module: str) -> None:
    found = importlib.import_module(module)
    assert sorted(found.__all__) == sorted(NAMES[module])
    assert [name for name in NAMES[module] if not hasattr(found, name)] == []


def public() -> Iterator[Member]:
    """Each public name and what it stands for, then what a class has that others may use."""
    for module, names in NAMES.items():
        for name in sorted(set(names) - NOT_SAID):
            value = getattr(importlib.import_module(module), name)
            yield f"{module}.{name}", value
            if inspect.isclass(value):
                for member, found in vars(value).items():
                    if not member.startswith("_") and is_code(found) and not issubclass(value, Exception):
                        yield f"{module}.{name}.{member}", found


def is_code(value: Any) -> bool:
    """Whether a member of a class is a method or a property, and so has a docstring."""
    return inspect.isroutine(value) or isinstance(
        value, (property, cached_property, classmethod, staticmethod)
    )


def function_of(value: Any) -> Any:
    """The function that a method, a property or a class is called by."""
    if isinstance(value, property):
        return value.fget
    if isinstance(value, cached_property):
        return value.func
    if isinstance(value, (classmethod, staticmethod)):
        return value.__func__
    return value


def parameters_of(value: Any) -> list[str]:
    """What a caller passes; of a class that callers make objects of, to its constructor."""
    made_by_callers = is_dataclass(value) or value is TaskDatabase
    if isinstance(value, (property, cached_property)) or (inspect.isclass(value) and not made_by_callers):
        return []
    taken = inspect.signature(function_of(value)).parameters
    return [name for name in taken if name not in ("self", "cls") and not name.startswith("_")]


MEMBERS = dict(public())


def test_there_are_members() -> None:
    assert len(MEMBERS) > 120


@pytest.mark.parametrize("name", MEMBERS)
def test_each_says_what_it_does(name: str) -> None:
    said = inspect.getdoc(function_of(MEMBERS[name])) or ""
    first = said.split("\n\n")[0]
    assert first.rstrip().endswith((".", "`", ":")), said
    assert len(first) > 10


@pytest.mark.parametrize("name", [name for name, value in MEMBERS.items() if parameters_of(value)])
def test_each_says_what_it_takes(name: str) -> None:
    said = inspect.getdoc(MEMBERS[name]) or ""
    sections = re.findall(r"^(?:Args|Attributes):\n((?:[ ]+.*\n?)+)", said, re.M)
    lines = re.findall(r"^ {4}([\w, *]+):", "".join(sections), re.M)
    told = {word.strip("*") for words in lines for word in words.split(", ")}
    other = re.search(r"(?:[Ss]ee|as) `\w+", said) is not None
    missing = [each for each in parameters_of(MEMBERS[name]) if each not in told]
    assert not missing or other, f"{name} says nothing of {missing}"


def raised(function: Any) -> set[str]:
    """The names of the errors that stand in `raise` statements of a function."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.Raise(ast.Call(ast.Name(name))) | ast.Raise(ast.Name(name)) if name.endswith("Error"):
                found.add(name)
            case _:
                pass
    return found


@pytest.mark.parametrize("name", [name for name, value in MEMBERS.items() if not inspect.isclass(value)])
def test_each_says_what_it_raises(name: str) -> None:
    function = function_of(MEMBERS[name])
    said = inspect.getdoc(function) or ""
    (section,) = re.findall(r"^Raises:\n((?:[ ]+.*\n?)+)", said, re.M) or [""]
    assert [each for each in raised(function) if each not in section] == []


def test_type_checkers_see_the_types_and_the_mistakes() -> None:
    """`tests/type_checks` says the type of each call, and has mistakes that mypy must find."""
    options = [
        "--config-file",
        str(ROOT / "tests" / "type_checks" / "mypy.ini"),
        "--cache-dir",
        str(ROOT / ".mypy_cache" / "public"),
    ]
    command = [sys.executable, "-m", "mypy", *options, str(ROOT / "tests" / "type_checks")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_types_are_shipped() -> None:
    assert (Path(mongoglot.__file__).parent / "py.typed").is_file()
    for name in ("compile", "connect", "find", "from_text", "reflect", "register_functions", "to_text"):
        for parameter in inspect.signature(getattr(mongoglot, name)).parameters.values():
            assert parameter.annotation is not parameter.empty, f"{name}: {parameter}"
