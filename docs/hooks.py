"""The pages of the site that lie outside docs/, and links to them; MkDocs calls these functions.

CONTRIBUTING.md and CHANGELOG.md become pages of the site, and each file of code that a page links becomes a page
that shows it, so that the site is whole wherever it lies.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

DOCS = "docs/"
SOURCE = "source/"
OUTSIDE = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changes.md"}
"""Pages of the root of the repository, and where they are in the site."""

FENCED = re.compile(r"^(```.*?^```$)", re.M | re.S)
LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)#\s]+)")


def place(path: str) -> str:
    """Where the site has a file, which is given by its path in the repository: `docs/why.md` is `why.md`."""
    if path.startswith(DOCS):
        return path.removeprefix(DOCS)
    return OUTSIDE.get(path, f"{SOURCE}{path}.md")


def folder(page: str) -> str:
    """The folder of the repository from which the links of a page of the site lead."""
    return "" if page in OUTSIDE.values() else DOCS


def linked(text: str, page: str) -> set[str]:
    """The files outside docs/ that a page links, by their paths in the repository."""
    words = "".join(FENCED.split(text)[::2])
    paths = {posixpath.normpath(folder(page) + link) for link in LINK.findall(words)}
    return {path for path in paths if not path.startswith(DOCS)}


def shown(root: Path, path: str) -> str:
    """A page that shows a file of code."""
    language = "python" if path.endswith(".py") else "text"
    code = (root / path).read_text(encoding="utf-8")
    return f"---\nsearch:\n  exclude: true\n---\n# {path}\n\n~~~~{language}\n{code}~~~~\n"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie outside docs/."""
    root = Path(config.config_file_path).parent
    for path, page in OUTSIDE.items():
        text = (root / path).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text))
    cited: set[str] = set()
    for file in files.documentation_pages():
        cited |= linked(file.content_string, file.src_uri)
    for path in sorted(cited - OUTSIDE.keys()):
        if (root / path).is_file():  # MkDocs tells of all others
            files.append(File.generated(config, place(path), content=shown(root, path)))
    return files


def on_page_markdown(markdown: str, *, page: Page, **_: object) -> str:
    """Lead links to where the site has the files, and colour examples as sessions of Python."""
    if page.file.src_uri.startswith(SOURCE):
        return markdown
    origin = folder(page.file.src_uri)
    parts = FENCED.split(markdown)
    parts[::2] = [
        LINK.sub(lambda link: place(posixpath.normpath(origin + link[1])), part) for part in parts[::2]
    ]
    parts[1::2] = [re.sub(r"\A```python\n(?=>>> )", "```pycon\n", part) for part in parts[1::2]]
    return "".join(parts)
