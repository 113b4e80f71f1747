"""Opening, reading and replacing files of a run directory, which may come from a stranger.

Nothing here waits for a FIFO or a device, follows a link, or reads without a limit.
"""

import errno
import os
import stat
import tempfile
from pathlib import Path
from typing import BinaryIO


def open_regular(path: Path, flags: int = os.O_RDONLY) -> int:
    """Open a regular file and return its descriptor; OSError if it is a link, a directory, a FIFO or a device."""
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return descriptor


def open_to_read(path: Path) -> BinaryIO:
    """A regular file, opened for reading; OSError if it is anything else."""
    return os.fdopen(open_regular(path), "rb")


def read_text(path: Path, limit: int) -> str:
    """The text of a small regular file; OSError or ValueError if it is anything else, or longer than `limit` bytes."""
    with open_to_read(path) as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise OSError(errno.EFBIG, f"larger than {limit // 1000} kB", str(path))
    return content.decode("utf-8")


def write_atomically(path: Path, text: str, *, at_once: bool = True) -> None:
    """Replace a file. Readers see the old file or the new one, also after a power cut.

    at_once: wait until the new one is sure to be seen after a power cut.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    if at_once:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EROFS, errno.ENOSYS):  # a file system that cannot sync folders
            raise
    finally:
        os.close(descriptor)
