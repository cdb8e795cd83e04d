"""`portal migrate`: bring a database to the newest revision."""

from __future__ import annotations

import os

import click

from portal import migrations


@click.command()
@click.option("--to", "revision", default="head", show_default=True, help="The revision to end at.")
def migrate(revision: str) -> None:
    """Bring the database of DATABASE_URL to the newest revision."""
    database_url = os.environ.get("DATABASE_URL", "")
    if not database_url:
        raise click.ClickException("DATABASE_URL is missing.")
    migrations.migrate(database_url, revision)
    click.echo("The database is at the newest revision." if revision == "head" else f"The database is at {revision}.")
