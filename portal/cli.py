"""`portal …`: the commands that run, fill and look after the portal."""

from __future__ import annotations

from importlib import import_module

import click

# Name → where the command is and what it does; imported on use, so that one broken part does not stop the others.
COMMANDS = {
    "assets": ("portal.commands.assets:assets", "Build what browsers fetch."),
    "demo": ("portal.commands.demo:demo", "Run the whole portal on this machine."),
    "demo-pair": ("portal.commands.demo:demo_pair", "Run two: the pages of one before the depot of the other."),
    "demo-reset": ("portal.commands.demo:demo_reset", "Remove the demos' data."),
    "import": ("portal.commands.imports:import_group", "Read articles, prescriptions, persons, stock, service points."),
    "migrate": ("portal.commands.migrate:migrate", "Bring the database to the newest revision."),
    "payers": ("portal.commands.payers:payers", "Write what every payer pays for a month (CSV)."),
    "outbox": ("portal.commands.background:outbox", "List dead messages, or revive one."),
    "relay": ("portal.commands.background:relay", "Carry outbox messages to the queue."),
    "remind": ("portal.commands.background:remind", "Send the day's reminders."),
    "translations": ("portal.commands.translations:translations", "Keep the message catalogues complete."),
    "warehouse": ("portal.commands.warehouse:warehouse", "Read a warehouse system's messages from its folder."),
    "worker": ("portal.commands.background:worker", "Handle messages from the queue."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name][0].split(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in sorted(COMMANDS.items())])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def main() -> None:
    """Hjälpmedelsportalen: reorder prescribed consumables, follow the parcel, report what fails."""
