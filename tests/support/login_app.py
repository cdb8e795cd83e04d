"""A small portal around the log-in alone: sessions, CSRF, the log-in pages and two forms, on a test's own database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Flask, flash, request
from flask.typing import ResponseReturnValue
from flask_babel import Babel
from flask_login import current_user
from flask_wtf.csrf import CSRFProtect, generate_csrf

from auth.permissions import Permission
from core.db import Database
from portal.chrome import PageChrome
from portal.config import Settings
from portal.headers import init_headers
from portal.login import init_login
from portal.login.setup import User
from portal.parked_forms import take_parked_form
from portal.security import public, requires
from portal.sessions import current_session, init_sessions


def make_login_app(settings: Settings, database: Database) -> Flask:
    """Assemble it in the order that the real application uses."""
    app = Flask("portal", root_path=_portal_folder())
    init_headers(app, uses_https=settings.uses_https)
    app.config.update(SECRET_KEY=settings.secret_key, TESTING=True)
    app.extensions["database"] = database
    init_sessions(app, database, uses_https=settings.uses_https)
    Babel(app, default_locale="sv", default_translation_directories="../translations")
    init_login(app, settings)
    CSRFProtect(app)
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.globals.update(asset_url=lambda name: f"/assets/{name}")
    app.context_processor(lambda: {"chrome": PageChrome()})
    _add_pages(app)
    return app


def _portal_folder() -> str:
    return str(Path(__file__).parents[2] / "portal")


def _add_pages(app: Flask) -> None:
    @app.get("/")
    @public("test")
    def home() -> ResponseReturnValue:
        user: Any = current_user._get_current_object()
        return user.get_id() if isinstance(user, User) else "nobody"

    @app.get("/quiet")
    @public("test")
    def quiet() -> ResponseReturnValue:
        return "no session is read here"

    @app.get("/token")
    @public("test")
    def token() -> ResponseReturnValue:
        return str(generate_csrf())

    @app.post("/remember")
    @public("test")
    def remember() -> ResponseReturnValue:
        session = current_session()
        session.update(request.form.to_dict())
        flash("kept")
        return "kept"

    @app.get("/recall/<name>")
    @public("test")
    def recall(name: str) -> ResponseReturnValue:
        return str(current_session().get(name))

    @app.route("/form", methods=["GET", "POST"])
    @requires(Permission.READ_INBOX)
    def form() -> ResponseReturnValue:
        if request.method == "POST":
            app.extensions.setdefault("executed", []).append(request.form.to_dict())
            return "done"
        parked = take_parked_form(request.path)
        return {"token": generate_csrf(), "parked": None if parked is None else parked.to_dict(flat=False)}

    @app.post("/form/add")
    @requires(Permission.READ_INBOX)
    def only_post() -> ResponseReturnValue:
        app.extensions.setdefault("executed", []).append(request.form.to_dict())
        return "done"
