"""Where a file is: on a share of a network, SQLite's usual journal cannot be used.

The write-ahead log needs memory that all processes share, and two machines share none (sqlite.org/wal.html).
"""

from __future__ import annotations

import errno
import os
import re
import tempfile
from pathlib import Path
from typing import Final, Literal, TypeAlias

from mongoglot.errors import StoreError

Journal: TypeAlias = Literal["auto", "wal", "truncate"]
"""`wal` is fast and for one machine; `truncate` is for a share; `auto` looks where the file is."""

JOURNALS: Final = ("auto", "wal", "truncate")

MOUNTS: Final = "/proc/self/mountinfo"
"""What the system says of its file systems, on Linux."""

NETWORK: Final = frozenset(
    "9p acfs afs beegfs ceph cifs coda davfs glusterfs gpfs ibmfs lustre mmfs ncpfs nfs nfs4 ocfs2 orangefs panfs "
    "pvfs2 smb3 smbfs vboxsf virtiofs wekafs".split()
)
"""File systems of several machines. Of those in user space, `fuse.NAME`, all that have a name of a network."""

_FUSE_ON_NETWORK: Final = re.compile(
    r"fuse\.(.*(ssh|s3|gcs|gluster|ceph|smb|nfs|dav|rclone|moose|juice|lizard).*)"
)
_ESCAPED: Final = re.compile(r"\\([0-7]{3})")
_NO_LOCKS: Final = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL})


def journal_for(path: str) -> Journal:
    """The journal for a file.

    Raises:
        StoreError: it is on a share that grants no locks, so that two writers would destroy the file.
    """
    if path == ":memory:":
        return "wal"
    folder = Path(path).resolve().parent
    system = filesystem_of(folder)
    if system is None or not is_network(system):
        return "wal"
    if not _grants_locks(folder):
        raise StoreError(
            f"{folder} is on a share ({system}) that grants no locks, and two processes would destroy a file "
            "there: mount it with locks (Lustre: -o flock, CIFS: without nobrl), or put the file on a disk of "
            "this machine"
        )
    return "truncate"


def is_network(system: str) -> bool:
    """Whether a file system is one of several machines."""
    return system in NETWORK or _FUSE_ON_NETWORK.fullmatch(system) is not None


def filesystem_of(folder: Path, mounts: str | None = None) -> str | None:
    """The type of the file system of a folder; None where the system does not say."""
    if str(folder).startswith("\\\\"):  # a share in Windows' words
        return "cifs"
    try:
        lines = Path(mounts or MOUNTS).read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    found: tuple[int, str] | None = None
    for line in lines:
        fields, _, rest = line.partition(" - ")
        if not rest or len(fields.split()) < 5:
            continue
        point = Path(_ESCAPED.sub(lambda digits: chr(int(digits[1], 8)), fields.split()[4]))
        if folder.is_relative_to(point) and (found is None or len(point.parts) >= found[0]):
            found = (len(point.parts), rest.split()[0])  # of two on one point, the later one is seen
    return None if found is None else found[1]


def _grants_locks(folder: Path) -> bool:
    """Whether files in a folder can be locked; a folder that cannot be written to is another error's matter."""
    if os.name == "nt":
        return True
    import fcntl

    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _NO_LOCKS
    return True
