"""Who uses the servers of this checkout.

Every `run` leaves a file in .local/holders naming itself and its command; `up`
leaves .local/keep. Whoever leaves last, with nothing kept, stops the servers.
A holder that was killed counts no longer once its command has ended too.
Starting, leaving and stopping happen under .local/lock, one at a time.
"""
from __future__ import annotations

import contextlib
import fcntl
import json
import os

from common import LOCAL, read_json, remove, say, write_file
from process import Process, lookup

HOLDERS = LOCAL / "holders"
KEEP = LOCAL / "keep"
LOCK = LOCAL / "lock"


@contextlib.contextmanager
def locked(path=LOCK):
    """Holds a lock file, waiting for whoever holds it."""
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say(f"waiting for another command that holds {path}")
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _still_there(path, descriptor):
                yield
                return
        finally:
            os.close(descriptor)


def _still_there(path, descriptor) -> bool:
    """Whether the file locked is the one others will lock: `clean` removes it."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def hold(*pids: int) -> None:
    """Registers this process, and the others given, as users of the servers."""
    users = [lookup(pid) for pid in (os.getpid(), *pids)]
    users = [{"pid": user.pid, "started": user.started} for user in users if user]
    write_file(_mine(), json.dumps({"processes": users}) + "\n")


def release() -> bool:
    """Takes this process off the list; whether it was on it."""
    return remove(_mine())


def in_use_by() -> list[int]:
    """Process ids of the live holders; forgets the dead ones. Call it locked."""
    pids = []
    for file in sorted(HOLDERS.glob("*.json")):
        users = [Process(**user) for user in read_json(file).get("processes", [])]
        alive = [user.pid for user in users if user.alive()]
        if alive:
            pids.append(alive[0])
        else:
            remove(file)
    return pids


def kept() -> bool:
    """Whether `up` asked for the servers to stay."""
    return KEEP.exists()


def keep(wanted: bool) -> None:
    if wanted:
        write_file(KEEP, "")
    else:
        remove(KEEP)


def _mine():
    return HOLDERS / f"{os.getpid()}.json"
