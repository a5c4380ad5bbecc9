"""The engine of docs/new-engine.md, installed as its own distribution: mongoglot does not know it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SHELF = Path(__file__).parent / "shelf"
FILES = ("pyproject.toml", "shelf.py", "shelf_ranges.py", "test_shelf.py")

MAX_LINES = 100


@pytest.mark.parametrize("name", FILES)
def test_the_page_shows_the_files(name: str) -> None:
    page = (ROOT / "docs" / "new-engine.md").read_text(encoding="utf-8")
    (shown,) = re.findall(rf"^```\w+\n(# {re.escape(name)}\n.*?)^```$", page, re.M | re.S)
    assert shown == (SHELF / name).read_text(encoding="utf-8")


def test_it_is_short() -> None:
    lines = [line for name in FILES[1:3] for line in (SHELF / name).read_text(encoding="utf-8").splitlines()]
    count = sum(bool(line.strip()) and not line.startswith("#") for line in lines)
    assert f"in {count} lines" in (ROOT / "docs" / "new-engine.md").read_text(encoding="utf-8")
    assert count < MAX_LINES


def test_its_own_tests_pass_where_it_is_installed(tmp_path: Path) -> None:
    site = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    install += ["--disable-pip-version-check", "--root-user-action=ignore", "--target", str(site)]
    subprocess.run([*install, str(SHELF)], check=True)
    (tmp_path / "test_shelf.py").write_text((SHELF / "test_shelf.py").read_text(encoding="utf-8"))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)])}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_shelf.py"],
        cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert "4 passed" in done.stdout, done.stdout + done.stderr
