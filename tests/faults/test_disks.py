"""Full disks, read-only files and read-only folders: clear errors, and all that was written before is there."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import mongoglot
from tests.faults import children, disks

NOBODY = 65534
KIB = 1024


def test_a_file_that_cannot_grow(tmp_path: Path) -> None:
    said = children.run("disks.fill_to_a_limit", f"sqlite:{tmp_path / 'store.db'}", 600 * KIB)
    assert f"{tmp_path / 'store.db'} cannot be read or written" in said
    assert said.strip().endswith("; what was committed before is intact")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a small file system can only be mounted by root, and not in every container")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)  # noqa: S607 - the one of the PATH


def test_a_full_disk(small_disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(200 * KIB))
    disks.fill(f"sqlite:{small_disk / 'store.db'}", ballast.unlink)
    said = capsys.readouterr().out
    assert said.strip().endswith(
        f"the disk of {small_disk / 'store.db'} is full; what was committed before is intact"
    )


def test_a_disk_that_is_full_from_the_start(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    with pytest.raises(OSError, match="No space"):
        ballast.write_bytes(bytes(2000 * KIB))
    with pytest.raises(mongoglot.StoreError, match=r"full|cannot be"):
        mongoglot.connect(f"sqlite:{small_disk / 'store.db'}")["tasks"].insert_one({})
    ballast.unlink()
    with mongoglot.connect(f"sqlite:{small_disk / 'store.db'}") as store:
        store["tasks"].insert_one({})
        assert store.verify().ok


# ---- what must not be written ------------------------------------------------------------------------


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody can reach, with a store of one document."""
    folder = Path(tempfile.mkdtemp(prefix="read-only-"))
    folder.chmod(0o777)
    with mongoglot.connect(f"sqlite:{folder / 'store.db'}") as store:
        store["tasks"].insert_one({"_id": 1})
    yield folder
    folder.chmod(0o777)
    shutil.rmtree(folder)


def used_by_another(path: Path) -> list[str]:
    """What a process says whose user has only the rights that the files give."""
    url = f"sqlite:{path}"
    if os.geteuid() != 0:
        return children.run("disks.use", url).splitlines()
    status, said = children.said_as(NOBODY, lambda: disks.use(url))
    if status != 0:
        status, _ = children.said_as(NOBODY, lambda: None)
        if status != 0:
            pytest.skip("root may write everything, and cannot become another user here")
        raise AssertionError(said)
    return said.splitlines()


def test_a_read_only_file(folder: Path) -> None:
    path = folder / "store.db"
    path.chmod(0o444)
    before = path.read_bytes()
    assert used_by_another(path) == [
        "1",
        f"{path} cannot be written: the file or its folder is read-only",
        "1",
    ]
    assert path.read_bytes() == before


def test_a_read_only_folder(folder: Path) -> None:
    path = folder / "store.db"
    path.chmod(0o666)
    folder.chmod(0o555)
    before = children.hashes(folder)
    (said,) = used_by_another(path)
    assert said == f"{path} cannot be written: the file or its folder is read-only"  # its log cannot be made
    assert children.hashes(folder) == before
    (said,) = used_by_another(folder / "new.db")
    assert said == f"{folder / 'new.db'} cannot be opened: is {folder} a folder that can be written to?"
    folder.chmod(0o777)
    assert used_by_another(path) == ["1", "written", "2"]


def test_a_file_that_must_not_be_read(folder: Path) -> None:
    path = folder / "store.db"
    path.chmod(0)
    (said,) = used_by_another(path)
    assert said.startswith(f"{path} cannot be opened")
