"""`portal translations`: gather the sentences of the program, keep the catalogues complete, compile them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[2]
CATALOGUES = ROOT / "translations"
PACKAGES = ("core", "auth", "orders", "delivery", "portal")
# English is what the source code says; these are translated from it.
LOCALES = ("sv",)

_METHODS = [("**/templates/**.html", "jinja2"), ("**/templates/**.txt", "jinja2"), ("**.py", "python")]
_OPTIONS = {"**/templates/**.html": {"silent": "false"}, "**/templates/**.txt": {"silent": "false"}}
_KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "_l": None,
    "_n": (1, 2),
    "lazy_gettext": None,
    "lazy_ngettext": (1, 2),
    "lazy_pgettext": ((1, "c"), 2),
}


def extract() -> Catalog:
    """Return every sentence that the program can show, with where it is and what translators should know."""
    template = Catalog(project="Hjälpmedelsportalen", charset="utf-8", fuzzy=False)
    for package in PACKAGES:
        found = extract_from_dir(
            ROOT / package,
            _METHODS,
            _OPTIONS,
            keywords=_KEYWORDS,
            comment_tags=("Translators:",),
            strip_comment_tags=True,
            directory_filter=lambda path: Path(path).name not in ("node_modules", "__pycache__"),
        )
        for name, line, sentence, comments, context in found:
            template.add(sentence, None, [(f"{package}/{name}", line)], auto_comments=comments, context=context)
    return template


def read(locale: str) -> Catalog:
    """Return the locale's catalogue, empty when there is no file yet."""
    path = _path(locale)
    if not path.exists():
        return Catalog(locale=locale, project="Hjälpmedelsportalen", charset="utf-8", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=locale)


def problems(template: Catalog, catalogue: Catalog) -> list[str]:
    """Return what makes the catalogue differ from the program: missing, unused, uncertain and untranslated sentences."""
    wanted = {_key(message): message for message in template if message.id}
    present = {_key(message): message for message in catalogue if message.id}
    found = [f"missing: {_show(wanted[key])}" for key in wanted.keys() - present.keys()]
    found += [f"not used any more: {_show(present[key])}" for key in present.keys() - wanted.keys()]
    found += [f"not used any more: {_show(message)}" for message in catalogue.obsolete.values()]
    for key in wanted.keys() & present.keys():
        message = present[key]
        if message.fuzzy:
            found.append(f"fuzzy: {_show(message)}")
        if not all(message.string if isinstance(message.string, (list, tuple)) else [message.string]):
            found.append(f"not translated: {_show(message)}")
        elif bool(wanted[key].pluralizable) != bool(message.pluralizable):
            found.append(f"plural forms differ: {_show(message)}")
        found += [f"{error}: {_show(message)}" for error in message.check(catalogue)]
    return sorted(found)


def compile_catalogues() -> int:
    """Write the `.mo` file of each catalogue that changed, and return how many."""
    written = 0
    for locale in LOCALES:
        source, target = _path(locale), _path(locale).with_suffix(".mo")
        if source.exists() and (not target.exists() or target.stat().st_mtime < source.stat().st_mtime):
            unfinished = target.with_suffix(".mo.unfinished")
            with unfinished.open("wb") as file:
                write_mo(file, read(locale))
            unfinished.replace(target)
            written += 1
    return written


def _path(locale: str) -> Path:
    return CATALOGUES / locale / "LC_MESSAGES" / "messages.po"


def _key(message: Message) -> tuple[str, str]:
    sentence = message.id if isinstance(message.id, str) else message.id[0]
    return message.context or "", sentence


def _show(message: Message) -> str:
    where = f" ({message.locations[0][0]}:{message.locations[0][1]})" if message.locations else ""
    return f"{_key(message)[1]!r}{where}"


def _updated(template: Catalog) -> Iterator[tuple[str, Catalog]]:
    for locale in LOCALES:
        catalogue = read(locale)
        catalogue.update(template, no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        yield locale, catalogue


@click.group()
def translations() -> None:
    """Keep the message catalogues complete."""


@translations.command()
def update() -> None:
    """Add new sentences to the catalogues and remove the ones no longer used."""
    template = extract()
    for locale, catalogue in _updated(template):
        _path(locale).parent.mkdir(parents=True, exist_ok=True)
        with _path(locale).open("wb") as file:
            write_po(file, catalogue, width=100, sort_output=True, ignore_obsolete=True, include_lineno=False)
        waiting = sum(problem.startswith("not translated") for problem in problems(template, catalogue))
        click.echo(f"{locale}: {len(catalogue)} sentences, {waiting} to translate.")


@translations.command()
def check() -> None:
    """Fail when a catalogue and the program differ."""
    template = extract()
    failed = False
    for locale in LOCALES:
        for problem in problems(template, read(locale)):
            failed = True
            click.echo(f"{locale}: {problem}")
    if failed:
        click.echo("Run `portal translations update` and translate what is new.")
        sys.exit(1)
    click.echo(f"The catalogues hold all {len(template)} sentences.")


@translations.command("compile")
def compile_command() -> None:
    """Write the files that the program reads."""
    compile_catalogues()
