"""Our task databases for the Hub in forked processes, and without ipyparallel."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("ipyparallel", reason="pip install 'mongoglot[ipyparallel]'")


from tests.conftest import with_database
from tests.taskdb.backends import NEW, Opener

ROOT = Path(__file__).parent.parent.parent
LETTERS = pytest.mark.parametrize("letter", ["D", "S", "M"])
MEBIBYTE = 2**20


PARENT = """
import gc, multiprocessing, os, subprocess, sys
from tests.taskdb.backends import NEW
import mongoglot
ways, letter, url, *place = sys.argv[1:]
options = {"S": lambda: {"location": place[0]}, "M": lambda: {"connection_args": [place[0]], "database": place[1]}}
database = NEW[letter](**options[letter]())

def use():
    try:
        database.add_record("of a child", {})
    except mongoglot.StoreError as error:
        assert "before this process was forked" in str(error)
    else:
        os._exit(3)

def elsewhere(msg_id):
    code = (
        "from mongoglot.taskdb import TaskDatabase;"
        f"database = TaskDatabase({url!r}); database.add_record({msg_id!r}, {{}}); database.close()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

for way in ways.split(","):
    if way == "multiprocessing":
        child = multiprocessing.get_context("fork").Process(target=use)
        child.start()
        child.join()
        assert child.exitcode == 0, child.exitcode
    else:
        pid = os.fork()
        if pid == 0:
            use()
            if way == "close":
                database.close()
                os._exit(0)
            if way == "collected":
                del database
                gc.collect()
            sys.exit(0)
        assert os.waitpid(pid, 0)[1] == 0
    database.add_record(f"{way} 1", {})
    elsewhere(f"{way} 2")  # opens, and closes, which removes a log that seems to be nobody's
    database.add_record(f"{way} 3", {})
    database.update_record(f"{way} 2", {"stdout": "x"})
print(*sorted(database.get_history()), sep=",")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
@pytest.mark.parametrize(
    ("letter", "ways"),
    [("S", ["close", "collected", "exit", "multiprocessing"]), ("M", ["exit", "multiprocessing"])],
)
def test_forks(hub_opener: Opener, tmp_path: Path, letter: str, ways: list[str]) -> None:
    options = hub_opener.options(letter)
    if letter == "S":
        options = {"location": str(tmp_path), "filename": "mongoglot-tasks.db"}
        url, place = f"sqlite:{tmp_path / options['filename']}", [str(tmp_path)]
    else:
        place = [options["connection_args"][0], options["database"]]
        url = with_database(*place)
    command = [sys.executable, "-W", "ignore", "-c", PARENT, ",".join(ways), letter, url, *place]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    names = [f"{way} {number}" for way in ways for number in "123"]
    assert (done.returncode, done.stdout.strip().split(","), done.stderr) == (0, names, "")
    assert sorted(hub_opener.open(NEW[letter], letter, **options).get_history()) == names


def test_without_ipyparallel() -> None:
    code = """
import sys
sys.modules["ipyparallel"] = None  # as if it were not installed
from mongoglot.taskdb import TaskDatabase
TaskDatabase("memory:").add_record("a", {})
import mongoglot.taskdb.ipyparallel
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pip install 'mongoglot[ipyparallel]'" in done.stderr.splitlines()[-1]
