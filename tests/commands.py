"""Calling the command line in this process, and the folder that its tests and the examples of its help work in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

import mongoglot
from mongoglot.cli.main import main

if TYPE_CHECKING:
    from click.testing import Result

PEOPLE = [
    {"_id": 1, "name": "Ann", "age": 31, "tags": ["a", "b"], "home": {"city": "Oslo"}},
    {"_id": 2, "name": "bob", "age": 25.5},
    {"_id": 3, "name": "Åse", "age": None, "home": {"city": "Bergen"}},
]


def run(*arguments: str, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, arguments, input=stdin, prog_name="mongoglot")


@pytest.fixture
def people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a store of three people, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    with mongoglot.connect("sqlite:people.db") as store:
        store["people"].insert_many(PEOPLE)
    return tmp_path
