"""`portal payers`: a month's basis of invoices for all of a region's payers, as a file for its economy system."""

from __future__ import annotations

import sys
from datetime import date, datetime

import click

from auth.identity import system_identity
from core.crypto import use_keyring
from core.db import Database
from core.policy import PolicyProblem
from delivery.payer_basis import basis_of_region
from portal.config import Settings, SettingsProblem
from portal.csv_download import csv_bytes
from portal.regions import serve_regions

_HEADING = ("month", "payer", "code", "article_no", "article", "kind", "packages", "package_price", "amount")


def _month(_context: click.Context, _parameter: click.Parameter, value: str) -> date:
    try:
        return datetime.strptime(value, "%Y-%m").date()  # noqa: DTZ007
    except ValueError:
        raise click.BadParameter("is not a month written as 2026-11") from None


@click.command("payers")
@click.option("--region", required=True, help="The region whose payers.")
@click.option("--month", required=True, callback=_month, help="The month in which goods left the depot, as 2026-11.")
def payers(region: str, month: date) -> None:
    """Write what every payer pays for a month to standard output (CSV); it names no patient."""
    try:
        settings = Settings.from_environment()
        serve_regions(settings).of(region)
    except (SettingsProblem, PolicyProblem) as problem:
        raise click.ClickException(str(problem)) from None
    use_keyring(settings.keyring)
    database = Database(settings.database_url)
    try:
        with database.unit_of_work() as session:
            basis = basis_of_region(session, system_identity(region, "export payers"), month)
    finally:
        database.dispose()
    rows = [
        (
            f"{month:%Y-%m}",
            line.payer.value,
            line.payer_ref,
            line.article_no,
            line.article,
            "STORE" if line.is_for_store else "REPLACEMENT" if line.is_replacement else "WITHDRAWAL",
            str(line.packages),
            "" if line.package_price is None else f"{line.package_price:.2f}",
            "" if line.amount is None else f"{line.amount:.2f}",
        )
        for line in basis.lines
    ]
    sys.stdout.buffer.write(csv_bytes([_HEADING, *rows]))
