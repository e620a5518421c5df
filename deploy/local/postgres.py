"""A private PostgreSQL cluster, on loopback and without sockets or passwords.

PostgreSQL refuses to run as root, so root runs it as an unprivileged user. Its
data must be where that user can go: in .local, or, for a checkout under a
directory closed to it, in /var/tmp. Which one is recorded in .local/postgres.json.
"""
from __future__ import annotations

import glob
import hashlib
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

import packages
import process
from common import (
    LOCAL, LOOPBACK, ROOT, Failure, StartFailed, free_ports, read_json, remove, say,
    start_with_retries, tail, wait_until, write_json,
)

OLDEST = 15
RECORD = LOCAL / "postgres.json"
LOG = LOCAL / "postgres.log"
INSIDE = LOCAL / "postgres"
OUTSIDE = Path("/var/tmp") / f"puntual-{hashlib.sha256(os.fsencode(ROOT)).hexdigest()[:12]}"

# Where Debian and its like put each major version.
DEBIAN_PROGRAMS = "/usr/lib/postgresql/[0-9]*/bin"

# Crash recovery of a cluster that was killed at work can take its time.
READY_WITHIN_S = 120

# Given on the command line at every start: what runs is what is written here.
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "400",
    "shared_buffers": "256MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "min_wal_size": "256MB",
    "max_wal_size": "2GB",
    "idle_in_transaction_session_timeout": "60s",
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


@dataclass(frozen=True)
class Server:
    process: process.Process
    bin: str
    data: Path
    port: int

    @property
    def admin_url(self) -> str:
        return f"postgres://postgres@{LOOPBACK}:{self.port}/postgres"


def find() -> Server | None:
    """The server of this checkout, if it runs.

    PostgreSQL writes its own pid file into its data, so one whose starter was
    killed is found too; the command line must name our data.
    """
    data = _recorded() or (OUTSIDE / "postgres" if _owned(OUTSIDE) else None)
    return _running(data) if data else None


def ensure() -> Server:
    """The running server; started, and its cluster made, if there is none."""
    data = _recorded() or _choose()
    server = _running(data)
    if server:
        wait_until(lambda: _ready(data), READY_WITHIN_S)
        return server
    bin_dir = _binaries(data)
    if not (data / "PG_VERSION").exists():
        _create(data, bin_dir)
    write_json(RECORD, {"checkout": str(ROOT), "data": str(data)})
    return start_with_retries(lambda: _start(data, bin_dir))


def stop() -> None:
    server = find()
    if server:
        # Fast shutdown, then immediate; never a kill, which would leave its children.
        process.stop(server.process, [(signal.SIGINT, 60), (signal.SIGQUIT, 20)])


def destroy() -> None:
    """Removes the cluster, wherever it is; for a server that does not run."""
    shutil.rmtree(INSIDE, ignore_errors=True)
    if _owned(OUTSIDE):
        shutil.rmtree(OUTSIDE)


def clean_environment() -> dict:
    """The environment without what would steer PostgreSQL's programs elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def _recorded() -> Path | None:
    """Where the data was put; a record copied along with another checkout does
    not count."""
    record = read_json(RECORD)
    return Path(record["data"]) if record.get("checkout") == str(ROOT) else None


def _choose() -> Path:
    """Where to put the data."""
    account = _account()
    LOCAL.mkdir(parents=True, exist_ok=True)
    if account is None or _can_reach(LOCAL):
        return INSIDE
    data = OUTSIDE / "postgres"
    if OUTSIDE.is_symlink() or OUTSIDE.exists():
        if not _owned(OUTSIDE):
            raise Failure(f"{OUTSIDE} is not a directory of this user: remove it")
        if data.exists() and not _running(data):
            say(f"removing {data}, left by an earlier checkout at the same path")
            shutil.rmtree(data)
    else:
        OUTSIDE.mkdir()
        OUTSIDE.chmod(0o755)
    return data


def _owned(directory: Path) -> bool:
    """Whether this is a directory of our own: in /var/tmp anyone may have made
    one of that name."""
    try:
        status = directory.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()


def _account():
    """The user PostgreSQL runs as when we are root: whose data it is, once there
    is some. None when it runs as ourselves."""
    if os.geteuid() != 0:
        return None
    data = _recorded()
    if data and data.exists() and data.stat().st_uid != 0:
        return pwd.getpwuid(data.stat().st_uid)
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            pass
    raise Failure("PostgreSQL does not run as root, and there is no user postgres or nobody here")


def _identity() -> dict:
    """subprocess arguments that run a program of PostgreSQL's as its user."""
    account = _account()
    common = {"stdin": subprocess.DEVNULL, "cwd": "/", "env": clean_environment()}
    if account is None:
        return common
    common["env"].update(HOME="/", USER=account.pw_name, LOGNAME=account.pw_name)
    return {**common, "user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _can_reach(directory: Path) -> bool:
    done = subprocess.run(
        ["/bin/sh", "-c", 'cd -P -- "$1"', "sh", str(directory)],
        stderr=subprocess.DEVNULL, **_identity(),
    )
    return done.returncode == 0


def _pid_file(data: Path) -> list[str]:
    """The lines PostgreSQL wrote: pid, data, start, port, …, state. Empty when
    there is no file or it was cut short."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return []
    except PermissionError:
        raise Failure(
            f"the data in {data} belongs to another user: run this as that user, "
            "or have that user run `make clean-local`"
        ) from None
    return lines if len(lines) >= 4 and lines[0].isdigit() else []


def _running(data: Path) -> Server | None:
    """The server whose data this is."""
    lines = _pid_file(data)
    running = process.lookup(int(lines[0])) if lines else None
    words = process.arguments(running.pid) if running else []
    if not words or os.path.basename(words[0]) != "postgres" or str(data) not in words:
        return None
    return Server(running, os.path.dirname(words[0]), data, int(lines[3]))


def _ready(data: Path) -> bool:
    lines = _pid_file(data)
    return len(lines) >= 8 and lines[7].strip() == "ready"


def _binaries(data: Path) -> str:
    """The programs to use: those of the version that wrote the data, else the
    first found, else installed."""
    found = _installations() or _install()
    try:
        written_by = int((data / "PG_VERSION").read_text())
    except FileNotFoundError:
        return found[0][1]
    for major, bin_dir in found:
        if major == written_by:
            return bin_dir
    raise Failure(
        f"the data in {data} was written by PostgreSQL {written_by}, and PostgreSQL "
        f"{found[0][0]} is what is here: run `make clean-local` to start afresh"
    )


def _installations() -> list[tuple[int, str]]:
    """Versions that are new enough, the preferred one first, with their programs."""
    in_path = shutil.which("postgres")
    places = [os.path.dirname(os.path.realpath(in_path))] if in_path else []
    debian = {int(re.search(r"\d+", path)[0]): path for path in glob.glob(DEBIAN_PROGRAMS)}
    places += [debian[major] for major in sorted(debian, reverse=True)]
    if shutil.which("pg_config"):
        answer = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True)
        places += [answer.stdout.strip()] if answer.returncode == 0 else []
    found = [(_major(place), place) for place in dict.fromkeys(places)]
    return [(major, place) for major, place in found if major >= OLDEST]


def _major(bin_dir: str) -> int:
    """The version of the programs in a directory, 0 unless all are there and
    the user they are to run as can run them."""
    if not all(os.access(f"{bin_dir}/{name}", os.X_OK) for name in ("initdb", "postgres", "psql")):
        return 0
    try:
        done = subprocess.run(
            [f"{bin_dir}/postgres", "--version"], capture_output=True, text=True, **_identity()
        )
    except OSError:
        return 0
    match = re.search(r"\(PostgreSQL\) (\d+)", done.stdout)
    return int(match[1]) if match else 0


def _install() -> list[tuple[int, str]]:
    """Installs the distribution's PostgreSQL without its usual running cluster."""
    hint = (
        f"PostgreSQL {OLDEST} or later is needed (initdb, postgres and psql in PATH, in "
        "/usr/lib/postgresql or where pg_config says): install it (Debian, Ubuntu: "
        "apt-get install postgresql)"
    )
    if packages.apt_prefix() is None:
        raise Failure(hint)
    settings = "/etc/postgresql-common/createcluster.conf"
    packages.apt_update()
    installed = (
        packages.apt_install("postgresql-common")
        and packages.as_administrator(
            f"sed -i -E '/^[#[:space:]]*create_main_cluster/d' {settings} && "
            f"echo 'create_main_cluster = false' >> {settings}"
        )
        and packages.apt_install("postgresql")
    )
    found = _installations()
    if not found:
        reason = "the one apt-get has is older" if installed else "apt-get could not install it"
        raise Failure(f"{hint}; {reason}")
    return found


def _new(data: Path) -> Path:
    """Where a cluster is made, so that one whose making was cut short is never used."""
    return data.with_name(data.name + ".new")


def _create(data: Path, bin_dir: str) -> None:
    new, account = _new(data), _account()
    for leftover in (new, data):
        shutil.rmtree(leftover, ignore_errors=True)
    new.mkdir(mode=0o700, parents=True)
    if account:
        os.chown(new, account.pw_uid, account.pw_gid)
    say(f"making a PostgreSQL cluster in {data}")
    done = subprocess.run(
        [f"{bin_dir}/initdb", "--pgdata", str(new), "--locale=C", "--encoding=UTF8",
         "--auth=trust", "--username=postgres"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **_identity(),
    )
    if done.returncode != 0:
        shutil.rmtree(new, ignore_errors=True)
        raise Failure(f"initdb failed:\n{done.stdout}")
    os.rename(new, data)


def _start(data: Path, bin_dir: str) -> Server:
    _forget_reused_pid(data)
    settings = {**SETTINGS, "port": str(free_ports(1)[0])}
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]

    def ready(pid: int) -> bool:
        server = _running(data)
        return server is not None and server.process.pid == pid and _ready(data)

    command = [f"{bin_dir}/postgres", "-D", str(data), *options]
    if not process.launch(command, LOG, ready, READY_WITHIN_S, **_identity()):
        raise StartFailed(f"PostgreSQL did not start; {LOG} ends with\n{tail(LOG)}")
    server = _running(data)
    say(f"PostgreSQL  {server.admin_url}")
    return server


def _forget_reused_pid(data: Path) -> None:
    """Removes a pid file that a killed machine left and that would stop a start:
    one cut short, or one whose process id is now another program's. A file whose
    process is simply gone stays: PostgreSQL uses it to look for children of that
    process that still have the data open."""
    path = data / "postmaster.pid"
    if not path.exists():
        return
    lines = _pid_file(data)
    if not lines or process.lookup(int(lines[0])):
        remove(path)
