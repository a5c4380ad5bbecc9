"""Random writes, on a store and on a model of it in dicts: the same for the same seed."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import mongoglot
from mongoglot import Collection, DuplicateKeyError

Record: TypeAlias = dict[str, Any]
State: TypeAlias = dict[int, Record]
"""The documents of the collection by `_id`, in the order of insertion."""

Write: TypeAlias = Callable[[Collection], object]

TAGS = ("red", "green", "blue")


def prepare(collection: Collection) -> None:
    """Make the indexes: one on a path, one on an array, a unique one."""
    collection.create_index("group")
    collection.create_index([("tags", 1), ("group", -1)])
    collection.create_index("unique", unique=True)


def document(rng: random.Random, number: int) -> Record:
    return {
        "_id": number, "unique": number, "group": rng.randrange(8), "tags": rng.sample(TAGS, rng.randrange(3)),
        "padding": "x" * rng.choice((0, 10, 500, 3000)),
    }  # fmt: skip


def next_write(rng: random.Random, state: State) -> tuple[Write, State]:
    """A write, and the state after it."""
    number, after = max(state, default=0) + 1, dict(state)
    group, chosen = rng.randrange(8), rng.choice(list(state) or [0])
    change = {"group": rng.randrange(8), "tags": rng.sample(TAGS, rng.randrange(3)), "changed": number}
    match rng.randrange(12):
        case 0 | 1 | 2 | 3:
            new = document(rng, number)
            if state and rng.random() < 0.1:
                new["unique"] = state[chosen]["unique"]
                return lambda tasks: _refused(lambda: tasks.insert_one(new)), after
            return lambda tasks: tasks.insert_one(new), {**after, number: new}
        case 4 | 5 | 6:
            several = [document(rng, number + n) for n in range(rng.randint(2, 40))]
            whole = {**after, **{each["_id"]: each for each in several}}
            if rng.random() < 0.1:  # the last one is refused, the others stay
                several.append({"_id": several[0]["_id"]})
                return lambda tasks: _refused(lambda: tasks.insert_many(several)), whole
            return lambda tasks: tasks.insert_many(several), whole
        case 7 | 8:
            after.update({chosen: {**state[chosen], **change}} if state else {})
            return lambda tasks: tasks.update_one({"_id": chosen}, {"$set": change}), after
        case 9:
            after.update({key: {**old, **change} for key, old in state.items() if old["group"] == group})
            return lambda tasks: tasks.update_many({"group": group}, {"$set": change}), after
        case 10:
            after.pop(chosen, None)
            return lambda tasks: tasks.delete_one({"_id": chosen}), after
        case _:
            tag = rng.choice(TAGS)
            kept = {key: old for key, old in state.items() if old["group"] != group or tag not in old["tags"]}
            return lambda tasks: tasks.delete_many({"group": group, "tags": tag}), kept


def _refused(write: Callable[[], object]) -> None:
    try:
        write()
    except DuplicateKeyError:
        return
    raise AssertionError("a duplicate key was not refused")


def states(seed: str, state: State) -> Iterator[tuple[Write, State]]:
    """Writes without end, each with the state after it."""
    rng = random.Random(seed)
    while True:
        write, state = next_write(rng, state)
        yield write, state


def write_forever(url: str, seed: str) -> None:
    """Write until killed; a first byte says that all is loaded, and one more after each write that it is done."""
    with mongoglot.connect("sqlite::memory:") as store:
        store["tasks"].insert_one({})
    os.write(1, b"!")
    with mongoglot.connect(url) as store:
        tasks = store["tasks"]
        if not tasks.index_information():
            prepare(tasks)
        for write, _ in states(seed, {each["_id"]: each for each in tasks.find()}):
            write(tasks)
            os.write(1, b".")
