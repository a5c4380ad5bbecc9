"""The site of the documentation is built strictly, has the pages that it should have, and fetches nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mkdocs.utils.yaml import yaml_load

from tests import api_page, picture

ROOT = Path(__file__).parent.parent
PAGES = {page.name for page in (ROOT / "docs").glob("*.md")}
OUTSIDE = {"contributing.md", "changes.md"}
"""Pages that are made of files in the root of the repository."""


def build(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder, *options],
        cwd=ROOT, capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = build(folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_pages(site: Path) -> None:
    made = {str(page.relative_to(site).with_suffix(".md")) for page in site.glob("*.html")}
    assert made == PAGES | OUTSIDE | {"404.md"}


def listed(entries: list[Any]) -> list[str]:
    """The pages of a navigation, in order."""
    return [
        page for entry in entries for page in ([entry] if isinstance(entry, str) else listed(*entry.values()))
    ]


def test_each_page_is_in_the_navigation_once() -> None:
    settings = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert sorted(listed(yaml_load(settings)["nav"])) == sorted(PAGES | OUTSIDE)


def test_nothing_is_fetched(site: Path) -> None:
    loaded = r'<(?:script|img|link|iframe)[^>]*(?:src|href)="?(https?:[^" >]*)'
    for page in site.rglob("*.html"):
        assert re.findall(loaded, page.read_text(encoding="utf-8")) == [], page


def test_code_that_a_page_cites_is_a_page(site: Path) -> None:
    page = (site / "how-it-works.html").read_text(encoding="utf-8")
    cited = set(re.findall(r'href="(source/[^"#]*)"', page))
    assert len(cited) > 5
    assert "class Compare" in re.sub(
        r"<.*?>", "", (site / "source/mongoglot/compiler/ast.py.html").read_text()
    )
    assert all((site / path).is_file() for path in cited)


def test_examples_are_coloured_as_sessions(site: Path) -> None:
    prompt = '<span class="gp">&gt;&gt;&gt; </span>'
    assert prompt in (site / "tutorial.html").read_text(encoding="utf-8")


def test_links_that_lead_nowhere_fail(tmp_path: Path) -> None:
    """The check of the checker: its configuration, and a page with links of each kind."""
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "hooks.py").write_text((ROOT / "docs" / "hooks.py").read_text(encoding="utf-8"), encoding="utf-8")
    for name in ("CONTRIBUTING.md", "CHANGELOG.md", "docs/why.md", "code.py"):
        (tmp_path / name).write_text("# A page\n", encoding="utf-8")
    settings = tmp_path / "mkdocs.yml"
    settings.write_text(
        (ROOT / "mkdocs.yml").read_text(encoding="utf-8").split("\nnav:")[0], encoding="utf-8"
    )
    right = "[a](why.md) [b](why.md#a-page) [c](../code.py) [d](../CHANGELOG.md)"
    wrong = "[a](nowhere.md) [b](why.md#nowhere) [c](../nowhere.py)"
    for text, fails in ((right, False), (wrong, True)):
        (docs / "index.md").write_text(f"# Home\n\n{text}\n", encoding="utf-8")
        done = build(tmp_path / "site", "-f", str(settings))
        assert (done.returncode != 0) == fails, done.stderr
    for link in ("nowhere.md", "#nowhere", "source/nowhere.py.md"):
        assert f"{link}'" in done.stderr, done.stderr


# ---- what is generated -----------------------------------------------------------------------------


def test_the_picture_is_what_the_compiler_prints() -> None:
    """Where this fails: `python -m tests.picture`."""
    assert picture.PATH.read_text(encoding="utf-8") == picture.drawing()


def test_the_page_of_the_interface_is_what_the_code_says() -> None:
    """Where this fails: `python -m tests.api_page`."""
    assert api_page.PAGE.read_text(encoding="utf-8") == api_page.page()
