"""Pickles of buffers are read without running them, as every Python wrote them."""

from __future__ import annotations

import os
import pickle
import random
from typing import Any

import pytest

from mongoglot.taskdb.pickled_buffers import RefusedPickleError, read_buffers

PROTOCOLS = range(6)
LISTS: list[list[Any]] = [
    [],
    [b""],
    [b"a"],
    [b"\xff\x00\n'\\x"],
    [bytes(range(256)), b"b" * 70_000, b""],
    [b"a"] * 3,
    [bytearray(b"xy"), b"q", bytearray(), bytearray(b"\xff" * 300)],
    [b"%d" % number for number in range(3000)],
]
PURE: Any = pickle._dumps  # type: ignore[attr-defined]  # the pickler in Python spells some values differently


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("dumps", [pickle.dumps, PURE], ids=["c", "python"])
@pytest.mark.parametrize("fix_imports", [True, False])
def test_lists_of_bytes(protocol: int, dumps: Any, fix_imports: bool) -> None:
    for value in LISTS:
        assert read_buffers(dumps(value, protocol, fix_imports=fix_imports)) == [
            bytes(item) for item in value
        ]


@pytest.mark.parametrize(
    ("data", "buffers"),
    [
        (b"\x80\x02]q\x01(U\x03abcq\x02T\x04\0\0\0\xffbcdh\x01e.", None),  # a list in itself
        (b"\x80\x02]q\x01(U\x03abcq\x02T\x04\0\0\0\xffbcde.", [b"abc", b"\xffbcd"]),
        (b"\x80\x02]q\x01U\x03abcq\x02a.", [b"abc"]),
        (b"(lp0\nS'a\\xff\\'b\\n\\\\n'\np1\naS\"it's\"\np2\na.", [b"a\xff'b\n\\n", b"it's"]),
    ],
)
def test_what_python_2_wrote(data: bytes, buffers: list[bytes] | None) -> None:
    if buffers is None:
        with pytest.raises(RefusedPickleError, match="the list holds a list"):
            read_buffers(data)
    else:
        assert read_buffers(data) == buffers


class Call:
    """What calls something when it is unpickled."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.parts = function, arguments

    def __reduce__(self) -> Any:
        return self.parts


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "value",
    [
        Call(os.system, "exit 1"), [Call(os.system, "exit 1")], [b"a", Call(eval, "1 / 0")], print, [bytes], bytes,
        Call(bytes, 10), [Call(bytes, 10)], [Call(bytearray, 10)], [Call(bytes, [1, 2])],
        "a", ["a"], [b"a", 5], {}, [[b"a"]], None, [None], (b"a",), b"a", [(b"a",)], {b"a"}, [1.5], [True],
    ],
)  # fmt: skip
def test_anything_else_is_refused(value: Any, protocol: int) -> None:
    with pytest.raises(RefusedPickleError):
        read_buffers(pickle.dumps(value, protocol))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is cut off"),
        (b"cos\nsystem\n(S'x'\ntR.", "it names os.system"),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", "it names os.system"),
        (b"c_codecs\nencode\n(V\\u20ac\nVlatin1\ntR.", "a text or a number in it is none"),
        (b"c_codecs\nencode\n(Vx\nVrot13\ntR.", "calls _codecs.encode in another way"),
        (b"c_codecs\ndecode\n.", "it names _codecs.decode"),
        (b"(i__main__\nThief\n.", "opcode b'i'"),
        (b"P1\n.", "opcode b'P'"),
        (b"\x82\x01.", "opcode b'\\x82'"),
        (b"\x80\x06].", "of protocol 6"),
        (b"\x95\xff\xff\xff\xff\0\0\0\0].", "cut off"),
        (b"B\xff\xff\xff\xffabc", "cut off"),
        (b"h\x05.", "uses what it has not made"),
        (b"a.", "uses what it has not made"),
        (b"e.", "uses what it has not made"),
        (b"S'x\n.", "a text has no quotes"),
        (b"]pminus\n.", "a text or a number in it is none"),
        (b"]]a]", "it is cut off"),
        (b"])R.", "it calls what is no name"),
        (b"\x80\x04]\x8c\x02os\x93.", "it names what is no name"),
        (b").", "it is no list"),
    ],
)
def test_crafted_pickles(data: bytes, reason: str) -> None:
    with pytest.raises(RefusedPickleError) as caught:
        read_buffers(data)
    assert reason in str(caught.value)


def test_a_short_pickle_makes_no_long_list() -> None:
    text = b"X" + (1000).to_bytes(4, "little") + b"x" * 1000
    many_calls = (
        b"\x80\x02](c_codecs\nencode\nq\x00"
        + text
        + b"q\x01X\x06\0\0\0latin1q\x02\x86R"
        + b"h\x00h\x01h\x02\x86R" * 999
    )
    for data in (pickle.dumps([b"x" * 1000] * 2 + [item := b"y" * 999, item]), many_calls + b"e."):
        with pytest.raises(RefusedPickleError, match="larger than its pickle"):
            read_buffers(data)


def test_pickles_that_are_cut_off_or_garbled() -> None:
    data = pickle.dumps([os.urandom(50) for _ in range(20)], -1)
    for length in range(len(data)):
        with pytest.raises(RefusedPickleError):
            read_buffers(data[:length])
    choices, outcomes = random.Random(1), set[type]()
    seeds = [pickle.dumps([b"abc", b"d" * 20, bytearray(b"q")], protocol) for protocol in PROTOCOLS]
    for _ in range(5000):
        garbled = bytearray(choices.choice(seeds))
        for _ in range(choices.randint(1, 4)):
            garbled[choices.randrange(len(garbled))] = choices.randrange(256)
        try:
            outcomes |= {type(item) for item in read_buffers(bytes(garbled))}
        except RefusedPickleError:
            outcomes.add(RefusedPickleError)
    assert outcomes == {bytes, RefusedPickleError}
