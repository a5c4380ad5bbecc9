"""`load` and `dump`: what comes back, and what an interruption leaves."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

import bson
import pytest
from bson import Binary, Code, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS

import mongoglot
from mongoglot.testing import random_documents
from tests.commands import run

REPOSITORY = Path(__file__).parent.parent


def loaded(path: Path | str, name: str) -> list[dict[str, Any]]:
    with mongoglot.connect(f"sqlite:{path}") as store:
        return list(store[name].find({}))


EVERY_TYPE: list[Any] = [
    None, True, False, 1, Int64(1), 2**40, 1.0, -0.0, float("nan"), float("inf"), float("-inf"), 5e-324,
    Decimal128("1.0"), Decimal128("NaN"), Decimal128("-Infinity"), "", "\0\u2028\n\x1b", "ü\u202e", b"a",
    Binary(b"a", 2), Binary(b"a", 5), Binary(b"a" * 16, 4), Binary(b"a" * 16, 3), Binary(b"", 128),
    ObjectId(b"a" * 12),
    datetime(2026, 1, 1, 12, 0, 0, 1000), datetime(1, 1, 1), DatetimeMS(2**62), DatetimeMS(-(2**62)),
    Regex("a/b", "imsx"), Timestamp(1, 2), Timestamp(2**32 - 1, 0), MinKey(), MaxKey(),
    Code("f()"), Code("f()", {"x": 1}),
    DBRef("c", 1), DBRef("c", 1, "d"), {}, [], {"a": [{"b": [[1, 2.0]]}]}, {"a.b": 1, "": 2}, [None, {"x": None}],
]  # fmt: skip


@pytest.mark.usefixtures("people")
class TestRoundTrip:
    @pytest.mark.parametrize("form", ["ndjson", "bson"])
    def test_every_type_comes_back(self, form: str) -> None:
        documents: list[dict[str, Any]] = [
            {"_id": number, **{name: value for name, value in document.items() if name != "_id"}}
            for number, document in enumerate(random_documents(random.Random(5), 300))
        ]
        documents = [each for each in documents if form == "bson" or "$a" not in _names(each)]
        documents += [{"_id": f"type {number}", "v": value} for number, value in enumerate(EVERY_TYPE)]
        with mongoglot.connect("sqlite:all.db") as store:
            store["all"].insert_many(documents)
        assert run("dump", "all.db", "-f", form, "-o", f"all.{form}").exit_code == 0
        assert run("load", "copy.db", f"all.{form}").stderr.startswith(f"{len(documents)} documents loaded")
        assert list(map(bson.encode, loaded("copy.db", "all"))) == list(
            map(bson.encode, loaded("all.db", "all"))
        )
        again = run("dump", "copy.db", "-f", form, "-o", f"again.{form}")
        assert again.exit_code == 0
        assert Path(f"again.{form}").read_bytes() == Path(f"all.{form}").read_bytes()

    def test_a_document_that_extended_json_cannot_say(self, people: Path) -> None:
        with mongoglot.connect("sqlite:odd.db") as store:
            store["odd"].insert_one({"_id": 1, "a": {"$date": "x"}})
        (people / "odd.ndjson").write_text("what was there before")
        result = run("dump", "odd.db", "-o", "odd.ndjson")
        assert result.exit_code == 2
        assert "names that Extended JSON reads as types" in result.stderr
        assert "--format bson can say them" in result.stderr
        assert sorted(path.name for path in people.glob("odd.ndjson*")) == ["odd.ndjson"]
        assert (people / "odd.ndjson").read_text() == "what was there before"
        assert run("dump", "odd.db", "-f", "bson", "-o", "odd.bson").exit_code == 0
        run("load", "odd2.db", "odd.bson")
        assert loaded("odd2.db", "odd") == [{"_id": 1, "a": {"$date": "x"}}]

    def test_csv_with_formulas(self, people: Path) -> None:
        texts = ["=cmd()", "+1", "-1", "@x", "'=x", "''", "\t1", "plain", "'quoted'", "007"]
        with mongoglot.connect("sqlite:f.db") as store:
            store["f"].insert_many({"_id": number, "=t": text} for number, text in enumerate(texts))
            store["f"].insert_one({"_id": 10, "n": -5})
        assert run("dump", "f.db", "-f", "csv", "-o", "f.csv").exit_code == 0
        lines = (people / "f.csv").read_text().splitlines()
        assert lines[:4] == ["_id,'=t,n", "0,'=cmd(),", "1,'+1,", "2,'-1,"]
        assert lines[-1] == "10,,-5"
        run("load", "g.db", "f.csv")
        found = loaded("g.db", "f")
        assert [each.get("=t") for each in found] == [*texts, None]
        assert found[-1]["n"] == -5
        assert "0,=cmd()," in run("dump", "f.db", "-f", "csv", "--formulas").stdout

    def test_csv_without_a_choice_of_columns_has_those_of_all(self) -> None:
        assert run("find", "people.db", "-f", "csv").stdout.splitlines() == [
            "_id,name,age,tags,home", '1,Ann,31,"[""a"", ""b""]","{""city"": ""Oslo""}"', "2,bob,25.5,,",
            '3,Åse,,,"{""city"": ""Bergen""}"',
        ]  # fmt: skip

    def test_a_device_is_written_to_and_a_link_stays_one(self, people: Path) -> None:
        (people / "real.ndjson").write_text("")
        (people / "link.ndjson").symlink_to("real.ndjson")
        assert run("dump", "people.db", "-o", "link.ndjson").exit_code == 0
        assert (people / "link.ndjson").is_symlink()
        assert len((people / "real.ndjson").read_text().splitlines()) == 3
        os.mkfifo(people / "pipe")
        reader = subprocess.Popen(
            [str(shutil.which("cat")), "pipe"], cwd=people, stdout=subprocess.PIPE, encoding="utf-8"
        )
        assert run("dump", "people.db", "-o", "pipe").exit_code == 0
        assert len(reader.communicate(timeout=60)[0].splitlines()) == 3
        assert (people / "pipe").is_fifo()

    def test_standard_input_and_output(self) -> None:
        text = "{a: 1, at: ISODate('2026-01-01')}\n\n"
        assert run("load", "q.db", "-", "--format", "shell", stdin=text).exit_code == 0
        assert run("count", "q.db", "{at: {$type: 'date'}}").stdout == "1\n"
        assert len(run("dump", "people.db").stdout.splitlines()) == 3
        assert len(run("dump", "people.db", "-f", "bson").stdout_bytes) > 100


@pytest.mark.usefixtures("people")
class TestFormats:
    def test_csv(self, people: Path) -> None:
        (people / "p.csv").write_text(
            '\ufeffname,age,code,home.city,home.zip\nAnn,31,007,Oslo,1_0\nbob,2.5,,,\n\n"a\nb",1\n',
            encoding="utf-8",
        )
        assert run("load", "p.db", "p.csv").exit_code == 0
        assert run("find", "p.db", "-p", "{_id: 0}").stdout.splitlines() == [
            '{"name": "Ann", "age": 31, "code": "007", "home": {"city": "Oslo", "zip": "1_0"}}',
            '{"name": "bob", "age": 2.5}', '{"name": "a\\nb", "age": 1}',
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("text", "count"),
        [("", 0), (" \n", 0), ("[]", 0), ('[{"a": 1},\n {"a": 2}]', 2), ('{\n"a": 1\n}\n{"a": 2}', 2),
         ('{"a":1}{"a":2}', 2)],
    )  # fmt: skip
    def test_json_over_any_lines(self, people: Path, text: str, count: int) -> None:
        (people / "j.json").write_text(text)
        assert f"{count} documents loaded" in run("load", "j.db", "j.json").stderr
        assert run("count", "j.json").stdout == f"{count}\n"

    @pytest.mark.parametrize("name", ["e.ndjson", "e.csv", "e.json", "e.bson", "e.js"])
    def test_an_empty_file(self, people: Path, name: str) -> None:
        (people / name).write_bytes(b"")
        assert run("load", "e.db", name).stderr == "0 documents loaded into e.db\n"
        assert (run("find", name).output, run("count", name).output) == ("", "0\n")

    @pytest.mark.parametrize(
        ("name", "content", "places"),
        [
            ("b.ndjson", b'{"_id": 1}\n{"_id": \n[1]\n{"_id": 2}\n{"_id": {"$oid": "x"}}\n', (2, 3, 5)),
            ("b.ndjson", b'{"_id": 1}\n{"a": "\xff"}\n{"a": 18446744073709551616}\n{"_id": 2}\n{"a": "\\ud800"}',
             (2, 3, 5)),
            ("b.ndjson", b'{"_id": 1}\n{"_id": [1]}\n{"_id": 1}\n{"_id": 2}\n{"a": ' + b"[" * 300 + b"]" * 300
             + b"}",
             (2, 3, 5)),
            ("b.csv", b'_id,a,a.b\n1,2\n"x"y\n1,2,3,4\n2,1,\n3,1,1\n4,\xff\n', (3, 4, 6, 7)),
            ("b.js", b"{_id: 1}\n{_id: }\n{_id: 2}", (2,)),
        ],
    )  # fmt: skip
    def test_bad_lines(self, people: Path, name: str, content: bytes, places: tuple[int, ...]) -> None:
        (people / name).write_bytes(content)
        stopped = run("load", "b.db", name)
        assert stopped.exit_code == 2
        assert f"{name}, line {places[0]}: " in stopped.stderr
        assert "0 documents were loaded before it" in stopped.stderr
        assert run("count", "b.db", "-c", "b").stdout == "0\n"
        skipped = run("load", "b.db", name, "--bad-lines", "skip")
        assert skipped.exit_code == 0
        told = [line for line in skipped.stderr.splitlines() if line.startswith("skipped ")]
        assert sorted(int(line.partition(", line ")[2].partition(":")[0]) for line in told) == list(places)
        assert f"2 documents loaded into b.db, {len(places)} bad lines skipped" in skipped.stderr

    @pytest.mark.parametrize(
        ("name", "content", "message"),
        [
            ("b.json", b'[{"a": 1},\n{"a": }]', "line 2: Expecting value"),
            ("b.json", b'[{"a": 1}', "line 1: the array is not closed"),
            ("b.json", b'[{"a": 1}\n{"a": 1}]', "line 2: ',' or ']' is missing"),
            ("b.json", b'{"a": "\xff"}', "line 1: is not UTF-8"),
            ("b.bson", b"\xff\xff\xff", "line 1: the file ends in a document, or is no BSON"),
            ("b.ndjson", '{"a": 1}'.encode("utf-16"), "line 1: the file is UTF-16: it has to be UTF-8"),
            ("b.csv", b"a,a\n1,2\n", "line 1: two columns have the same name"),
        ],
    )
    def test_what_cannot_be_read_any_further(
        self, people: Path, name: str, content: bytes, message: str
    ) -> None:
        (people / name).write_bytes(content)
        for choice in ("skip", "stop"):
            result = run("load", "b.db", name, "--bad-lines", choice)
            assert result.exit_code == 2
            assert message in result.stderr


@pytest.mark.usefixtures("people")
class TestResuming:
    def test_what_is_there_is_left_alone(self, people: Path) -> None:
        (people / "more.ndjson").write_text("".join(f'{{"_id": {number}}}\n' for number in range(1, 6)))
        refused = run("load", "people.db", "more.ndjson", "-c", "people")
        assert refused.exit_code == 2
        assert "more.ndjson, line 1: duplicate key" in refused.stderr
        assert "; --resume leaves what is there alone" in refused.stderr
        assert "update what is there" not in refused.stderr
        assert "--resume leaves what is there alone" in refused.stderr
        resumed = run("load", "people.db", "more.ndjson", "-c", "people", "--resume")
        assert "2 documents loaded into people.db, 3 were there" in resumed.stderr
        assert run("count", "people.db").stdout == "5\n"

    @pytest.mark.parametrize("name", ["n.ndjson", "n.csv"])
    def test_lines_without_an_id_are_known_again(self, people: Path, name: str) -> None:
        lines = [
            "a\n" if name.endswith("csv") else "",
            *['{"a": 1}\n' if name.endswith("ndjson") else "1\n"] * 3,
        ]
        (people / name).write_text("".join(lines))
        assert run("load", "n.db", name).exit_code == 0
        assert run("load", "n.db", name).exit_code == 2
        assert "0 documents loaded into n.db, 3 were there" in run("load", "n.db", name, "--resume").stderr
        (people / name).write_text("".join([*lines, lines[-1]]))
        assert "1 documents loaded into n.db, 3 were there" in run("load", "n.db", name, "--resume").stderr
        assert run("load", "n.db", name, "--new-ids").exit_code == 0
        assert len(loaded("n.db", "n")) == 8

    def test_standard_input_is_new_but_when_it_is_resumed(self) -> None:
        for _ in range(2):
            run("load", "s.db", "-", stdin='{"a": 1}\n')
        assert len(loaded("s.db", "documents")) == 2
        for _ in range(2):
            run("load", "s.db", "-", "--resume", stdin='{"a": 1}\n')
        assert len(loaded("s.db", "documents")) == 3

    @pytest.mark.parametrize("keys", ["a", "a,b"])
    def test_what_an_index_refuses_is_a_bad_line(self, people: Path, keys: str) -> None:
        with mongoglot.connect("sqlite:u.db") as store:
            store["u"].create_index([(key, 1) for key in keys.split(",")], unique=keys == "a")
        bad = '{"a": 1}' if keys == "a" else '{"a": [1], "b": [2]}'
        (people / "u.ndjson").write_text(f'{{"a": 1}}\n{bad}\n{{"a": 2}}\n')
        stopped = run("load", "u.db", "u.ndjson")
        assert (stopped.exit_code, "u.ndjson, line 2: " in stopped.stderr) == (2, True)
        skipped = run("load", "u.db", "u.ndjson", "--resume", "--bad-lines", "skip")
        assert "1 documents loaded into u.db, 1 were there, 1 bad lines skipped" in skipped.stderr
        assert [each["a"] for each in loaded("u.db", "u")] == [1, 2]


def _names(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [*value, *(name for item in value.values() for name in _names(item))]
    return [name for item in value for name in _names(item)] if isinstance(value, list) else []
