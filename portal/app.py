"""create_app(): nothing but assembly."""

from __future__ import annotations

from pathlib import Path

from flask import Flask, Response, g, request, send_from_directory, session
from flask_babel import Babel
from flask_wtf.csrf import CSRFProtect

from core.crypto import use_keyring
from core.db import Database
from core.logs import configure_logging
from portal import audit, consultant, depot, patient, payers, prescriber, public, service
from portal.adapters.carriers import carrier_keys, carriers_of
from portal.adapters.contract_source import contract_source_of
from portal.adapters.couriers import couriers_of
from portal.adapters.service_points import service_points_of
from portal.adapters.warehouse import warehouse_keys, warehouse_of
from portal.api import contract, health, tracking, warehouse as warehouse_api
from portal.api.contract.callers import TrustedProxy
from portal.around import LANGUAGES, init_around
from portal.assets import AssetManifest
from portal.config import Settings
from portal.consultant import claims, exchanges, incidents, news, recalls, signals, statistics
from portal.errors import init_errors
from portal.formats import init_formats
from portal.headers import WORKER_POLICY, init_headers
from portal.login import init_login
from portal.patient import (
    access_log,
    changes,
    faults,
    news as own_news,
    proxies,
    recalls as own_recalls,
    renewals,
    settings as own_settings,
)
from portal.prescriber import store
from portal.prescriptions import Prescriptions
from portal.regions import default_region, serve_regions
from portal.security import public as public_route, signed_in
from portal.service import recalls as recall_calls
from portal.sessions import init_sessions
from portal.uploads import init_uploads

LARGEST_REQUEST_BYTES = 256 * 1024
MOST_FORM_PARTS = 400
ASSET_SECONDS = 365 * 24 * 3600


def create_app(settings: Settings, *, database: Database | None = None) -> Flask:
    """Build the web application; raises PolicyProblem, AssetsNotBuilt or ValueError when it could not work."""
    configure_logging(settings.log_level)
    use_keyring(settings.keyring)
    policies = serve_regions(settings)
    app = Flask(__name__, static_folder=None)
    app.config.update(
        SECRET_KEY=settings.secret_key,
        MAX_CONTENT_LENGTH=LARGEST_REQUEST_BYTES,
        MAX_FORM_MEMORY_SIZE=LARGEST_REQUEST_BYTES,
        MAX_FORM_PARTS=MOST_FORM_PARTS,
        BABEL_DEFAULT_LOCALE="sv",
        BABEL_DEFAULT_TIMEZONE="Europe/Stockholm",
        BABEL_TRANSLATION_DIRECTORIES=str(Path(__file__).resolve().parent.parent / "translations"),
    )
    app.extensions["database"] = database or Database(settings.database_url)
    app.extensions["redis_url"] = settings.redis_url
    app.extensions["base_url"] = settings.base_url
    app.extensions["couriers"] = couriers_of(settings)
    warehouse_of(settings, policies)
    app.extensions["warehouse_keys"] = warehouse_keys(settings)
    app.extensions["books_carriers"] = carriers_of(settings) is not None
    app.extensions["carrier_keys"] = carrier_keys(settings)
    app.extensions["contract_proxy"] = (
        TrustedProxy(settings.contract_caller_header, settings.contract_proxy_key())
        if settings.contract_proxy_key_file
        else None
    )
    app.extensions["prescriptions"] = Prescriptions(app.extensions["database"], contract_source_of(settings))
    app.extensions["service_points"] = service_points_of(settings, app.extensions["database"])
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    init_headers(app, uses_https=settings.uses_https)
    init_sessions(app, app.extensions["database"], uses_https=settings.uses_https)
    # What is parked when a session has timed out is read before the log-in looks at it.
    init_uploads(app)
    init_login(app, settings)
    # Machines sign what they send instead.
    csrf = CSRFProtect(app)
    csrf.exempt(warehouse_api.blueprint)  # type: ignore[type-var]
    csrf.exempt(tracking.blueprint)  # type: ignore[type-var]
    csrf.exempt(contract.blueprint)  # type: ignore[type-var]
    Babel(app, locale_selector=_language_of_request)
    init_formats(app)
    init_errors(app)
    init_around(app, default_region(settings, policies))
    _serve_assets(app, AssetManifest.load())
    for blueprint in (
        health.blueprint,
        warehouse_api.blueprint,
        tracking.blueprint,
        contract.blueprint,
        public.blueprint,
        patient.blueprint,
        faults.blueprint,
        proxies.blueprint,
        own_settings.blueprint,
        changes.blueprint,
        renewals.blueprint,
        own_recalls.blueprint,
        own_news.blueprint,
        access_log.blueprint,
        depot.blueprint,
        consultant.blueprint,
        incidents.blueprint,
        claims.blueprint,
        exchanges.blueprint,
        signals.blueprint,
        statistics.blueprint,
        recalls.blueprint,
        news.blueprint,
        service.blueprint,
        recall_calls.blueprint,
        prescriber.blueprint,
        store.blueprint,
        payers.blueprint,
        audit.blueprint,
    ):
        app.register_blueprint(blueprint)
    return app


def _language_of_request() -> str:
    if g.get("database_is_away"):
        return request.accept_languages.best_match(LANGUAGES) or "sv"
    chosen = session.get("language")
    if chosen in LANGUAGES:
        return str(chosen)
    user = signed_in()
    if user is not None and user.language in LANGUAGES:
        return user.language
    return request.accept_languages.best_match(LANGUAGES) or "sv"


def _serve_assets(app: Flask, manifest: AssetManifest) -> None:
    app.jinja_env.globals["asset_url"] = manifest.asset_url

    @app.get("/assets/<path:name>", endpoint="assets")
    @public_route("style, script and fonts of every page")
    def serve_asset(name: str) -> Response:
        response = send_from_directory(manifest.folder, name, max_age=ASSET_SECONDS)
        response.headers["Cache-Control"] = f"public, max-age={ASSET_SECONDS}, immutable"
        if name == manifest.names["camera-worker.js"]:
            response.headers["Content-Security-Policy"] = WORKER_POLICY
        return response
