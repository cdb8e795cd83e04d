"""`portal demo` and `portal demo-reset`: the whole portal on one machine, without installing anything else."""

from __future__ import annotations

from pathlib import Path

import click

from portal.demo.lock import DemoIsRunning
from portal.demo.services import ROOT
from portal.embedded.process import ProcessFailed

_STATE = click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    default=ROOT / ".demo",
    show_default=".demo in the checkout",
    help="Where the demo keeps its data, secrets and logs.",
)


@click.command()
@click.option(
    "--port", default=8000, show_default=True, help="The web server's port; the next free one when it is taken."
)
@click.option("--follow-parent", is_flag=True, help="Also stop when the process that started this one is gone.")
@_STATE
def demo(port: int, follow_parent: bool, state: Path) -> None:
    """Run the whole portal with a believable region, until Ctrl-C."""
    from portal.demo.run import Demo

    try:
        Demo(state, port, click.echo, follow_parent=follow_parent).run()
    except DemoIsRunning:
        raise click.ClickException(
            "A demo runs in this checkout already; stop it first (Ctrl-C where it was started)."
        ) from None
    except ProcessFailed as problem:
        raise click.ClickException(str(problem)) from None


@click.command("demo-reset")
@_STATE
def demo_reset(state: Path) -> None:
    """Remove the demo's data and secrets; the next start begins from nothing."""
    from portal.demo.run import reset

    try:
        removed = reset(state)
    except DemoIsRunning:
        raise click.ClickException(
            "A demo runs in this checkout; stop it first (Ctrl-C where it was started)."
        ) from None
    click.echo("The demo's data is removed." if removed else "There is no demo data.")
