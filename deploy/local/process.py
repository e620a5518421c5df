"""Processes, named so that a re-used process id is never taken for the one meant.

A process is its id together with the instant it started (and the boot that
instant belongs to). Whoever looks a server up also compares its command line.
"""
from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from common import Failure, open_log, wait_until

# si_code of a signal that came from the kernel, as a terminal's Ctrl-C does.
SI_KERNEL = 0x80

FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


@dataclass(frozen=True)
class Process:
    pid: int
    started: str

    def alive(self) -> bool:
        return _started(self.pid) == self.started


def lookup(pid: int) -> Process | None:
    """The process with this id, if one is alive (a zombie is not)."""
    started = _started(pid)
    return None if started is None else Process(pid, started)


def arguments(pid: int) -> list[str]:
    """The command line of a process, empty when it is gone."""
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return []
    return [os.fsdecode(word) for word in line.split(b"\0")[:-1]]


def _started(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    state, start_ticks = fields[0], fields[19]
    if state in "ZX":
        return None
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}/{start_ticks}"


def launch(command: list[str], log: Path, ready, within_s: float, **options) -> bool:
    """Starts a server in a session of its own, where a terminal's Ctrl-C does not
    reach it, and answers whether ready(pid) came true; a server for which it did
    not, or whose start was interrupted, is ended again."""
    with open_log(log) as output:
        child = subprocess.Popen(
            command, stdout=output, stderr=output, start_new_session=True, **options
        )
    up = False
    try:
        wait_until(lambda: child.poll() is not None or ready(child.pid), within_s)
        up = child.poll() is None and ready(child.pid)
        return up
    finally:
        if not up:
            child.send_signal(signal.SIGINT)
            wait_until(lambda: child.poll() is not None, 30)


def stop(process: Process, steps: list[tuple[signal.Signals, float]]) -> None:
    """Ends a process: each step is a signal and the seconds to wait after it."""
    for number, patience_s in steps:
        if not process.alive():
            return
        os.kill(process.pid, number)
        if wait_until(lambda: not process.alive(), patience_s):
            return
    raise Failure(f"process {process.pid} does not end; its log may say why")


def hold_signals() -> set:
    """Keeps the ending signals waiting and answers the mask before it."""
    return signal.pthread_sigmask(signal.SIG_BLOCK, {*FORWARDED, signal.SIGCHLD})


def run(command: list[str], environment: dict, started) -> int:
    """Runs the command in the foreground and answers its exit status.

    The command shares this process's group, so a terminal's Ctrl-C reaches it
    by itself; a signal that another process sends to this one is passed on.
    The signals stay held afterwards: what follows is the tidying up.
    """
    mask = hold_signals()
    try:
        child = subprocess.Popen(
            command,
            env=environment,
            preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, mask),
        )
    except FileNotFoundError:
        raise Failure(f"{command[0]}: command not found") from None
    except PermissionError:
        raise Failure(f"{command[0]}: not executable") from None
    started(child.pid)
    while child.poll() is None:
        came = signal.sigwaitinfo({*FORWARDED, signal.SIGCHLD})
        if came.si_signo != signal.SIGCHLD and came.si_code != SI_KERNEL:
            child.send_signal(came.si_signo)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode
