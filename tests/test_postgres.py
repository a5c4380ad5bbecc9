"""The PostgreSQL server of the tests starts, answers and leaves nothing behind."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from tests import postgres


def test_a_database_of_its_own(postgresql: str, postgresql_url: str) -> None:
    with psycopg.connect(postgresql) as connection:
        connection.execute("CREATE TABLE t (a text)")
        connection.execute("INSERT INTO t VALUES (%s)", ["é"])
        assert connection.execute("SELECT a, octet_length(a) FROM t").fetchall() == [("é", 2)]
        assert connection.info.server_version >= 140_000
    with postgres.new_database(postgresql_url) as other, psycopg.connect(other) as connection:
        assert connection.execute("SELECT to_regclass('t')").fetchone() == (None,)


def test_the_server_of_the_wheel_ends_with_its_block() -> None:
    if not postgres.is_installed():
        pytest.skip(postgres.NOT_FOUND)
    with postgres.running_server() as url:
        (folder,) = parse_qs(urlsplit(url).query)["host"]
        assert Path(folder).is_dir()
        with psycopg.connect(url) as connection:
            assert connection.execute("SHOW fsync").fetchone() == ("off",)
    assert not Path(folder).is_dir()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)


def test_the_reason_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "is_installed", lambda: False)
    with (
        pytest.raises(FileNotFoundError, match="set MONGOGLOT_TEST_POSTGRESQL_URL, or install pixeltable"),
        postgres.running_server(),
    ):
        pass
