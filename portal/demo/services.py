"""The processes of the demo: what each runs, with which settings and where it logs."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from portal.demo.environment import DemoFiles
from portal.demo.supervisor import CommandService
from portal.embedded.process import Command

ROOT = Path(__file__).resolve().parents[2]
_PORTS_TO_TRY = 50
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE")


def free_port(wanted: int) -> int:
    """Return the first port from `wanted` upwards that nobody listens on; raise OSError when there is none near."""
    for port in range(wanted, wanted + _PORTS_TO_TRY):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(f"no free port between {wanted} and {wanted + _PORTS_TO_TRY - 1}")


def child_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return what a child process gets: the settings, and from our own environment only what programs need anywhere."""
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {**passed_on, "PYTHONUNBUFFERED": "1", **settings}


def identity_provider(node: Path, files: DemoFiles) -> CommandService:
    """Return the identity provider; its port is in its configuration."""
    script = ROOT / "portal" / "demo" / "identity_provider" / "server.mjs"
    environment = child_environment({"CONFIG": str(files.provider_config)})
    return CommandService(
        Command(
            argv=[str(node), str(script)],
            log=files.log("identity-provider"),
            environment=environment,
            cwd=ROOT,
            grace=3,
        )
    )


def web(files: DemoFiles, settings: Mapping[str, str], port: int) -> CommandService:
    """Return the web server on loopback."""
    options = ["--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--blocking-threads", "8", "--no-ws"]
    return _python(files, settings, "web", "granian", *options, "wsgi:app")


def relay(files: DemoFiles, settings: Mapping[str, str]) -> CommandService:
    """Return the process that carries outbox messages to the queue."""
    return _python(files, settings, "relay", "portal", "relay")


def worker(files: DemoFiles, settings: Mapping[str, str], number: int) -> CommandService:
    """Return one worker process."""
    return _python(files, settings, f"worker-{number}", "portal", "worker")


def contract_proxy(
    files: DemoFiles, certificates: Path, key_file: Path, port: int, behind: int, down_while: Path, lost_while: Path
) -> CommandService:
    """Return the proxy that ends mutual TLS in front of an installation's national contract."""
    words = (
        "--port",
        str(port),
        "--behind",
        str(behind),
        "--certificates",
        str(certificates),
        "--key-file",
        str(key_file),
    )
    trouble = ("--down-while", str(down_while), "--lost-while", str(lost_while))
    return _python(files, {}, "contract-proxy", "portal.demo.contract_proxy", *words, *trouble)


def _python(files: DemoFiles, settings: Mapping[str, str], name: str, module: str, *words: str) -> CommandService:
    return CommandService(
        Command(
            argv=[sys.executable, "-m", module, *words],
            log=files.log(name),
            environment=child_environment(settings),
            cwd=ROOT,
            grace=8,
        )
    )
