"""`portal migrate`: bring a database to the newest revision."""

from __future__ import annotations

import os

import click
from alembic import command
from alembic.config import Config


def alembic_config(database_url: str) -> Config:
    """Return Alembic's configuration for the packaged migrations and this database."""
    config = Config()
    config.set_main_option("script_location", "portal:migrations")
    config.set_main_option("path_separator", "os")
    # Percent signs are interpolation in Alembic's configuration.
    config.set_main_option("sqlalchemy.url", database_url.replace("%", "%%"))
    return config


def migrate_to_head(database_url: str) -> None:
    """Run every migration that the database lacks; each has its own transaction."""
    command.upgrade(alembic_config(database_url), "head")


@click.command()
@click.option("--to", "revision", default="head", show_default=True, help="The revision to end at.")
def migrate(revision: str) -> None:
    """Bring the database of DATABASE_URL to the newest revision."""
    database_url = os.environ.get("DATABASE_URL", "")
    if not database_url:
        raise click.ClickException("DATABASE_URL is missing.")
    command.upgrade(alembic_config(database_url), revision)
    click.echo("The database is at the newest revision." if revision == "head" else f"The database is at {revision}.")
