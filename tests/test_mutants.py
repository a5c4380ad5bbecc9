"""Seeded bugs: the recorded cases and a batch of random questions must find every one of them."""

from __future__ import annotations

import os
import pickle
import random
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import mongoglot
from mongoglot.testing import random_documents, random_filter
from tests import examination
from tests.conformance.corpus import all_cases, identity
from tests.examination import BROKEN, RIGHT, WRONG, Expected, Questions, answer_matches

LIST = Path(__file__).with_name("mutants.txt")
PACKAGE = Path(mongoglot.__file__).parent
SEED = 7
BATCHES, DOCUMENTS, FILTERS = 8, 40, 500


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


def mutants() -> list[Mutant]:
    """The mutants of the list."""
    result = []
    for paragraph in LIST.read_text(encoding="utf-8").split("\n@ ")[1:]:
        title, *lines = paragraph.splitlines()
        file, breaks = title.split(": ", 1)
        texts = ["\n".join(line[1:] for line in lines if line.startswith(sign)) for sign in "-+"]
        result.append(Mutant(file, breaks, *texts))
    return result


def recorded_questions() -> list[Questions]:
    """The recorded cases without options, by their documents."""
    grouped: dict[str, Questions] = {}
    for case in all_cases():
        if case["deferral"] is None and "options" not in case:
            questions = grouped.setdefault(case["collection"], Questions(case["docs"], []))
            questions.filters.append((case["filter"], expected(case)))
    return list(grouped.values())


def expected(case: dict[str, Any]) -> Expected:
    if "error" in case:
        return f"error {case['error']['code']}"
    wanted = [identity(key) for key in case["expect"]]
    return tuple(n for n, document in enumerate(case["docs"]) if identity(document["_id"]) in wanted)


def random_questions() -> list[Questions]:
    """Random filters over random documents; the answers are those of the package as it is."""
    rng = random.Random(SEED)
    result = []
    for _ in range(BATCHES):
        documents = random_documents(rng, DOCUMENTS)
        filters = [random_filter(rng, near=documents) for _ in range(FILTERS)]
        result.append(Questions(documents, [(query, answer_matches(documents, query)) for query in filters]))
    return result


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mutants") / "questions.pickle"
    # by the name under which the program knows the class, too: plain tuples need none
    plain = [tuple(group) for group in (*recorded_questions(), *random_questions())]
    path.write_bytes(pickle.dumps(plain))
    return path


def examined(questions: Path, folder: Path, mutant: Mutant | None) -> tuple[int, str]:
    """The verdict on a copy of the package, with or without a seeded bug."""
    copy = folder / "mongoglot"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    if mutant is not None:
        file = copy / mutant.file
        text = file.read_text(encoding="utf-8")
        if text.count(mutant.fragment) != 1:
            return (
                BROKEN,
                f"{mutant.file} has the fragment {text.count(mutant.fragment)} times: update the list",
            )
        file.write_text(text.replace(mutant.fragment, mutant.replacement), encoding="utf-8")
    program = [sys.executable, "-B", examination.__file__, str(questions), str(folder)]
    done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=120, cwd=folder)
    return done.returncode, (done.stdout + done.stderr).strip()


def test_the_package_itself_passes(questions: Path, tmp_path: Path) -> None:
    assert examined(questions, tmp_path, None) == (RIGHT, "all answers are right")


def test_every_mutant_is_found(questions: Path, tmp_path: Path) -> None:
    seeded = mutants()
    assert len(seeded) >= 30
    folders = [tmp_path / str(number) for number in range(len(seeded))]
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        verdicts = list(threads.map(examined, [questions] * len(seeded), folders, seeded))
    missed = [
        f"{mutant.file}: {mutant.breaks}: {text}"
        for mutant, (code, text) in zip(seeded, verdicts, strict=True)
        if code != WRONG
    ]
    assert not missed, "\n".join(missed)
