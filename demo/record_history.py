"""Record a task history: run a real cluster, keep what its Hub kept.

    python demo/record_history.py [--output FILE]

An ipyparallel cluster of five engines runs some four hundred tasks for four clients (ada, barbara, grace
and linus): results, output, errors, displays, labels, dependencies, aborted, resubmitted and unfinished
tasks. The Hub's records go to `history.jsonl`, one a line, as canonical Extended JSON v2, ordered by
`submitted` (records without it last); the names of engines and clients go to `cluster.json` beside it.

Keys stay in the Hub's order. Dates of records and headers are instants, cut to milliseconds; those inside
`metadata` and `result_metadata` stay ISO strings; buffers are binary of subtype 0. The Hub learns `started`
from the result: a task that runs has an `engine_uuid`, perhaps some `stdout`, and `started: null`.

Two things differ from what the Hub held:

* The history is recorded in two phases, the first moved back by two hours: every date of its records, the
  strings in the metadata included, by the same amount, so that durations stay true. One task that the first
  phase left running still runs when the history ends.
* Paths are nobody's: the cluster's temporary home, the folder of this script and the account's home read
  `/home/ada`, the Python environment `/home/ada/venv`. Code objects get theirs before they are sent, since a
  pickle cannot be edited later. User names are invented: the clients', and `cluster` for the cluster itself.
"""

from __future__ import annotations

import argparse
import contextlib
import copyreg
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import time
import zlib
from collections import Counter
from datetime import UTC, datetime, timedelta
from logging import ERROR
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any

import ipyparallel as ipp
import psutil  # type: ignore[import-untyped]  # it has no types
from bson.json_util import CANONICAL_JSON_OPTIONS, dumps, loads
from ipyparallel.controller.dictdb import DictDB
from ipyparallel.serialize import codeutil
from traitlets import Unicode

if TYPE_CHECKING:
    from collections.abc import Iterator

Record = dict[str, Any]
Client = Any  # ipyparallel has no types

ENGINES = 5
PEOPLE = ("ada", "barbara", "grace", "linus")
BETWEEN_PHASES = timedelta(hours=2)
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
FOLDER = Path(__file__).resolve().parent
ACCOUNT = Path.home()
HOME = "/home/ada"
JSON_OPTIONS = CANONICAL_JSON_OPTIONS.with_options(tz_aware=True, tzinfo=UTC)


class SnapshotDB(DictDB):  # type: ignore[misc]  # ipyparallel has no types
    """The Hub's default database, which writes all its records to `path` when asked for the history."""

    path = Unicode(config=True, help="where to write the records")

    def get_history(self) -> list[str]:
        records: list[Record] = self.find_records({})
        for record in records:
            for key in ("buffers", "result_buffers"):
                if record[key] is not None:
                    record[key] = [bytes(buffer) for buffer in record[key]]
        write_records(Path(self.path), records)
        msg_ids: list[str] = super().get_history()
        return msg_ids


def write_records(path: Path, records: list[Record]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(dumps(record, json_options=JSON_OPTIONS) + "\n" for record in records)


# The tasks. They run on the engines, where nothing else of this file is known.


def count_primes(low: int, high: int) -> int:
    return sum(all(n % d for d in range(2, int(n**0.5) + 1)) for n in range(max(low, 2), high))


def collatz(start: int) -> dict[str, Any]:
    path = [start]
    while path[-1] != 1:
        path.append(path[-1] // 2 if path[-1] % 2 == 0 else 3 * path[-1] + 1)
    return {"start": start, "steps": len(path) - 1, "peak": max(path), "tail": path[-5:]}


def estimate_pi(samples: int, seed: int) -> float:
    import random

    draw = random.Random(seed).random
    hits = 0
    for done in range(1, samples + 1):
        hits += draw() ** 2 + draw() ** 2 <= 1
        if done % (samples // 4) == 0:
            print(f"{done} of {samples}: {4 * hits / done:.4f}")
    return 4 * hits / samples


def mean_reading(line: str) -> float:
    import sys

    station, _, values = line.partition(":")
    readings = [float(value) for value in values.split()]
    if any(abs(reading) > 50 for reading in readings):
        print(f"{station}: implausible reading in {values.strip()!r}", file=sys.stderr)
    return sum(readings) / len(readings) + {"north": 0.5, "south": -0.25, "harbour": 0.0}[station]


def simulate(seconds: float, name: str, fails: bool = False) -> str:
    import time

    class DivergenceError(ArithmeticError):
        """The simulation left its domain."""

    for step in range(1, 5):
        print(f"{name}: step {step} of 4", flush=True)
        time.sleep(seconds / 4)
        if fails and step == 3:
            raise DivergenceError(f"{name} diverged in step {step}")
    return f"{name} converged"


def histogram(values: list[int]) -> None:
    from IPython.display import Markdown, display

    bars = [f"| {value} | {'▇' * values.count(value)} |" for value in sorted(set(values))]
    display(Markdown("\n".join(["| value | |", "|---|---|", *bars])))  # type: ignore[no-untyped-call]  # nor has IPython


# The work of the three.

READINGS = ["north: 1.5 2.5 4", "south: 12 n/a", "harbour:", "east: 1", "harbour: 3 99 4", "south: 7 8"]
TITLES = ["The Sea, the Sea", "Wind, Sand and Stars", "To the Lighthouse", "The Waves"]
CODES = [
    "import math\nmath.comb(20, 3)",
    "from IPython.display import HTML\nHTML('<b>done</b>')",
    "print('one moment'); 1 / 0",
    "'never seen: an error aborts what waits behind it'",
]


def ada_works(ada: Client, targets: list[int], phase: int) -> None:
    """Numbers: the engines' namespaces, maps, labels, chains of dependencies."""
    everywhere, balanced = ada[targets], ada.load_balanced_view
    everywhere.push({"phase": phase, "weights": [0.5, 0.25, 0.25]})
    everywhere.execute("total = sum(weights) * phase", silent=False)
    everywhere.execute("{'phase': phase, 'total': total}", silent=False)
    everywhere.pull("total")
    balanced(label=f"collatz/{phase}").map_async(collatz, range(1000 * phase, 1000 * phase + 30))
    for low in range(0, 12_000, 600):
        balanced(label=f"primes/{phase}").apply_async(count_primes, low, low + 600)
    for seed in range(8):
        balanced(label=f"pi/{phase}/{seed}").apply_async(estimate_pi, 4000, seed)
    for number in range(4):
        first = balanced().apply_async(simulate, 0.2, f"prepare {number}", fails=number == 3)
        second = balanced(follow=first).apply_async(collatz, 27 + number)
        balanced(after=[first, second]).apply_async(count_primes, 0, 100 * number)


def grace_works(grace: Client, targets: list[int], phase: int) -> None:
    """Texts and readings, some of them bad, and submitted again; code that is shown, or wrong."""
    balanced, readings = grace.load_balanced_view, []
    grace[targets].push({"mean_reading": mean_reading}).wait(60)
    for number, line in enumerate(READINGS * 6):
        view = balanced(label=f"reading/{phase}/{number:02d}")
        readings.append(view.apply_async(ipp.Reference("mean_reading"), line))
    balanced(label=f"titles/{phase}").map_async(str.split, TITLES * 6)
    for number in range(6):
        balanced().apply_async(histogram, [3, 1, 4, 1, 5, 9, 2, 6, number])
        balanced().apply_async(zlib.crc32, bytes(range(256)) * (4 + number))
    for code in CODES:
        grace[targets[-2:]].execute(code, silent=False)
    bad = [reading.msg_ids[0] for reading in readings if reading.wait(60) and not reading.successful()]
    with contextlib.suppress(ipp.error.CompositeError):  # they fail as they did before
        grace.resubmit(bad[:6]).wait(60)


def linus_works(linus: Client, targets: list[int], phase: int) -> None:
    """Operations: checks of every engine, slow and failing simulations, impatience."""
    balanced, blocked = linus.load_balanced_view, linus[targets[-1]]
    for seed in range(3):
        linus.direct_view(targets, label=f"check/{phase}").apply_async(estimate_pi, 100, seed)
    for divisor in range(4):
        balanced().apply_async(divmod, 22, divisor)
    balanced().apply_async(collatz)  # without its argument
    for seconds in (0.5, 1.0, 2.0):
        view = balanced(label=f"simulation/{seconds}", retries=1)
        view.apply_async(simulate, seconds, "model", fails=seconds == 1.0)
    blocked.apply_async(simulate, 1.5, "blocker")
    impatient = [blocked.apply_async(count_primes, 0, 5000 + n) for n in range(6)]
    linus.abort(impatient, targets=targets[-1], block=True)


def work(clients: dict[str, Client], targets: list[int], phase: int) -> None:
    for person, works in {"ada": ada_works, "grace": grace_works, "linus": linus_works}.items():
        works(clients[person], targets, phase)
        if not clients[person].wait(timeout=120):
            raise TimeoutError(f"a task of {person} does not end")


def leave_running(client: Client, engine: int, label: str) -> None:
    """Keep one engine busy for longer than the recording takes."""
    client.load_balanced_view(targets=[engine], label=label).apply_async(simulate, 600, label)


# The cluster, and what becomes of its records.


@contextlib.contextmanager
def running_cluster(home: Path) -> Iterator[dict[str, Client]]:
    """Start a cluster that keeps its files in `home`; yield a client for each person."""
    shutil.copy(__file__, home)  # the controller imports it, tracebacks quote it
    os.environ.update(HOME=str(home), IPYTHONDIR=str(home / ".ipython"), USER="cluster")
    cluster = ipp.Cluster(n=ENGINES, profile_dir=str(home / "profile"), log_level=ERROR)
    database = "--IPController.db_class=record_history.SnapshotDB"
    cluster.controller_args = [database, f"--SnapshotDB.path={home}/records.jsonl"]
    cluster.config.EngineLauncher.engine_args = ["--InteractiveShell.colors=nocolor"]
    clients: dict[str, Client] = {}
    with contextlib.chdir(home):
        try:
            cluster.start_cluster_sync()
            for person in PEOPLE:
                clients[person] = cluster.connect_client_sync(username=person)
                clients[person].wait_for_engines(ENGINES, timeout=60, interactive=False)
            yield clients
        finally:
            processes = psutil.Process().children(recursive=True)
            for client in clients.values():
                client.close()
            cluster.stop_cluster_sync()
            _, alive = psutil.wait_procs(processes, timeout=10)  # nannies outlive their engines a little
            for process in alive:
                process.kill()


def run_phases(home: Path) -> tuple[datetime, dict[str, Any]]:
    """Do the work; return the instant between its phases and the names of engines and clients."""
    with running_cluster(home) as clients:
        engines = clients["ada"][:].apply_async(os.getpid)
        work(clients, [0, 1, 2, 3, 4], 1)
        leave_running(clients["barbara"], 1, "climate")
        time.sleep(1)
        between = datetime.now(UTC)
        work(clients, [0, 2, 3, 4], 2)
        for engine in (0, 2, 2, 3):  # the second for engine 2 waits in the scheduler
            leave_running(clients["ada"], engine, "overnight")
        for number in range(4):  # the last three wait in the queue of engine 4
            clients["linus"][4].apply_async(simulate, 600, f"backup {number}")
        time.sleep(3)
        end = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        clients["ada"].hub_history()  # the database writes its records
        return between, {
            "engines": {str(task.engine_id): task.engine_uuid for task in engines.metadata},
            "clients": {person: client.session.session for person, client in clients.items()},
            "end": end,
        }


def without_paths(text: str, home: Path) -> str:
    """`text` with invented paths for those of this machine."""
    for path, invented in ((home, HOME), (sys.prefix, f"{HOME}/venv"), (FOLDER, HOME), (ACCOUNT, HOME)):
        text = text.replace(str(path), invented)
    return text


def send_code_without_paths(home: Path) -> None:
    """Make pickles of code objects name files as the history may show them."""

    def reduce_code(code: CodeType) -> Any:
        path = code.co_filename
        name = Path(path).name if path == __file__ else without_paths(path, home)
        return codeutil.reduce_code(code.replace(co_filename=name))

    copyreg.pickle(CodeType, reduce_code)


def edited(value: Any, shift: timedelta, home: Path, dates: bool = False) -> Any:
    """`value` without paths, its instants (and from metadata on its ISO dates) moved back by `shift`."""
    match value:
        case dict():
            return {k: edited(v, shift, home, dates or k.endswith("metadata")) for k, v in value.items()}
        case list():
            return [edited(item, shift, home, dates) for item in value]
        case datetime():
            return value - shift
        case str() if dates and TIMESTAMP.fullmatch(value):
            return (datetime.fromisoformat(value) - shift).isoformat().replace("+00:00", "Z")
        case str():
            return without_paths(value, home)
        case _:
            return value


def submitted(record: Record) -> datetime:
    return record["submitted"] or datetime.max.replace(tzinfo=UTC)


def outcome(record: Record) -> str:
    if record["completed"] is None:
        return "unfinished"
    return {"ok": "completed", "error": "failed"}.get(record["result_content"]["status"], "aborted")


def summary(records: list[Record], names: dict[str, Any]) -> str:
    people = {session: person for person, session in names["clients"].items()}
    engines = {uuid: number for number, uuid in names["engines"].items()}
    optional = ("label", "resubmitted", "stdout", "stderr", "error", "execute_result", "display_data")
    counters = {
        "outcome": Counter(map(outcome, records)),
        "queue": Counter(record["queue"] for record in records),
        "client": Counter(people.get(record["client_uuid"]) for record in records),
        "engine": Counter(engines.get(record["engine_uuid"]) for record in records),
        "failed": Counter(r["result_content"]["ename"] for r in records if outcome(r) == "failed"),
        "with": Counter(key for record in records for key in optional if record.get(key)),
    }
    lines = [f"{len(records)} records until {names['end']}"]
    for title, counter in counters.items():
        lines.append(f"{title:8} " + ", ".join(f"{name} {count}" for name, count in counter.most_common()))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Run a cluster and record its task history.")
    parser.add_argument("--output", type=Path, default=FOLDER / "history.jsonl", help="default: %(default)s")
    output: Path = parser.parse_args().output.resolve()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    with tempfile.TemporaryDirectory(prefix="history-") as folder:
        home = Path(folder).resolve()
        send_code_without_paths(home)
        between, names = run_phases(home)
        lines = (home / "records.jsonl").read_text(encoding="utf-8").splitlines()
    records = sorted((loads(line, json_options=JSON_OPTIONS) for line in lines), key=submitted)
    records = [edited(r, BETWEEN_PHASES if submitted(r) < between else timedelta(), home) for r in records]
    write_records(output, records)
    output.with_name("cluster.json").write_text(json.dumps(names, indent=2) + "\n", encoding="utf-8")
    print(summary(records, names))
    print(f"{output.stat().st_size:,} bytes in {output}")


if __name__ == "__main__":
    main()
