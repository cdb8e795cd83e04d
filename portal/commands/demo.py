"""`portal demo`, `portal demo-pair` and `portal demo-reset`: the whole portal on one machine, without installing anything else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from portal.demo.lock import DemoIsRunning
from portal.demo.services import ROOT
from portal.embedded.process import ProcessFailed

DEMO, PAIR = ROOT / ".demo", ROOT / ".demo-pair"
_PORT = click.option(
    "--port", default=8000, show_default=True, help="The web server's port; the next free one when it is taken."
)
_FOLLOW = click.option(
    "--follow-parent", is_flag=True, help="Also stop when the process that started this one is gone."
)


def _state(default: Path) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(
        "--state",
        type=click.Path(file_okay=False, path_type=Path),
        default=default,
        show_default=f"{default.name} in the checkout",
        help="Where the demo keeps its data, secrets and logs.",
    )


@click.command()
@_PORT
@_FOLLOW
@_state(DEMO)
def demo(port: int, follow_parent: bool, state: Path) -> None:
    """Run the whole portal with a believable region, until Ctrl-C."""
    from portal.demo.run import Demo

    _run(Demo(state, port, click.echo, follow_parent=follow_parent))


@click.command("demo-pair")
@_PORT
@_FOLLOW
@_state(PAIR)
def demo_pair(port: int, follow_parent: bool, state: Path) -> None:
    """Run two installations: the pages of one in front of the prescriptions and the depot of the other, until Ctrl-C."""
    from portal.demo.pair import PairDemo

    _run(PairDemo(state, port, click.echo, follow_parent=follow_parent))


def _run(demo: Any) -> None:
    try:
        demo.run()
    except DemoIsRunning:
        raise click.ClickException(
            "A demo runs in this checkout already; stop it first (Ctrl-C where it was started)."
        ) from None
    except ProcessFailed as problem:
        raise click.ClickException(str(problem)) from None


@click.command("demo-reset")
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the demo keeps its data; the folders of both demos in the checkout unless given.",
)
def demo_reset(state: Path | None) -> None:
    """Remove the demos' data and secrets; the next start begins from nothing."""
    from portal.demo.run import reset

    try:
        removed = [reset(folder) for folder in ([DEMO, PAIR] if state is None else [state])]
    except DemoIsRunning:
        raise click.ClickException(
            "A demo runs in this checkout; stop it first (Ctrl-C where it was started)."
        ) from None
    click.echo("The demo's data is removed." if any(removed) else "There is no demo data.")
