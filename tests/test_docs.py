"""The documentation is true: its examples run, its links lead somewhere, its lists and figures are the code's."""

from __future__ import annotations

import doctest
import re
import shlex
import subprocess
import sys
import tomllib
import uuid
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from click.testing import CliRunner

from mongoglot import compile, errors
from mongoglot.cli.main import main
from mongoglot.compiler.pcre import translate
from mongoglot.grammar.operators import OPERATORS
from mongoglot.testing.deviations import DEVIATIONS
from tests import test_conformance, test_mutants
from tests.column_support import COLUMNS, table_of_columns
from tests.conftest import with_database
from tests.pages import OPTIONS, ROOT, examples, install, run, sections
from tests.postgres import new_database
from tests.support import SAMPLES, table_of_support

if TYPE_CHECKING:
    from pymongo.collection import Collection
    from pymongo.database import Database

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]

WITHOUT_EXAMPLES = {
    "CHANGELOG.md", "CONTRIBUTING.md",
    "docs/index.md", "docs/benchmarks.md", "docs/dependencies.md", "docs/glossary.md", "docs/messages.md",
}  # fmt: skip
"""Pages that only tell; every other page has to show."""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory that is empty but for the data of the demo; modules in it can be imported."""
    (tmp_path / "demo").symlink_to(ROOT / "demo")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", NAMES)
def test_examples(name: str, here: Path) -> None:
    install(name, here)
    alone = (part for part in sections(name) if not (part.needs_server or part.needs_postgresql))
    run(name, alone)


def test_the_tutorial_goes_on_where_the_readme_ends(here: Path) -> None:
    """A reader stays in one folder."""
    for name in ("README.md", "docs/tutorial.md"):
        run(name, sections(name))
    assert {"novels.db", "library.db"} <= {path.name for path in here.iterdir()}


_STORED = re.compile(r"[\w-]+\.(?:db|duckdb|parquet|ndjson)\b")


def test_no_two_pages_make_the_same_file() -> None:
    """The examples of one page do not find what those of another have left in the folder."""
    pages: dict[str, set[str]] = {}
    for name in NAMES:
        sources = "".join(example.source for section in sections(name) for example in examples(section))
        for file in _STORED.findall(sources):
            pages.setdefault(file, set()).add(name)
    assert len(pages) > 10
    assert {file: names for file, names in pages.items() if len(names) > 1} == {}


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("name", NAMES)
def test_examples_with_a_server(name: str, request: pytest.FixtureRequest) -> None:
    parts = [section for section in sections(name) if section.needs_server]
    if parts:
        server = with_database(request.getfixturevalue("mongod_url"), f"docs_{uuid.uuid4().hex[:12]}")
        for part in parts:
            run(name, [part], server)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("here")
def test_examples_with_postgresql(name: str, request: pytest.FixtureRequest) -> None:
    for part in sections(name):
        if part.needs_postgresql:
            with new_database(request.getfixturevalue("postgresql_url")) as url:
                run(name, [part], postgresql=url)


class AskedTwice:
    """A compiled query whose every answer must be the real server's."""

    asked: ClassVar[list[bool]] = []

    def __init__(self, collection: Collection[dict[str, Any]], filter: dict[str, Any]) -> None:
        self.query = compile(filter)
        self.collection = collection
        self.filter = filter

    def matches(self, document: dict[str, Any]) -> bool:
        """Whether a document matches, here and there."""
        self.collection.delete_many({})
        self.collection.insert_one(dict(document))
        answer = self.query.matches(document)
        assert answer == bool(self.collection.count_documents(self.filter)), f"{self.filter}: {document}"
        self.asked.append(answer)
        return answer


def test_semantics_are_those_of_a_server(
    server: Database[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    collection = server["semantics"]
    monkeypatch.setattr("mongoglot.compile", lambda filter: AskedTwice(collection, filter))
    AskedTwice.asked.clear()
    run("docs/semantics.md", sections("docs/semantics.md"))
    assert len(AskedTwice.asked) > 100
    assert {True, False} == set(AskedTwice.asked)


@pytest.mark.parametrize("name", NAMES)
def test_each_page_shows_what_it_tells(name: str) -> None:
    count = sum(len(examples(section)) for section in sections(name))
    assert (count == 0) == (name in WITHOUT_EXAMPLES), f"{name} has {count} examples"


def test_the_parser_of_pages_finds_a_wrong_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "page.md").write_text("# A\n\n```python\n>>> 1 + 1\n2\n>>> 1 + 1\n3\n```\n", encoding="utf-8")
    monkeypatch.setattr("tests.pages.ROOT", tmp_path)
    with pytest.raises(
        AssertionError, match=r"line 6, in page.md\s+Failed example:\s+1 \+ 1\s+Expected:\s+3"
    ):
        run("page.md", sections("page.md"))


# ---- links -----------------------------------------------------------------------------------------


def anchors(name: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", (ROOT / name).read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", NAMES)
def test_links(name: str) -> None:
    text = re.sub(r"^```.*?^```$", "", (ROOT / name).read_text(encoding="utf-8"), flags=re.M | re.S)
    wrong = []
    for link in re.findall(r"(?<!`)\[[^\]\n]+\]\(([^)\s]+)\)", text):
        if link.startswith(("https://", "http://")):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / name).parent / path if path else ROOT / name
        if not target.exists():
            wrong.append(f"{link}: there is no such file")
        elif anchor and anchor not in anchors(str(target.resolve().relative_to(ROOT))):
            wrong.append(f"{link}: no heading of that name")
    assert not wrong


def test_the_index_names_every_page() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    missing = [name for name in NAMES if name.startswith("docs/") and f"({name[5:]})" not in index]
    assert missing == ["docs/index.md"]


# ---- commands, lists and figures ----------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_commands_that_call_make(name: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    text = (ROOT / name).read_text(encoding="utf-8")
    called = set(re.findall(r"^\$ make ([a-z-]+)", text, re.M)) | set(re.findall(r"`make ([a-z-]+)`", text))
    assert called <= targets
    if name == "README.md":
        assert called >= {"demo", "test"}


def test_the_output_of_the_demo_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^\$ make demo\n(.*?)^```$", readme, re.M | re.S)
    done = subprocess.run(
        [sys.executable, ROOT / "demo" / "demo.py"], capture_output=True, encoding="utf-8", check=True
    )
    printed = f"make's own line\n{done.stdout}"
    assert doctest.OutputChecker().check_output(shown, printed, OPTIONS), done.stdout[:2000]


def test_the_demo_may_be_cut_short_and_be_looked_at(here: Path) -> None:
    command = [sys.executable, "demo/demo.py", "--store", "sqlite:kept.db"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as cut:
        assert cut.stdout is not None
        cut.stdout.close()  # before anything is written, as `| head` does after its lines
        assert cut.stderr is not None
        assert (cut.stderr.read(), cut.wait(timeout=60)) == (b"", 0)
    whole = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    (line,) = re.findall(r"^More of them: mongoglot (.*)$", whole.stdout, re.M)
    listed = CliRunner().invoke(main, shlex.split(line), prog_name="mongoglot")
    assert len(listed.stdout.splitlines()) == 50
    assert (here / "kept.db").exists()


def test_the_commands_on_top_of_the_page_on_the_command_line(here: Path) -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    made, *commands = re.findall(r"^\$ (.*)$", page.split("```")[1], re.M)
    subprocess.run(made, shell=True, check=True)  # noqa: S602 - it is ours
    (here / "mongoglot-tasks.db").touch()
    for command in commands:
        done = CliRunner().invoke(main, shlex.split(command)[1:], prog_name="mongoglot")
        assert (done.exit_code, bool(done.output)) == (0, True), command


def test_the_table_of_errors_is_whole() -> None:
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    kinds = {name for name in vars(errors) if name.endswith("Error") and not name.startswith("_")}
    internal = {"MongoglotError", *(name for name in kinds if name.startswith(("Encoding", "FilterValue")))}
    listed = set(re.findall(r"^\| `(\w+)` \|", page, re.M))
    assert listed >= kinds - internal | {"EncodingError"}


def operators_listed(row: str) -> set[str]:
    """The operators in a row of the table of docs/semantics.md."""
    page = (ROOT / "docs" / "semantics.md").read_text(encoding="utf-8")
    (cell,) = re.findall(rf"^\| {re.escape(row)} \| (.*) \|$", page, re.M)
    return set(re.findall(r"`(\$\w+)`", cell))


def test_the_list_of_operators() -> None:
    """Where this fails, an operator has moved: move it in the table of docs/semantics.md."""
    mongodb, taskdb = OPERATORS["mongodb"], OPERATORS["taskdb"]
    later = {name for name, (form, _) in mongodb.items() if form.startswith("LATER")}
    assert operators_listed("compiled") == mongodb.keys() - later
    on_server = {name for name, (form, _) in mongodb.items() if form in ("GEO", "NEAR", "SERVER")}
    assert operators_listed("of these, only on the engine `mongodb`") == on_server
    assert operators_listed("in the task database's dialect too") == taskdb.keys() - mongodb.keys()
    assert all(
        name.startswith("$_internal") for name in later
    )  # of which the page says that they are refused


def test_the_page_on_exactness_counts_what_the_tests_count() -> None:
    page = " ".join((ROOT / "docs" / "exactness.md").read_text(encoding="utf-8").split())
    covered, deferred = test_conformance.COVERED, sum(test_conformance.DEFERRED.values())
    assert f"{covered + deferred:,} cases" in page
    assert f"{covered:,} of them are of this version's language" in page
    assert f"The other {deferred:,} ask `$_internal…` operators of servers" in page
    assert f"{len(DEVIATIONS)} of these deviate" in page
    assert f"{len(test_mutants.mutants())} seeded bugs" in page


def test_the_deviations_are_those_of_the_tests() -> None:
    page = (ROOT / "docs" / "known-deviations.md").read_text(encoding="utf-8")
    (told,) = [
        section.text for section in sections("docs/known-deviations.md") if section.title == "Recorded cases"
    ]
    assert f"\n{len(DEVIATIONS)} of the" in told
    assert set(re.findall(r"`([a-z/-]+-[0-9a-f]{8})`", page)) == DEVIATIONS.keys()


def test_each_dependency_has_a_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    required = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    names = {found[0] for line in required if (found := re.match(r"[\w-]+", line))} - {"mongoglot"}
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    assert {name for name in names if f"(https://pypi.org/project/{name}/)" not in page} == set()


def test_the_table_of_rewritten_patterns() -> None:
    (told,) = [section.text for section in sections("docs/regex.md") if section.title == "What is rewritten"]
    rows = re.findall(r"^\| `(.*?)` \| `(.*?)` \| ", told, re.M)
    assert len(rows) > 10
    assert [(pattern, translate(pattern, "")) for pattern, _ in rows] == rows


def test_sections_that_the_code_cites_exist() -> None:
    """Docstrings cite docs/semantics.md as `(semantics 1.2)`."""
    headings = (ROOT / "docs" / "semantics.md").read_text(encoding="utf-8")
    numbers = set(re.findall(r"^##+ ([0-9.]+?)\.? ", headings, re.M))
    cited: set[str] = set()
    for file in (ROOT / "mongoglot").rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        cited.update(re.findall(r"semantics,? (?:section )?([0-9]+(?:\.[0-9]+)?)", text, re.I))
    assert cited
    assert cited <= numbers, f"missing: {sorted(cited - numbers)}"


def test_the_table_of_what_goes_to_sql() -> None:
    table = table_of_columns()
    assert table in (ROOT / "docs" / "tables.md").read_text(encoding="utf-8"), table
    assert len(COLUMNS) > 12


def test_the_table_of_what_each_engine_decides() -> None:
    table = table_of_support()
    assert table in (ROOT / "docs" / "engines.md").read_text(encoding="utf-8"), table
    assert len(SAMPLES) > 20
