"""Every component and four whole pages with sample words, for looking at: serve them, or photograph them and let axe read them.

``python -m tests.support.gallery serve`` or ``… shots FOLDER [--page NAME] [--catalogue FILE.po]``.
"""

import argparse
import logging
import sys
import threading
from pathlib import Path
from typing import Any, Literal

from babel.messages.pofile import read_po
from babel.support import NullTranslations
from flask import Flask, render_template, send_from_directory
from jinja2 import ChoiceLoader, FileSystemLoader
from playwright.sync_api import Page, sync_playwright
from werkzeug.serving import make_server
from wtforms import (
    BooleanField,
    DateField,
    FileField,
    Form,
    IntegerField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired

from portal.assets import AssetManifest
from portal.chrome import CustomerService, LanguageOption, NavItem, PageChrome, SwitchOption

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("patient", "kit", "form", "report", "pick", "today", "board", "error")
CHROMIUM = "/usr/bin/chromium"
CHROMIUM_ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
WIDTHS = (360, 390, 1280)
Scheme = Literal["light", "dark"]


class SampleForm(Form):
    """A form with one field of each kind."""

    street = StringField("Gatuadress", [DataRequired("Skriv gatan och numret, till exempel Storgatan 4.")])
    postal_code = StringField("Postnummer", [DataRequired("Skriv postnumret med fem siffror.")])
    city = StringField("Ort")
    phone = StringField("Mobilnummer")
    door_code = StringField("Portkod")
    day = DateField("När satte du på sensorn?")
    what = RadioField(
        "Vad hände?",
        [DataRequired("Välj vad som hände.")],
        choices=[
            ("fell", "Den lossnade"),
            ("error", "Den visade fel"),
            ("pain", "Det gjorde ont"),
            ("other", "Något annat"),
        ],
    )
    reason = SelectField(
        "Varför plockas inte allt?", choices=[("", "Välj"), ("short", "Det finns färre på hyllan")], default=""
    )
    strawberry = IntegerField("Jordgubb", default=12)
    keep = BooleanField("Jag har kvar produkten")
    text = TextAreaField("Berätta mer")
    photo = FileField("Foto")


class CatalogueTranslations(NullTranslations):
    """Translations straight from a .po file, so that words can be looked at before they are compiled."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        with path.open("rb") as file:
            self.words = {message.id: message.string for message in read_po(file) if message.id and message.string}

    def gettext(self, message: str) -> Any:
        return self.words.get(message, message)

    def ngettext(self, singular: str, plural: str, num: int) -> Any:
        strings = next(
            (text for key, text in self.words.items() if isinstance(key, tuple) and key[0] == singular),
            (singular, plural),
        )
        return strings[0 if num == 1 else 1]


def chrome_for(page: str) -> PageChrome:
    """The surroundings of a sample page."""
    menu: tuple[NavItem, ...]
    english = (LanguageOption("English", "en", "/language", "/"),)
    service = CustomerService("Kundtjänst", "010-000 00 00", "+46100000000", "Vardagar 8–16.30")
    if page in ("pick", "today"):
        menu = (
            NavItem("I dag", "/today", page == "today"), NavItem("Plocka", "/pick", page == "pick", 14), NavItem("Packa", "#", badge=3),
            NavItem("Ta emot", "#"), NavItem("Lager", "#"), NavItem("Restnoterat", "#", badge=2, attention=True),
        )  # fmt: skip
        return PageChrome(
            audience="depot", who="Kim", who_detail="Depån", navigation=menu, logout_url="/x", languages=english
        )
    if page == "board":
        menu = (
            NavItem("Ärenden", "/board", True, 4, attention=True),
            NavItem("Signaler", "#", badge=1),
            NavItem("Indragningar", "#"),
            NavItem("Statistik", "#"),
        )
        return PageChrome(
            audience="consultant",
            who="Sam",
            who_detail="Produktkonsulent",
            navigation=menu,
            logout_url="/x",
            languages=english,
        )
    myself = SwitchOption("Tillbaka till dig själv", "/switch", "self")
    people = (
        SwitchOption("Anna", "/switch", "1", "Du själv", current=True),
        SwitchOption("Elsa, 9 år", "/switch", "2", "Ditt barn"),
    )
    menu = (
        NavItem("Mina produkter", "/patient", page == "patient"), NavItem("Beställningar", "#"),
            NavItem("Anmäl fel", "/report", page == "report"),
        NavItem("Inkorg", "#", badge=1), NavItem("Mina ombud", "#"),
    )  # fmt: skip
    return PageChrome(
        audience="patient", who="Anna", who_detail="Inloggad med e-legitimation", acting_for="Elsa" if page == "report" else "",
        act_for_self=myself,
        switch_options=people, navigation=menu, languages=english, settings_url="#", logout_url="/x", customer_service=service,
        region_name="Västra Götaland", accessibility_url="#", access_log_url="#", demo_notice="Det här är en provmiljö",
    )  # fmt: skip


def gallery_app(catalogue: Path | None = None) -> Flask:
    """A Flask app that knows only the templates and the assets: no database, no routes of the product."""
    app = Flask("gallery", template_folder=str(ROOT / "portal" / "templates"))
    app.secret_key = "gallery"
    app.jinja_loader = ChoiceLoader(
        [FileSystemLoader(ROOT / "portal" / "templates"), FileSystemLoader(Path(__file__).parent / "gallery_pages")]
    )
    assets = AssetManifest.load()
    app.jinja_env.add_extension("jinja2.ext.i18n")
    words: Any = CatalogueTranslations(catalogue) if catalogue else NullTranslations()
    app.jinja_env.install_gettext_callables(words.gettext, words.ngettext, newstyle=True)  # type: ignore[attr-defined]
    app.jinja_env.globals.update(asset_url=assets.asset_url, csrf_token=lambda: "sample", csp_nonce=lambda: "sample")

    @app.get("/<page>")
    def show(page: str) -> str:
        empty, wrong = SampleForm(), SampleForm(data={"street": "", "city": "Borås", "what": None})
        wrong.validate()
        return render_template(
            "errors/404.html" if page == "error" else f"{page}.html", chrome=chrome_for(page), form=empty, wrong=wrong
        )

    @app.get("/assets/<path:name>")
    def asset(name: str) -> Any:
        return send_from_directory(assets.folder, name)

    return app


def axe_findings(page: Page) -> list[str]:
    """What axe-core finds on the page that is open, one line each."""
    page.add_script_tag(path=str(ROOT / "portal" / "frontend" / "node_modules" / "axe-core" / "axe.min.js"))
    result = page.evaluate(
        "() => axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})"
    )
    return [
        f"{found['id']}: {node['target']} {node.get('failureSummary', '')}"
        for found in result["violations"]
        for node in found["nodes"]
    ]


def take_shots(
    app: Flask, folder: Path, pages: tuple[str, ...], schemes: tuple[Scheme, ...], widths: tuple[int, ...]
) -> int:
    """Photograph each page at each width in light and dark, and return how many things axe found."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    folder.mkdir(parents=True, exist_ok=True)
    findings = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        for scheme in schemes:
            for width in widths:
                page = browser.new_page(
                    viewport={"width": width, "height": 780 if width < 500 else 900}, color_scheme=scheme
                )
                for name in pages:
                    answer = page.goto(f"http://127.0.0.1:{server.server_port}/{name}", wait_until="networkidle")
                    if answer is None or not answer.ok:
                        raise RuntimeError(f"{name} did not render")
                    page.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=True)
                    wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                    problems = axe_findings(page) + ([f"page is {wider} px too wide"] if wider > 0 else [])
                    findings += len(problems)
                    for problem in problems:
                        sys.stdout.write(f"{name} {width} {scheme}: {problem}\n")
                page.close()
        browser.close()
    server.shutdown()
    return findings


def main() -> int:
    """Command line: serve, or shots FOLDER; the exit code is 1 when axe found something."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("act", choices=("serve", "shots"))
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "build" / "gallery")
    parser.add_argument("--page", action="append", choices=PAGES)
    parser.add_argument("--scheme", action="append", choices=("light", "dark"))
    parser.add_argument("--width", action="append", type=int)
    parser.add_argument("--catalogue", type=Path)
    wanted = parser.parse_args()
    app = gallery_app(wanted.catalogue)
    if wanted.act == "serve":
        app.run(port=8099)
        return 0
    return min(
        1,
        take_shots(
            app,
            wanted.folder,
            tuple(wanted.page or PAGES),
            tuple(wanted.scheme or ("light", "dark")),
            tuple(wanted.width or WIDTHS),
        ),
    )


if __name__ == "__main__":
    sys.exit(main())
