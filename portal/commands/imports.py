"""`portal import …`: read a file into the database, one file in one transaction."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from auth.identity import Identity, system_identity
from auth.importing.persons import import_persons
from auth.importing.workplaces import import_proxies, import_staff, import_units
from core.crypto import use_keyring
from core.db import Database
from core.importing import FileRefused, ImportRefused, Outcome, Progress
from core.policy import PolicyProblem, use_policies
from delivery.importing import import_depots, import_stock
from orders.importing.articles import import_articles
from orders.importing.prescriptions import import_prescriptions
from orders.importing.service_points import import_service_points
from portal.config import Settings, SettingsProblem
from portal.regions import load_policies

Importer = Callable[..., Outcome]
LARGEST_FILE = 200_000_000
IMPORTERS: dict[str, tuple[Importer, str]] = {
    "articles": (import_articles, "Articles of the assortment and their suppliers (CSV)."),
    "depots": (import_depots, "Which units are depots (CSV)."),
    "persons": (import_persons, "Persons and guardianships as the population register has them (CSV)."),
    "proxies": (import_proxies, "Proxies that patients have appointed (CSV)."),
    "service-points": (import_service_points, "Service points of a carrier (CSV)."),
    "staff": (import_staff, "Staff and their commissions (CSV)."),
    "stock": (import_stock, "Goods on the depot's shelves (CSV)."),
    "units": (import_units, "Prescribing units, depots and other places of work (CSV)."),
}
log = logging.getLogger("portal.imports")


@click.group("import")
def import_group() -> None:
    """Read a file into the database: all of it or nothing, unless --skip-bad. The columns are in docs/import.md."""


def run_import(
    database: Database, region: str, raw: bytes, importer: Importer, name: str, progress: Progress, **options: Any
) -> Outcome:
    """Import one file in one unit of work, as the system; raise FileRefused, ImportRefused."""
    identity = system_identity(region, f"import {name}")
    # With an option such as `is_full`, the importer is one that has it.
    importing: Callable[[Session, Identity, bytes], Outcome] = partial(importer, progress=progress, **options)
    with database.unit_of_work() as session:
        outcome = importing(session, identity, raw)
    log.info(
        "file imported",
        extra={
            "file_kind": name,
            "added": outcome.added,
            "changed": outcome.changed,
            "unchanged": outcome.unchanged,
            "cancelled": outcome.cancelled,
            "refused": len(outcome.refused),
        },
    )
    return outcome


def _import_file(name: str, importer: Importer, path: Path, region: str, skip_bad: bool, **options: Any) -> None:
    settings = _settings(region)
    if path.stat().st_size > LARGEST_FILE:
        raise click.ClickException(f"The file is larger than {LARGEST_FILE // 1_000_000} MB; split it.")
    raw = path.read_bytes()
    database = Database(settings.database_url)
    try:
        with click.progressbar(length=1, label=f"Importing {name}", file=sys.stderr) as bar:
            outcome = run_import(database, region, raw, importer, name, _Shown(bar), skip_bad=skip_bad, **options)
    except FileRefused as problem:
        raise click.ClickException(f"line {problem.line}: {problem.reason}.\nNothing was changed.") from None
    except ImportRefused as problem:
        _say_refused(problem.outcome)
        raise click.ClickException(
            f"Nothing was changed. {_rows(len(problem.outcome.refused))} refused; --skip-bad imports the rest."
        ) from None
    except OperationalError:
        raise click.ClickException(
            "The database did not answer, or was busy for too long. Nothing was changed."
        ) from None
    finally:
        database.dispose()
    _say_refused(outcome)
    click.echo(
        f"{outcome.added} added, {outcome.changed} changed, {outcome.unchanged} unchanged, "
        f"{outcome.cancelled} cancelled, {len(outcome.refused)} refused."
    )


class _Shown:
    """Moves the bar; its length is known only when the file is read."""

    def __init__(self, bar: Any) -> None:
        self._bar = bar
        self._done = 0

    def __call__(self, done: int, total: int) -> None:
        self._bar.length = total
        self._bar.update(done - self._done)
        self._done = done


def _settings(region: str) -> Settings:
    try:
        settings = Settings.from_environment()
        policies = load_policies(settings)
        policies.of(region)
    except (SettingsProblem, PolicyProblem) as problem:
        raise click.ClickException(str(problem)) from None
    use_keyring(settings.keyring)
    use_policies(policies)
    return settings


def _say_refused(outcome: Outcome) -> None:
    for refusal in outcome.refused:
        click.echo(f"line {refusal.line}: {refusal.reason}", err=True)


def _rows(count: int) -> str:
    return "1 row was" if count == 1 else f"{count} rows were"


_FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
_SKIP_BAD = click.option("--skip-bad", is_flag=True, help="Import the good rows although some are refused.")
_REGION = click.option("--region", default="vgr", show_default=True, help="The region that the rows belong to.")


def _command(name: str, importer: Importer, summary: str) -> click.Command:
    @click.command(name, help=summary)
    @_FILE
    @_SKIP_BAD
    @_REGION
    def command(file: Path, skip_bad: bool, region: str) -> None:
        _import_file(name, importer, file, region, skip_bad)

    return command


for _name, (_importer, _summary) in IMPORTERS.items():
    import_group.add_command(_command(_name, _importer, _summary))


@import_group.command("prescriptions")
@_FILE
@_SKIP_BAD
@_REGION
@click.option(
    "--full", is_flag=True, help="A table that holds everything of its sources: what is missing is cancelled."
)
@click.option(
    "--source", default="", help="The source whose full delivery this is, where the file itself does not say."
)
def prescriptions(file: Path, skip_bad: bool, region: str, full: bool, source: str) -> None:
    """Prescriptions as a table (CSV) or as responses of the national contract, versions 1.0 and 2.0 (XML)."""
    _import_file("prescriptions", import_prescriptions, file, region, skip_bad, is_full=full, source=source)
