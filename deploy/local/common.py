"""What every module here uses: the places, messages, and small files of state."""
from __future__ import annotations

import json
import os
import socket
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCAL = ROOT / ".local"
LOOPBACK = "127.0.0.1"


class Failure(Exception):
    """Something a person has to know or do; its text is the whole message."""


class StartFailed(Failure):
    """A server ended, or did not answer, before it was ready."""


def say(message: str) -> None:
    """Tells the person; standard output is left to the command that runs."""
    print(f"local: {message}", file=sys.stderr, flush=True)


def read_json(path: Path) -> dict:
    """The object in a state file; empty when there is none or it was cut short."""
    try:
        value = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def write_file(path: Path, text: str) -> None:
    """Replaces a file whole, so that nobody reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_text(text)
    os.replace(part, path)


def write_json(path: Path, value: dict) -> None:
    write_file(path, json.dumps(value, indent=2) + "\n")


def remove(path: Path) -> bool:
    """Removes a file; whether it was there."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def free_ports(count: int) -> list[int]:
    """TCP ports on loopback that nobody listens on now, all different."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def wait_until(condition, seconds: float) -> bool:
    """Whether the condition came true within that time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def start_with_retries(start, attempts: int = 3):
    """Calls start() until a server is up: a free port may be taken by another
    process before the server binds it, and children of a killed server may
    need a moment to leave."""
    for attempt in range(1, attempts + 1):
        try:
            return start()
        except StartFailed:
            if attempt == attempts:
                raise
            time.sleep(1)


def open_log(path: Path):
    """An empty log for a server that starts; the one before it is kept as *.previous."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        os.replace(path, path.with_name(path.name + ".previous"))
    return path.open("wb")


def tail(path: Path, lines: int = 12) -> str:
    """The end of a log, for a message."""
    try:
        text = path.read_text(errors="replace")
    except FileNotFoundError:
        return "(no log)"
    return "\n".join("    " + line for line in text.splitlines()[-lines:])
