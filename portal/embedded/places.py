"""Where an embedded service keeps its files, also when we are root and it must not be.

PostgreSQL refuses to run as root, and an ordinary user cannot reach a checkout below a private home. As root, its data, its sockets and,
where needed, a copy of its programs therefore live in a directory of our own below /var/tmp.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path

from portal.embedded.process import ProcessFailed, User

# sun_path holds 108 bytes on Linux and 104 on macOS; the socket's own name needs 20 of them.
_LONGEST_SOCKET_DIRECTORY = 80


def ordinary_user() -> User | None:
    """Return the user that services run as, or None when we are an ordinary user already."""
    if os.geteuid() != 0:
        return None
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        return User(65534, 65534)
    return User(nobody.pw_uid, nobody.pw_gid)


def own_shared_directory() -> Path:
    """Return a directory outside every home that belongs to us and that others may pass through."""
    base = Path("/var/tmp") if Path("/var/tmp").is_dir() else Path(tempfile.gettempdir())
    directory = base / f"hjalpmedelsportalen-{os.geteuid()}"
    try:
        directory.mkdir(mode=0o711)
        directory.chmod(0o711)
    except FileExistsError:
        # Anyone may create names in /var/tmp: what is there already must be a directory of ours.
        if directory.is_symlink() or not directory.is_dir() or directory.stat().st_uid != os.geteuid():
            raise ProcessFailed(f"{directory} belongs to somebody else") from None
    return directory


def service_directory(state: Path, user: User | None) -> Path:
    """Return the private directory of the service whose state is asked to live in `state`."""
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    if user is None:
        return state
    _sweep_abandoned()
    directory = own_shared_directory() / f"service-{_instance(state)}"
    if not directory.exists():
        directory.mkdir(mode=0o700)
        os.chown(directory, user.uid, user.gid)
        directory.with_suffix(".owner").write_text(str(state.resolve()))
    return directory


def socket_directory(wanted: Path, user: User | None) -> Path:
    """Create and return a private directory for a socket: `wanted`, or a shorter path when the system's limit forbids it."""
    directory = wanted
    if len(os.fsencode(wanted)) > _LONGEST_SOCKET_DIRECTORY:
        directory = own_shared_directory() / f"sockets-{hashlib.sha256(os.fsencode(wanted)).hexdigest()[:16]}"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if user is not None:
        os.chown(directory, user.uid, user.gid)
    return directory


def remove_service(state: Path) -> None:
    """Remove everything the service has kept, wherever it is."""
    if (state / "instance").exists() and os.geteuid() == 0:
        directory = own_shared_directory() / f"service-{_instance(state)}"
        shutil.rmtree(directory, ignore_errors=True)
        directory.with_suffix(".owner").unlink(missing_ok=True)
    if state.exists():
        shutil.rmtree(state)


def runnable_programs(source: Path, folders: tuple[str, ...], probe: str, user: User | None, version: str) -> Path:
    """Return a directory that holds `folders` of `source` and whose program `probe` the user can run, copying if necessary."""
    if user is None or _runs(source / probe, user):
        return source
    copy = own_shared_directory() / f"programs-{version}"
    if not copy.exists():
        staging = Path(tempfile.mkdtemp(dir=copy.parent))
        for folder in folders:
            shutil.copytree(
                source / folder, staging / folder, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a")
            )
        staging.chmod(0o755)
        try:
            staging.rename(copy)
        except OSError:  # another process was first
            shutil.rmtree(staging)
    if not _runs(copy / probe, user):
        raise ProcessFailed(f"user id {user.uid} cannot run {copy / probe}: is {copy.parent} mounted noexec?")
    return copy


def _runs(program: Path, user: User) -> bool:
    try:
        outcome = subprocess.run(
            [program, "--version"],
            cwd="/",
            user=user.uid,
            group=user.gid,
            extra_groups=[],
            capture_output=True,
            timeout=20,
        )
    except OSError:
        return False
    return outcome.returncode == 0


def _instance(state: Path) -> str:
    # The path alone would hand a fresh checkout the data of an older one at the same place, encrypted with keys that are gone.
    marker = state / "instance"
    if not marker.exists():
        marker.write_text(secrets.token_hex(16))
    return hashlib.sha256(f"{state.resolve()} {marker.read_text()}".encode()).hexdigest()[:16]


def _sweep_abandoned() -> None:
    for owner in own_shared_directory().glob("service-*.owner"):
        if not Path(owner.read_text()).exists():
            shutil.rmtree(owner.with_suffix(""), ignore_errors=True)
            owner.unlink(missing_ok=True)
