#!/usr/bin/env python3
"""Private PostgreSQL and nats-server for this checkout, on free ports of loopback.

Everything they keep is under .local (see postgres.py for the one exception).
Linux only: processes are told apart through /proc.
"""
from __future__ import annotations

import argparse
import os
import shlex
import shutil
import signal
import sys
from pathlib import Path

import nats
import postgres
import process
import sharing
from common import LOCAL, ROOT, Failure, remove, say, write_file

ENVIRONMENT_FILE = LOCAL / "env"

# Written by deploy/local/sqlx; names databases of the running cluster.
SQLX_ENVIRONMENT_FILE = ROOT / ".env"
SQLX_MARK = "# Written by deploy/local/sqlx; removed when the servers stop."


def main() -> int:
    options = _arguments()
    if not Path("/proc/self/stat").exists():
        raise Failure("this needs Linux: use PostgreSQL and nats-server in containers elsewhere")
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda number, _: sys.exit(128 + number))
    return options.action(options)


def run(options) -> int:
    """Runs a command with the servers there, and stops them after it if nobody
    else uses them."""
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        raise Failure("run: no command given: run [--fresh-nats] -- COMMAND…")
    try:
        with sharing.locked():
            others = sharing.in_use_by()
            sharing.hold()
            if options.fresh_nats:
                _make_nats_fresh(others)
            environment = _ensure()
        return process.run(command, {**os.environ, **environment}, sharing.hold)
    finally:
        process.hold_signals()
        if sharing.release():
            with sharing.locked():
                _stop_unless_wanted()


def up(_options) -> int:
    """Starts the servers and leaves them running."""
    with sharing.locked():
        try:
            environment = _ensure()
            sharing.keep(True)
        finally:
            _stop_unless_wanted()
    for name, value in environment.items():
        print(f"{name}={value}")
    say(f"running until `make down`; `. {ENVIRONMENT_FILE.relative_to(ROOT)}` sets these variables")
    return 0


def down(_options) -> int:
    """Stops the servers, or lets the commands that use them do so when they end."""
    with sharing.locked():
        sharing.keep(False)
        users = _stop_unless_wanted()
    if users:
        say(f"still used by process {_list(users)}: the servers stop when it ends")
    return 0


def status(_options) -> int:
    """Prints what runs, where, and for whom."""
    with sharing.locked():
        pg, broker, users = postgres.find(), nats.find(), sharing.in_use_by()
    if pg:
        print(f"PostgreSQL   {pg.admin_url}  process {pg.process.pid}")
        print(f"             programs {pg.bin}, data {pg.data}")
    else:
        print("PostgreSQL   not running")
    if broker:
        print(f"nats-server  {broker.url}  process {broker.process.pid}")
        print(f"             program {broker.binary}, monitoring {broker.monitor_url}")
    else:
        print("nats-server  not running")
    print(f"used by      {'process ' + _list(users) if users else 'no command'}"
          f"{'; kept by `up`' if sharing.kept() else ''}")
    return 0


def clean(_options) -> int:
    """Stops the servers and removes all they kept, downloads included."""
    with sharing.locked():
        users = sharing.in_use_by()
        if users:
            raise Failure(f"the servers are used by process {_list(users)}: end that first")
        sharing.keep(False)
        _stop()
        postgres.destroy()
        for path in LOCAL.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path != sharing.LOCK:
                path.unlink()
        sharing.LOCK.unlink()
        LOCAL.rmdir()
    return 0


def _ensure() -> dict[str, str]:
    """Starts what does not run and answers the variables that say where it is."""
    pg, broker = postgres.ensure(), nats.ensure()
    environment = {
        "PUNTUAL_PG_ADMIN_URL": pg.admin_url,
        "PUNTUAL_PG_BIN": pg.bin,
        "PUNTUAL_NATS_URL": broker.url,
        "PUNTUAL_NATS_SERVER": broker.binary,
    }
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in environment.items()]
    write_file(ENVIRONMENT_FILE, "".join(lines))
    return environment


def _make_nats_fresh(others: list[int]) -> None:
    if nats.find():
        if others:
            raise Failure(f"--fresh-nats: nats-server is used by process {_list(others)}")
        if sharing.kept():
            raise Failure("--fresh-nats: nats-server is kept running: `make down` first")
        nats.stop()
    nats.wipe()


def _stop_unless_wanted() -> list[int]:
    """Stops the servers if nobody uses or keeps them; answers who uses them."""
    users = sharing.in_use_by()
    if not users and not sharing.kept():
        _stop()
    return users


def _stop() -> None:
    nats.stop()
    postgres.stop()
    remove(ENVIRONMENT_FILE)
    if SQLX_ENVIRONMENT_FILE.exists() and SQLX_ENVIRONMENT_FILE.read_text().startswith(SQLX_MARK):
        remove(SQLX_ENVIRONMENT_FILE)


def _list(pids: list[int]) -> str:
    return ", ".join(map(str, pids))


def _arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(required=True, metavar="command")
    for action in (run, up, down, status, clean):
        summary = " ".join(action.__doc__.split())
        command = commands.add_parser(action.__name__, help=summary, description=summary)
        command.set_defaults(action=action)
        if action is run:
            command.add_argument(
                "--fresh-nats", action="store_true", help="start nats-server without any stream"
            )
            command.add_argument("command", nargs=argparse.REMAINDER, metavar="-- command")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        say(str(failure))
        sys.exit(1)
    except PermissionError as error:
        say(f"{error}: is {LOCAL} another user's?")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
