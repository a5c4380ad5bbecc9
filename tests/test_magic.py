"""`%%mongoglot` in a shell of IPython."""

from __future__ import annotations

import atexit
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import mongoglot

PEOPLE = [{"_id": 1, "name": "Ada", "age": 36}, {"_id": 2, "name": "Bob", "age": 7}, {"_id": 3, "name": "Cy"}]


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """A shell that leaves nothing behind."""
    testing = pytest.importorskip("IPython.core.interactiveshell", reason="IPython has the shell")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setattr(sys, "displayhook", sys.displayhook)
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # which a shell takes the place of
    made = testing.InteractiveShell()
    try:
        made.history_manager.enabled = False
        made.run_line_magic("load_ext", "mongoglot")
        yield made
    finally:
        atexit.unregister(made.atexit_operations)
        made.atexit_operations()


@pytest.fixture
def people(tmp_path: Path) -> str:
    """A file with a collection, as the magic names it."""
    path = tmp_path / "people of the town.db"
    with mongoglot.connect(f"sqlite:{path}") as store:
        store["people"].insert_many(PEOPLE)
    return f"'sqlite:{path}/people'"


def test_a_cell_is_a_filter(shell: Any, people: str) -> None:
    pytest.importorskip("pandas", reason="pandas makes the frame")
    result = shell.run_cell(
        f"%%mongoglot {people} -k name,age -s -age -n 5\n{{age: {{$gte: 7}}}}  // a comment"
    )
    assert result.success
    assert result.result.to_dict("records") == [
        {"_id": 1, "name": "Ada", "age": 36},
        {"_id": 2, "name": "Bob", "age": 7},
    ]


def test_forms_and_names(shell: Any, people: str) -> None:
    assert shell.run_cell_magic("mongoglot", f"{people} -f list -s _id", "{}") == PEOPLE
    assert shell.run_cell_magic("mongoglot", f"{people} -f arrow --skip 2 -s _id -o kept", "{}") is None
    assert shell.user_ns["kept"].to_pylist() == PEOPLE[2:]


def test_without_pandas_it_is_a_list(shell: Any, people: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mongoglot.magic.find_spec", lambda _: None)
    assert shell.run_cell_magic("mongoglot", people, "{age: 7}") == PEOPLE[1:2]


def test_a_variable_that_holds_a_collection(shell: Any) -> None:
    with mongoglot.connect("memory:") as store:
        store["people"].insert_many(PEOPLE)
        shell.user_ns["townspeople"] = store["people"]
        assert shell.run_cell_magic("mongoglot", "townspeople -f list", '{name: "Cy"}') == PEOPLE[2:]


@pytest.mark.parametrize(
    ("line", "cell", "said"),
    [
        ("people.db/people", "{}", "there is no file 'people.db'"),
        ("people", "{}", "'people' is neither a variable that holds a collection nor URL/COLLECTION"),
        ("", "{}", "Missing argument 'URL/COLLECTION'"),
        ("memory:/people -n many", "{}", "Invalid value for '-n' / '--limit'"),
        ("memory:/people 'x", "{}", "the first line of the cell cannot be read: No closing quotation"),
        ("memory:/people", "{age: {$gt 5}}", "line 1, column 12"),
        ("memory:/people", "{age: {$gtt: 5}}", "$gt"),
        ("memory:/people --skip -1", "{}", "x>=0"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    shell: Any, line: str, cell: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    result = shell.run_cell(f"%%mongoglot {line}\n{cell}")
    assert not result.success
    assert type(result.error_in_exec).__name__ == "UsageError"
    assert said in str(result.error_in_exec)
    assert "Traceback" not in "".join(capsys.readouterr())


def test_the_cells_of_the_documentation(
    shell: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pandas", reason="pandas makes the frame")
    monkeypatch.chdir(tmp_path)
    with mongoglot.connect("sqlite:async.db") as store:
        store["people"].insert_many(PEOPLE)
    page = (Path(__file__).parent.parent / "docs" / "async.md").read_text(encoding="utf-8")
    cell, table, wrong, error = re.findall(r"^```text\n(.*?)^```$", page, re.M | re.S)
    assert str(shell.run_cell(cell).result) == table.rstrip("\n")
    capsys.readouterr()
    assert not shell.run_cell(wrong).success
    assert capsys.readouterr().err == error


def test_its_help(shell: Any) -> None:
    assert "%%mongoglot URL/COLLECTION" in shell.magics_manager.magics["cell"]["mongoglot"].__doc__
