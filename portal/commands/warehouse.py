"""`portal warehouse`: read what a warehouse system has put into the folder."""

from __future__ import annotations

import signal
from threading import Event

import click

from auth.identity import system_identity
from core.db import Database
from core.policy import served_regions
from delivery.warehouse import Receipt, take_message
from delivery.warehouse_parts import is_elsewhere
from portal.adapters.warehouse import FolderWarehouse
from portal.config import Settings
from portal.jobs import prepare_process

SECONDS_BETWEEN = 5.0


@click.command()
@click.option("--once", is_flag=True, help="Read what is there and end, for a timer.")
def warehouse(once: bool) -> None:
    """Read the messages of the regions' warehouse systems from the folder until stopped."""
    settings = Settings.from_environment()
    if settings.warehouse_folder is None:
        raise click.ClickException("WAREHOUSE_FOLDER is missing: without it messages come by HTTP.")
    database = prepare_process(settings)
    folder = FolderWarehouse(settings.warehouse_folder)
    regions = [region for region in served_regions() if is_elsewhere(region)]
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        while not stop.is_set():
            for region in regions:
                read_folder(database, folder, region)
            if once:
                break
            stop.wait(SECONDS_BETWEEN)
    finally:
        database.dispose()


def read_folder(database: Database, folder: FolderWarehouse, region: str) -> int:
    """Take every message in a region's folder, each in a transaction of its own; return how many were moved."""
    identity = system_identity(region, "warehouse")

    def take(raw: bytes) -> Receipt:
        with database.unit_of_work() as session:
            return take_message(session, identity, region, raw)

    return folder.read(region, take)
