"""Seeded bugs: the recorded cases and random questions must find every one of them."""

from __future__ import annotations

import os
import pickle
import random
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

import pytest

import mongoglot
from mongoglot.testing import each_with_each, random_documents, random_filter
from mongoglot.testing.corpus import SERVER_AREAS, all_cases, identity
from mongoglot.testing.deviations import DEVIATIONS
from tests import examination
from tests.alternatives import random_alternatives
from tests.examination import BROKEN, RIGHT, WRONG, Answer, Group, Question, answer_find, answer_matches
from tests.projections import array_documents, array_filter, array_projection, wrong_projection
from tests.schemas import random_document_schema
from tests.test_computed_fields import COMPUTED
from tests.test_find_options import random_projection, random_sort
from tests.test_projections import PROJECTED, RECORDED, TEN

LIST = Path(__file__).with_name("mutants.txt")
PACKAGE = Path(mongoglot.__file__).parent
SEED = 7

Subject: TypeAlias = Literal["matches", "sqlite", "options"]

OPTIONS = frozenset({
    "compiler/sort.py", "compiler/projection.py", "compiler/projection_spec.py", "compiler/slices.py",
    "compiler/path_tree.py", "engines/python/computed_fields.py",
    "engines/python/projection.py", "engines/python/positional.py",
})  # fmt: skip
"""The files that only a find with options needs."""

STORES: dict[Subject, str] = {"matches": "", "sqlite": "sqlite::memory:", "options": "memory:"}


class Mutant(NamedTuple):
    """A bug to seed.

    Attributes:
        file: inside the package.
        breaks: the rule that no longer holds.
        fragment: text that occurs in the file exactly once.
        replacement: what stands there instead.
    """

    file: str
    breaks: str
    fragment: str
    replacement: str

    @property
    def subject(self) -> Subject:
        """The questions that must find it."""
        if self.file in OPTIONS:
            return "options"
        in_sql = "engines/sql" in self.file or "residual" in self.file  # what SQL engines share, too
        return "sqlite" if in_sql else "matches"


def mutants() -> list[Mutant]:
    """The mutants of the list."""
    result = []
    for paragraph in LIST.read_text(encoding="utf-8").split("\n@ ")[1:]:
        title, *lines = paragraph.splitlines()
        file, breaks = title.split(": ", 1)
        texts = ["\n".join(line[1:] for line in lines if line.startswith(sign)) for sign in "-+"]
        result.append(Mutant(file, breaks, *texts))
    return result


def recorded(areas: tuple[str, ...]) -> list[Group]:
    """The recorded cases of some areas without options, by their documents."""
    groups: dict[str, Group] = {}
    for case in all_cases():
        known = case["id"] in DEVIATIONS or case["area"].startswith(SERVER_AREAS)
        if (
            case["deferral"] is None
            and not known
            and "options" not in case
            and case["area"].startswith(areas)
        ):
            group = groups.setdefault(case["collection"], Group(case["docs"], []))
            group.questions.append(Question(case["filter"], {}, expected(case)))
    return list(groups.values())


def expected(case: dict[str, Any]) -> Answer:
    if "error" in case:
        return f"error {case['error']['code']}"
    wanted = [identity(key) for key in case["expect"]]
    return tuple(n for n, document in enumerate(case["docs"]) if identity(document["_id"]) in wanted)


def asked_at_random(batches: int, documents: int, filters: int) -> list[Group]:
    """Random filters over random documents; the answers are those of the package as it is."""
    rng = random.Random(SEED)
    result = []
    for _ in range(batches):
        stored = random_documents(rng, documents)
        asked = [random_filter(rng, near=stored) for _ in range(filters)]
        asked += [random_alternatives(rng, stored) for _ in range(filters // 10)]
        result.append(Group(stored, [Question(query, {}, answer_matches(stored, query)) for query in asked]))
    return result


def asked_by_schemas(batches: int, documents: int, schemas: int) -> list[Group]:
    """Random schemas over random documents, and rules that chance seldom meets."""
    rng = random.Random(SEED)
    values: list[Any] = [1, [{"x": 1, "y": 2}, {"y": 2, "x": 1}], {"y": 2, "x": 1}]
    rules: list[dict[str, Any]] = [
        {"uniqueItems": True}, {"enum": [{"x": 1, "y": 2}]}, {"minimum": 1, "exclusiveMinimum": False},
    ]  # fmt: skip
    few = [{"_id": number, "a": value} for number, value in enumerate(values)]
    queries: list[dict[str, Any]] = [{"$jsonSchema": {"properties": {"a": rule}}} for rule in rules]
    queries.append({"$jsonSchema": {"pattern": "("}})
    result = [Group(few, [Question(query, {}, answer_matches(few, query)) for query in queries])]
    for _ in range(batches):
        stored = random_documents(rng, documents)
        asked = [{"$jsonSchema": random_document_schema(rng, stored)} for _ in range(schemas)]
        result.append(Group(stored, [Question(query, {}, answer_matches(stored, query)) for query in asked]))
    return result


def compared_each_with_each() -> Group:
    """Every scalar of the alphabet with every other."""
    stored, filters = each_with_each()
    return Group(stored, [Question(query, {}, answer_matches(stored, query)) for query in filters])


def sorted_and_projected(batches: int, documents: int, finds: int) -> list[Group]:
    """Random sorts and projections."""
    rng = random.Random(SEED)
    result = []
    with mongoglot.connect("memory:") as store:
        for number in range(batches):
            stored = random_documents(rng, documents)
            collection = store[f"documents{number}"]
            collection.insert_many(stored)
            asked = [{"sort": random_sort(rng)} for _ in range(finds)]
            asked += [{"projection": random_projection(rng)} for _ in range(finds)]
            answered = [
                Question({}, options, answer_find(collection, stored, {}, options)) for options in asked
            ]
            result.append(Group(stored, answered))
    return result


def found_in_arrays(batches: int, documents: int, finds: int) -> list[Group]:
    """Random finds with `$slice`, `$elemMatch` and `a.$`, and wrong projections; an error ends a find, so each
    document is also asked alone."""
    rng = random.Random(SEED)
    result = []
    with mongoglot.connect("memory:") as store:
        for number in range(batches):
            stored = [{**document, "ten": list(range(10))} for document in array_documents(rng, documents)]
            collection = store[f"documents{number}"]
            collection.insert_many(stored)
            asked = [
                ({"$and": [{"_id": rng.choice(stored)["_id"]}, array_filter(rng)]}, array_projection(rng))
                for _ in range(finds)
            ]
            asked += [({}, array_projection(rng)) for _ in range(finds // 2)]
            asked += [({}, wrong_projection(rng)) for _ in range(finds // 2)]
            asked += [
                ({"$and": [{"_id": document["_id"]}, query]}, {"ten.$": 1})
                for query in [array_filter(rng) for _ in range(finds // 4)]
                for document in stored
            ]
            questions = [
                Question(
                    query,
                    {"projection": wanted},
                    answer_find(collection, stored, query, {"projection": wanted}),
                )
                for query, wanted in asked
            ]
            result.append(Group(stored, questions))
    return result


def rules_of_arrays() -> list[Group]:
    """The rules of `$slice`, `$elemMatch`, `a.$` and computed fields, one by one."""
    projected = [
        *PROJECTED,
        *COMPUTED,
        *((document | {"ten": TEN}, query, {"ten.$": 1}, "") for document, query, _ in RECORDED),
    ]
    result = []
    with mongoglot.connect("memory:") as store:
        for number, (document, query, projection, _) in enumerate(projected):
            stored = [{"_id": 0, **document}]
            store[f"documents{number}"].insert_many(stored)
            options = {"projection": projection}
            answer = answer_find(store[f"documents{number}"], stored, query, options)
            result.append(Group(stored, [Question(query, options, answer)]))
    return result


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory) -> dict[Subject, Path]:
    """The files of questions."""
    groups: dict[Subject, list[Group]] = {
        "matches": [
            *recorded(("",)),
            compared_each_with_each(),
            *asked_at_random(8, 40, 500),
            *asked_by_schemas(4, 40, 150),
        ],
        "sqlite": [
            *recorded(
                (
                    "mixed",
                    "path",
                    "value/number/decimal",
                    "op/type",
                    "op/elemMatch",
                    "op/bits",
                    "op/mod",
                    "regex",
                )
            ),
            compared_each_with_each(),
            *asked_at_random(4, 40, 100),
        ],
        "options": [*sorted_and_projected(4, 40, 60), *found_in_arrays(3, 20, 200), *rules_of_arrays()],
    }
    folder = tmp_path_factory.mktemp("mutants")
    for subject, found in groups.items():
        # as plain tuples, since the program knows the classes by another name
        plain = [(documents, [tuple(question) for question in asked]) for documents, asked in found]
        (folder / subject).write_bytes(pickle.dumps(plain))
    return {subject: folder / subject for subject in groups}


def examined(
    questions: dict[Subject, Path], folder: Path, subject: Subject, mutant: Mutant | None = None
) -> tuple[int, str]:
    """The verdict on a copy of the package, with or without a seeded bug."""
    copy = folder / "mongoglot"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    if mutant is not None:
        file = copy / mutant.file
        text = file.read_text(encoding="utf-8")
        count = text.count(mutant.fragment)
        if count != 1:
            return BROKEN, f"its fragment occurs {count} times; bring {LIST.name} up to date"
        file.write_text(text.replace(mutant.fragment, mutant.replacement), encoding="utf-8")
    program = [sys.executable, "-B", examination.__file__]
    arguments = [str(questions[subject]), str(folder), STORES[subject]]
    done = subprocess.run(
        program + arguments, capture_output=True, text=True, check=False, timeout=120, cwd=folder
    )
    return done.returncode, (done.stdout + done.stderr).strip()


@pytest.mark.parametrize("subject", STORES)
def test_the_package_itself_passes(questions: dict[Subject, Path], tmp_path: Path, subject: Subject) -> None:
    assert examined(questions, tmp_path, subject) == (RIGHT, "all answers are right")


def test_every_mutant_is_found(questions: dict[Subject, Path], tmp_path: Path) -> None:
    seeded = mutants()
    assert len(seeded) >= 30

    def verdict(number: int) -> tuple[int, str]:
        return examined(questions, tmp_path / str(number), seeded[number].subject, seeded[number])

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        verdicts = list(threads.map(verdict, range(len(seeded))))
    missed = [
        f"{mutant.file}: {mutant.breaks}: {text}"
        for mutant, (code, text) in zip(seeded, verdicts, strict=True)
        if code != WRONG
    ]
    assert not missed, "\n".join(missed)
