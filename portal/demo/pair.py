"""Two installations on one machine: one has the prescriptions and the depot, the other has pages in front of it, and nothing else."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from pathlib import Path

from orders.contract.names import Service
from portal.config import PACKAGED_POLICIES
from portal.demo import services
from portal.demo.certificates import Certificates, make_certificates
from portal.demo.environment import DemoFiles, write_private
from portal.demo.installation import Installation, Plan
from portal.demo.run import PARTS, Demo
from portal.demo.supervisor import Supervisor

SOURCE_ADDRESS = "SE2321000131-F000000000101"
PORTAL_HSA_ID = "SE2321000131-S000000000201"
DOWN, LOST = "source-is-down", "answers-are-lost"
_REGION = "vgr"
_SOURCE, _PORTAL = PARTS
_PORTS_BETWEEN = 10
_OTHERS = re.compile(r"(?ms)^\[(?:contract|source)\].*?(?=^\[|\Z)")
_WHO = (
    ("Anna Lindvik", "her four products; order them, and see them reach the other depot"),
    ("Sara Sommarström", "orders for her child Alva (choose Alva at the top)"),
    ("Fatima Nourzadeh", "service points, fetched from the source"),
    ("Gunilla Storhed", "has used everything, as the source says"),
)


class PairDemo(Demo):
    """One run of both; either is a complete installation with servers, a database and an identity provider of its own."""

    def _start(self, supervisor: Supervisor) -> None:
        from portal.demo.region import load_demo_region, load_people

        started = time.monotonic()
        folder = self._files.folder
        certificates = make_certificates(self._files.certificates, PORTAL_HSA_ID)
        key_file = self._files.certificates / "proxy-key"
        write_private(key_file, secrets.token_urlsafe(32))
        for name in (DOWN, LOST):
            (folder / name).unlink(missing_ok=True)
        plan = Plan(
            DemoFiles(folder / _SOURCE),
            load_demo_region,
            of=" of the source",
            # The other way round than the portal: each browser's cookies of the one stay apart from those of the other.
            host="127.0.0.1",
            provider_host="localhost",
            workers=1,
            settings={
                "CONTRACT_PROXY_KEY_FILE": str(key_file),
                "PORTAL_POLICY_DIR": str(write_policy(folder / _SOURCE, source_section())),
            },
        )
        source = Installation(plan, self._say)
        # Its processes come up while the portal's database is made.
        source_url = source.start(supervisor, self._wanted_port + _PORTS_BETWEEN, waits=False)
        source_port = int(source_url.rpartition(":")[2])
        proxy_port = services.free_port(source_port + _PORTS_BETWEEN)
        proxy = services.contract_proxy(
            self._files, certificates.folder, key_file, proxy_port, source_port, folder / DOWN, folder / LOST
        )
        supervisor.start("The proxy before the source", proxy)
        write_private(self._files.sources, sources_file(_REGION, f"https://localhost:{proxy_port}", certificates))
        plan = Plan(
            DemoFiles(folder / _PORTAL),
            load_people,
            of=" of the portal",
            workers=1,
            settings={
                "CONTRACT_SOURCES_FILE": str(self._files.sources),
                "PORTAL_POLICY_DIR": str(write_policy(folder / _PORTAL, portal_section())),
                "SERVICE_POINTS_FILE": "",
            },
        )
        portal_url = Installation(plan, self._say).start(supervisor, self._wanted_port)
        source.wait(supervisor)
        self._introduce_both(portal_url, source_url, time.monotonic() - started)

    def _introduce_both(self, portal_url: str, source_url: str, seconds: float) -> None:
        say: Callable[[str], None] = self._say
        folder = self._files.folder
        width = max(len(name) for name, _ in _WHO)
        say("")
        say(f"Ready after {seconds:.1f} s. Two installations, each with a database of its own:")
        say("")
        say(f"The portal, {portal_url}: patients order here. It has no prescriptions; it asks the source. Log in as")
        for name, shows in _WHO:
            say(f"  {name:<{width}}  {shows}")
        say("")
        say(f"The source, {source_url}: prescriptions, depot and stock; the orders land here. Log in as")
        say(f"  {'Kim Rosenhede':<{width}}  the depot: picks and sends what was ordered at the portal")
        say(f"  {'Anna Lindvik':<{width}}  orders here directly too, and uses the same withdrawals")
        say("")
        say(f"The source goes away while there is a file {folder / DOWN}")
        say(f"and takes orders without answering while there is a file {folder / LOST}")
        say("")
        say(f"Open {portal_url}")
        say(f"Logs and settings are in {folder}. Ctrl-C stops everything.")


def write_policy(folder: Path, section: str, region: str = _REGION) -> Path:
    """Write the region's policy with this section instead of those that say where prescriptions live; return the folder of policies."""
    policies = folder / "policies"
    policies.mkdir(parents=True, exist_ok=True)
    kept = _OTHERS.sub("", (PACKAGED_POLICIES / f"{region}.toml").read_text(encoding="utf-8"))
    (policies / f"{region}.toml").write_text(f"{kept.rstrip()}\n\n{section}", encoding="utf-8")
    return policies


def source_section() -> str:
    """Return the section of a source that nobody but the portal may ask."""
    return f'[contract]\nlogical_addresses = ["{SOURCE_ADDRESS}"]\ncallers = ["{PORTAL_HSA_ID}"]\n'


def portal_section(version: str = "2.0") -> str:
    """Return the section of a portal that asks the source each time: what is done there is seen here at once."""
    return f'[source]\nlogical_address = "{SOURCE_ADDRESS}"\nversion = "{version}"\nfresh_minutes = 0\n'


def sources_file(region: str, address: str, certificates: Certificates, version: str = "2.0") -> str:
    """Return what CONTRACT_SOURCES_FILE says of the region's source, whose services all are at one address."""
    lines = [
        f'{name} = "{address}/api/contract/{version}/{service}"'
        for name, service in (
            ("prescriptions", Service.PRESCRIPTIONS),
            ("orders", Service.ORDER),
            ("points", Service.POINTS),
        )
    ]
    files = (
        ("certificate", certificates.caller),
        ("key", certificates.caller_key),
        ("authorities", certificates.authority),
    )
    lines += [f'{name} = "{path}"' for name, path in files]
    return "\n".join((f"[{region}]", *lines, ""))
