"""The command line, as one types it: help, examples, exit codes, and errors on standard error."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import mongoglot
from mongoglot.cli.main import COMMANDS, main
from tests.commands import run

REPOSITORY = Path(__file__).parent.parent

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(REPOSITORY)}


def test_the_commands_are_listed_without_being_loaded() -> None:
    code = (
        "import sys, mongoglot.cli.main as m; m.main(['--help'], standalone_mode=False); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert "look for mistakes" in done.stdout
    assert "mongoglot.cli.load" not in done.stdout
    assert "mongoglot.store" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ("find", "people.db", "{age: {$gtee: 1}}"),
            2,
            "did you mean '$gte'?\n  {age: {$gtee: 1}}\n         ^",
        ),
        (("find", "people.db", "{age: "), 2, "the text ends"),
        (("find", "nothing.db"), 2, "there is no file 'nothing.db'"),
        (("find", "nothing.ndjson"), 2, "there is no file 'nothing.ndjson'"),
        (("find", "nothing.db#users"), 2, "there is no file 'nothing.db'"),
        (("find", "people.db#nix"), 3, "there is no table 'nix'"),
        (("find", "people"), 2, "write a URL such as sqlite:people"),
        (("find", "redis://here"), 2, "no engine for 'redis://here'"),
        (("find", "bad.db"), 3, "bad.db"),
        (("find", "bad.ndjson"), 2, "bad.ndjson, line 1: Expecting value"),
        (("find", "people.db", "{}", "-k", "a", "-p", "{a: 1}"), 2, "give one of them"),
        (("find", "people.db", "{}", "-n", "-1"), 2, "-1 is not in the range"),
        (("find", "two.db"), 2, "Say --collection NAME; it has one, two"),
        (("find", "empty.db"), 2, "it has none yet"),
        (("compile", "{a: 1}", "--table", "t"), 2, "write 'users(name text, age int)'"),
        (("compile", "{a: 1}", "--table", "t(a integerish)"), 2, "no column type 'integerish'"),
        (("compile", "{a: 1}", "--table", "t(a)"), 2, "'a' is no column: write a name and one of string"),
        (("compile", "{a: 1}", "--table", "t.json"), 2, "'t.json' is no table"),
        (("compile", "{a: 1}", "--table", "no.db#t"), 2, "there is no file 'no.db'"),
        (("compile", "{a: 1}", "--table", "t(a int)", "--to", "ast"), 2, "--table is for SQL"),
        (("compile", "{$where: '1'}", "--to", "sqlite"), 2, "only be answered by a MongoDB server"),
        (("index", "create", "people.ndjson", "a"), 2, "there is no file 'people.ndjson'"),
        (("index", "create", "bad.ndjson", "a"), 2, "which is read and not written: load it into a store"),
        (("index", "drop", "people.db", "x"), 2, "index not found"),
        (("dump", "people.db", "-o", "no/folder.ndjson"), 3, "No such file or directory: no/folder.ndjson\n"),
        (("tasks", "list"), 2, "there is no task database 'mongoglot-tasks.db'"),
        (("nonsense",), 2, "No such command 'nonsense'; there are compile, find, "),
        (("fnd", "people.db"), 2, "No such command 'fnd'; did you mean 'find'?"),
        (("tasks", "lst"), 2, "No such command 'lst'; did you mean 'list'?"),
        (("index", "creat", "people.db", "a"), 2, "No such command 'creat'; did you mean 'create'?"),
        (
            ("find", "people.db", "{}", "-s", "age desc"),
            2,
            "'age desc' is no sort: write '-age', with '-' for",
        ),
        (("find", "people.db", "{}", "-s", "age:1,name : -1"), 2, "write 'age,-name'"),
        (("dump", "people.db", "-s", "age ASC, name"), 2, "write 'age,name'"),
        (("index", "create", "people.db", "age:-1"), 2, "write '-age'"),
    ],
)
def test_what_is_wrong_is_told_on_standard_error(
    people: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    (people / "bad.db").write_text("this is no database, and longer than the header of one " * 9)
    (people / "bad.ndjson").write_text("this is no JSON")
    with mongoglot.connect("sqlite:two.db") as store:
        store["one"].insert_one({})
        store["two"].insert_one({})
    mongoglot.connect("sqlite:empty.db").close()
    result = run(*arguments)
    assert (result.stdout, result.exit_code) == ("", code)
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_an_error_commands_no_terminal(people: Path) -> None:
    result = run("find", "people.db", '{"a\x1b[2J": {$gtee: 1}}')
    assert result.exit_code == 2
    assert "\\x1b[2J" in result.stderr
    assert "\x1b[2J" not in result.stderr


def test_indexes(people: Path) -> None:
    run("index", "create", "people.db", "name,-age", "--unique", "--name", "n")
    listed = [json.loads(line) for line in run("index", "list", "people.db").stdout.splitlines()]
    assert listed[1] == {"v": 2, "key": {"name": 1, "age": -1}, "name": "n", "unique": True}
    assert run("index", "drop", "people.db", "n").exit_code == 0
    assert len(run("index", "list", "people.db").stdout.splitlines()) == 1


class TestCheck:
    def test_filters_in_files(self, people: Path) -> None:
        (people / "good.mongo").write_text("{\n  a: 1\n}")
        (people / "many.txt").write_text("{a: 1}\n\n{a: {$inn: [1]}}\n{$or: {a: 1}}\n")
        assert run("check", "good.mongo").exit_code == 0
        result = run("check", "--lines", "many.txt")
        assert result.exit_code == 2
        assert (
            "many.txt:3:6: BadValue: unknown operator: $inn; did you mean '$in'?\n  {a: {$inn: [1]}}\n       ^"
            in result.stderr
        )
        assert "many.txt:4:" in result.stderr
        assert "3 filters, 2 wrong" in result.stderr

    def test_what_is_no_text(self, people: Path) -> None:
        (people / "bad.mongo").write_bytes(b"{a: 1,\n b: '\xff'}")
        result = run("check", "bad.mongo")
        assert (result.exit_code, result.stdout) == (2, "")
        assert "bad.mongo:2:1: the file is not UTF-8: byte 0xff" in result.stderr

    def test_standard_input(self) -> None:
        assert "-:2:4: " in run("check", "-", stdin="{a: 1,\n b c}").stderr


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such pipes")
class TestPipes:
    def shell(self, people: Path, command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [shutil.which("bash") or "bash", "-o", "pipefail", "-c", command],
            cwd=people, capture_output=True, encoding="utf-8", check=False, env=ENVIRONMENT,
        )  # fmt: skip

    def test_a_reader_that_has_seen_enough(self, people: Path) -> None:
        with mongoglot.connect("sqlite:many.db") as store:
            store["many"].insert_many({"_id": number, "x": "y" * 500} for number in range(2000))
        done = self.shell(people, f"{sys.executable} -m mongoglot find many.db | head -1")
        assert (done.returncode, done.stderr, len(done.stdout.splitlines())) == (0, "", 1)

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
    def test_a_full_disk(self, people: Path) -> None:
        done = self.shell(people, f"{sys.executable} -m mongoglot find people.db > /dev/full")
        assert (done.returncode, done.stderr) == (3, f"error: {os.strerror(errno.ENOSPC)}\n")

    def test_pipes_are_utf8_whatever_the_locale(self, people: Path) -> None:
        settings = "LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0"
        done = self.shell(people, f"{settings} {sys.executable} -m mongoglot find people.db -k name")
        assert (done.returncode, "Åse" in done.stdout) == (0, True)


def reference() -> str:
    """The help of every command, as docs/cli.md has it."""
    parts = []
    for name in COMMANDS:
        parts.append(f"### {name}\n\n```text\n{run(name, '--help').output.rstrip()}\n```\n")
        group: Any = main.get_command(None, name)  # type: ignore[arg-type]
        parts += [
            f"#### {name} {below}\n\n```text\n{run(name, below, '--help').output.rstrip()}\n```\n"
            for below in getattr(group, "commands", ())
        ]
    return "\n".join(parts)


def test_the_reference_is_the_help() -> None:
    """Where this fails: put what `reference` returns under the heading Reference of docs/cli.md."""
    page = (REPOSITORY / "docs" / "cli.md").read_text(encoding="utf-8")
    assert page.split("## Reference\n\n")[1] == reference()


class TestCompletion:
    """What a shell is given that asks for completions: in bash a type and a word a line."""

    def completed(self, *words: str) -> list[tuple[str, str]]:
        line = " ".join(("mongoglot", *words))
        found = CliRunner().invoke(
            main, (), prog_name="mongoglot",
            env={"_MONGOGLOT_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words))},
        )  # fmt: skip
        pairs = [line.split(",", 1) for line in found.output.splitlines()]
        return [(kind, word) for kind, word in pairs]

    def words(self, *words: str) -> list[str]:
        return [word for kind, word in self.completed(*words) if kind == "plain"]

    @pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
    def test_the_script(self, shell: str) -> None:
        script = run("completion", shell)
        assert script.exit_code == 0
        assert f"_MONGOGLOT_COMPLETE={shell}_complete" in script.output

    def test_commands_options_and_values(self) -> None:
        assert self.words("co") == ["compile", "count", "completion"]
        assert self.words("tasks", "li") == ["list"]
        assert self.words("index", "") == ["create", "drop", "list"]
        assert self.words("find", "x.db", "--pro") == ["--projection"]
        assert self.words("compile", "{}", "--to", "post") == ["postgres", "postgresql"]
        assert self.words("find", "x.db", "-f", "") == ["table", "json", "ndjson", "csv"]
        assert self.words("completion", "z") == ["zsh"]

    def test_sources_are_files(self) -> None:
        assert self.completed("find", "pe") == [("file", "pe")]
        assert self.completed("tasks", "--db", "pe") == [("file", "pe")]
        assert self.completed("load", "people.db", "pe") == [("file", "pe")]

    @pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
    def test_bash_completes(self, people: Path) -> None:
        program = people / "bin" / "mongoglot"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m mongoglot "$@"\n')
        program.chmod(0o755)
        script = (
            'eval "$(mongoglot completion bash)"; COMP_WORDS=(mongoglot com); COMP_CWORD=1; '
            '_mongoglot_completion mongoglot; echo "${COMPREPLY[*]}"'
        )
        done = subprocess.run(
            [str(shutil.which("bash")), "-c", script], capture_output=True, encoding="utf-8", check=True,
            env={**ENVIRONMENT, "PATH": f"{program.parent}:{os.environ['PATH']}"},
        )  # fmt: skip
        assert done.stdout.split() == ["compile", "completion"]
