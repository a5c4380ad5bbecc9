"""Who may import whom, read from the sources: also inside functions and for the type checker only."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import mongoglot

ROOT = Path(mongoglot.__file__).parent

LAYERS: tuple[frozenset[str], ...] = (
    frozenset({"errors", "pymongo_names"}),
    frozenset({"compiler"}),
    frozenset({"grammar"}),
    frozenset({"engines"}),
    frozenset(
        {"query", "lookalikes", "notes", "explain", "debug", "card", "tree", "projections"}
        | {"sql_stages", "sql_text", "xml_text"}
    ),
    frozenset({"store", "cursor", "tables", "aio"}),
    frozenset({""}),  # the package itself, with the public names
    frozenset({"taskdb"}),
    frozenset({"cli", "__main__", "testing", "magic"}),
)
"""From the bottom to the top: each may import itself and those before it."""

NEIGHBOURS = {("engines", "grammar")}
"""These stand side by side: neither knows the other."""

SHARED_BY_ENGINES = {"asynchronous", "base", "culling", "python"}
SQL_ENGINES = {"sql", "sqlite", "duckdb", "postgresql"}

FOREIGN = {
    "lark": ("grammar",),
    "sqlglot": ("engines.sql",),
    "apsw": ("engines.sqlite", "tables.drivers"),
    "psycopg": ("engines.postgresql", "tables.drivers"),
    "duckdb": ("engines.duckdb", "tables.drivers"),
    "sqlalchemy": ("engines.sql.statement",),
    "pymongo": ("engines.mongodb",),
    "ipyparallel": ("taskdb.ipyparallel",),
    "hypothesis": ("testing.strategies",),
    "orjson": ("engines.sqlite",),
}
"""Heavy libraries, and the only parts of the package that may import them."""

MODULES = {
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in ROOT.rglob("*.py")
}


def imports_of(source: str, module: str, *, is_package: bool) -> Iterator[str]:
    """The full names of all that a module imports, wherever the statement stands."""
    package = module if is_package else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(name, names, level):
                parents = package.split(".")[: len(package.split(".")) - (level or 0) + 1]
                base = ".".join([*parents, name] if name and level else parents if level else [name or ""])
                yield from (f"{base}.{alias.name}" for alias in names)
            case ast.Call(
                ast.Name("__import__") | ast.Attribute(attr="import_module") | ast.Name("import_module")
            ):
                yield "importlib"
            case _:
                pass


def own_module(name: str) -> str:
    """The module of the package that an imported name stands for, or in."""
    return name if name in MODULES else name.rpartition(".")[0]


def every_import() -> Iterator[tuple[str, str]]:
    """Importing module and imported name, for the whole package."""
    for module, path in MODULES.items():
        for name in imports_of(path.read_text("utf-8"), module, is_package=path.name == "__init__.py"):
            yield module, name


def parts(module: str) -> list[str]:
    """The module's name below the package: of `mongoglot` itself, one empty part."""
    return module.removeprefix("mongoglot").removeprefix(".").split(".")


def layer(module: str) -> int:
    """The number of a module's layer; every module has its place in the list above."""
    (found,) = [number for number, names in enumerate(LAYERS) if parts(module)[0] in names]
    return found


def may_import(importer: str, imported: str) -> bool:
    """Whether one module of the package may import another one."""
    above, below = parts(importer), parts(imported)
    if above[0] == below[0] == "engines":
        return len(below) == 1 or engine_may_import(above[1] if len(above) > 1 else "", below[1])
    return layer(imported) <= layer(importer) and (above[0], below[0]) not in NEIGHBOURS


def engine_may_import(importer: str, imported: str) -> bool:
    """Whether a part of `engines` may import another one."""
    if importer == "python":
        return imported == "python"
    return (
        importer == imported
        or imported in SHARED_BY_ENGINES
        or (imported == "sql" and importer in SQL_ENGINES)
    )


def test_imports_are_found_wherever_they_stand() -> None:
    source = (
        "import a.b as c\nfrom d import e\nfrom . import f\nfrom .g import h\nfrom ..i import j\n"
        "if TYPE_CHECKING:\n    import k\ndef m():\n    import n\n    import_module('o')\n"
    )
    found = set(imports_of(source, "p.q.r", is_package=False))
    assert found == {"a.b", "d.e", "p.q.f", "p.q.g.h", "p.i.j", "k", "n", "importlib"}
    assert set(imports_of("from . import f", "p.q", is_package=True)) == {"p.q.f"}


def test_every_module_has_a_layer() -> None:
    assert len(MODULES) > 30
    assert [module for module in MODULES if not any(parts(module)[0] in names for names in LAYERS)] == []


def test_lower_layers_know_nothing_of_higher_ones() -> None:
    own = [pair for pair in every_import() if pair[1].split(".")[0] == "mongoglot"]
    assert len(own) > 150
    wrong = [f"{module} imports {name}" for module, name in own if not may_import(module, own_module(name))]
    assert wrong == []


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("compiler.residual", "engines.base"),
        ("compiler.values", "grammar.tokens"),
        ("compiler.plan", "query"),
        ("grammar.parser", "engines.python"),
        ("engines.memory.backend", "grammar.tokens"),
        ("engines.memory.backend", "engines.sqlite"),
        ("engines.mongodb.backend", "engines.sql.nodes"),
        ("engines.sql.nodes", "engines.sqlite.encoding"),
        ("engines.python.lowering", "engines.base"),
        ("engines.base", "engines.memory"),
        ("engines.null.backend", "store"),
        ("query", "store"),
        ("store", ""),
        ("taskdb.schema", "cli"),
        ("errors", "compiler.values"),
    ],
)
def test_what_must_not_be(importer: str, imported: str) -> None:
    assert not may_import(f"mongoglot.{importer}", f"mongoglot.{imported}".removesuffix("."))


def test_only_one_place_knows_a_library() -> None:
    wrong, seen = [], set()
    for module, name in every_import():
        library = name.split(".")[0]
        allowed = tuple(f"mongoglot.{place}" for place in FOREIGN.get(library, ()))
        if allowed:
            seen.add(library)
        if allowed and not any(module == place or module.startswith(place + ".") for place in allowed):
            wrong.append(f"{module} imports {library}")
    assert wrong == []
    assert seen >= {"lark", "sqlglot", "apsw", "pymongo"}


def test_nothing_is_imported_by_a_name_in_a_string() -> None:
    # but for the public names, which the next test looks at, and the commands
    found = [module for module, name in every_import() if name == "importlib"]
    assert set(found) == {"mongoglot", "mongoglot.cli.main"}


def test_the_public_names_come_from_where_type_checkers_find_them() -> None:
    for module, name in every_import():
        if module == "mongoglot" and name.startswith("mongoglot."):
            home, _, public = name.rpartition(".")
            assert getattr(mongoglot, public) is getattr(importlib.import_module(home), public)
    assert {name for name in mongoglot.__all__ if not hasattr(mongoglot, name)} == set()
    with pytest.raises(AttributeError, match="module 'mongoglot' has no attribute 'no_such_name'"):
        mongoglot.no_such_name  # type: ignore[attr-defined]  # noqa: B018 - reading it is what fails


def loaded_by(statement: str) -> set[str]:
    """The libraries that a new interpreter has loaded after a statement."""
    report = f"import sys, mongoglot; {statement}; print(*(set(sys.modules) & set({sorted(FOREIGN)})))"
    done = subprocess.run(
        [sys.executable, "-c", report], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("statement", "libraries"),
    [
        ("pass", set[str]()),
        ("mongoglot.to_text({'a': 1})", set[str]()),
        ("mongoglot.from_text('{a: 1}')", {"lark"}),
        ("mongoglot.compile({'a': 1}).matches({})", {"lark"}),
        ("next(mongoglot.connect('memory:')['a'].find({'a': 1}), 0)", {"lark"}),
        ("mongoglot.compile({'a': 1}).to_mongodb()", {"lark"}),
        ("mongoglot.compile({'a': 1}).to_sql()", {"lark", "orjson", "sqlglot"}),
        (
            "next(mongoglot.connect('sqlite::memory:')['a'].find({'a': 1}), 0)",
            {"lark", "orjson", "sqlglot", "apsw"},
        ),
    ],
)  # fmt: skip
def test_libraries_load_when_they_are_needed(statement: str, libraries: set[str]) -> None:
    assert loaded_by(statement) == libraries
