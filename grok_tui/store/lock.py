"""Who holds a run: a lock on its engine.lock, or, if locks do not work there, the time at which that file was touched.

An engine keeps the lock as long as it lives and touches the file every five seconds.
"""

import errno
import fcntl
import os
import secrets
import socket
import time
from pathlib import Path

from ..errors import RunHeld, UsageError
from .files import open_regular

FRESH_SECONDS = 60.0
"""An engine that has not touched its file for so long is dead."""
NO_LOCKS = (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOLCK, errno.EINVAL)
"""Errors of a file system that has no locks."""
OF_WHOLE = os.path.join("..", "engine.lock")
"""Where the lock of one seed of a run points: the whole run has one lock."""
SETTLE_SECONDS = 0.2


def file_of(lock: Path) -> Path:
    """The file of a lock: for a seed of a run, the one of the whole run. Any other link is not followed."""
    try:
        return lock.parent.parent / lock.name if os.readlink(lock) == OF_WHOLE else lock
    except OSError:
        return lock


def probe(lock: Path) -> bool | None:
    """Whether the lock is held; None if that cannot be seen from here."""
    try:
        descriptor = open_regular(file_of(lock))
    except PermissionError:
        return None
    except OSError:  # it is missing, or nothing that an engine could hold
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return False


def last_sign(lock: Path) -> float | None:
    """When the engine last touched its file, in seconds since the epoch; None if there is no file, or it has ended."""
    try:
        return os.stat(file_of(lock), follow_symlinks=False).st_mtime or None
    except OSError:
        return None


def is_fresh(lock: Path) -> bool:
    """Whether the engine has touched its file within the last minute."""
    sign = last_sign(lock)
    return sign is not None and abs(time.time() - sign) < FRESH_SECONDS


def acquire(lock: Path, name: str, patience: float, *, is_live: bool) -> int:
    """Take the lock and return its descriptor, above 2: a child that redirects its streams must not close it.

    A reader that probes has the lock for a moment, hence the patience, in seconds.

    is_live: if the file system has no locks: whether the run seems to train.
    """
    try:
        opened = open_regular(file_of(lock), os.O_RDWR | os.O_CREAT)
    except OSError as error:
        raise UsageError(f"{lock}: cannot be locked: {error.strerror}") from None
    descriptor = fcntl.fcntl(opened, fcntl.F_DUPFD_CLOEXEC, 3)
    os.close(opened)
    deadline = time.monotonic() + patience
    held = RunHeld(f"{name} is held by another engine; attach to it, or stop it with grok-tui stop {name}")
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise held from None
                time.sleep(0.02)
            except OSError as error:
                if error.errno not in NO_LOCKS:
                    raise UsageError(f"{lock}: cannot be locked: {error.strerror}") from None
                if is_live or not _is_mine(descriptor):
                    raise held from None
                break
        os.utime(descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _is_mine(descriptor: int) -> bool:
    """Claim a file without a lock: of several engines that start at once, the last to write its name has it."""
    name = f"{socket.gethostname()} {os.getpid()} {secrets.token_hex(8)}\n".encode()
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, name, 0)
    os.fsync(descriptor)
    time.sleep(SETTLE_SECONDS)
    return os.pread(descriptor, len(name) + 1, 0) == name


def works(folder: Path) -> bool:
    """Whether the file system of a folder that can be written has locks."""
    try:
        probe = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return True
    try:
        fcntl.flock(probe, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in NO_LOCKS
    finally:
        os.close(probe)
    return True
