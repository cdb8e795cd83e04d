"""Assembly of the log-in: the OpenID client, Flask-Login, parked forms and the pages."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager

from auth.oidc import OpenIdClient, ProviderSettings, load_client_key
from auth.oidc_claims import ClaimMap
from portal.config import Settings
from portal.login.attempts import local_path
from portal.login.views import blueprint
from portal.parked_forms import init_parked_forms
from portal.sessions import CSRF_KEY, Owner, current_session


@dataclass(frozen=True)
class User:
    """The logged-in user as Flask-Login sees them; what they may do is `portal.security.signed_in()`."""

    owner: Owner
    is_authenticated: bool = True
    is_active: bool = True
    is_anonymous: bool = False

    def get_id(self) -> str:
        """Return the user in a word."""
        owner = self.owner
        return f"person:{owner.person_id}" if owner.person_id is not None else f"commission:{owner.commission_id}"


def provider_settings(settings: Settings) -> ProviderSettings:
    """Read what the OpenID client needs out of the portal's settings; raise ValueError for an unusable key or claim map."""
    return ProviderSettings(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        accepted_acr=settings.oidc_acr_values,
        client_key=load_client_key(settings.oidc_client_key_file),
        client_secret=settings.oidc_client_secret,
        client_authentication=settings.oidc_client_authentication,
        claim_map=ClaimMap.from_mapping(settings.oidc_claim_map),
    )


def init_login(app: Flask, settings: Settings) -> None:
    """Add logging in and out; call after `init_sessions` and before `CSRFProtect`, with the Database in `app.extensions["database"]`."""
    app.extensions["openid_client"] = OpenIdClient(provider_settings(settings))
    app.extensions["login_callback_base"] = settings.base_url
    manager = LoginManager()
    # A phone that changes network must not be logged out; the session's random token is what identifies it.
    manager.session_protection = None
    manager.request_loader(_load_user)
    manager.unauthorized_handler(ask_to_log_in)
    # Templates ask the chrome who is there; nothing on an error page may ask the database.
    manager.init_app(app, add_context_processor=False)
    # There is no remember-me here, and looking for one would read the session on every request, style sheets included.
    app.after_request_funcs[None].remove(manager._update_remember_cookie)
    app.register_blueprint(blueprint)
    init_parked_forms(app, log_in_endpoint="login.show")
    app.before_request(_send_stale_pages_on)


def _load_user(_request: object) -> User | None:
    owner = current_session().owner
    return None if owner.is_anonymous else User(owner)


def _send_stale_pages_on() -> ResponseReturnValue | None:
    """A log-in or log-out page left open for hours is no CSRF attack: show the page anew instead of an error."""
    if request.method != "POST" or request.endpoint not in ("login.start", "login.log_out"):
        return None
    session = current_session()
    if not session.owner.is_anonymous:
        return None
    if request.endpoint == "login.log_out":
        return redirect(url_for("login.show", after="logged-out"), 303)
    if CSRF_KEY in session:
        return None
    return redirect(url_for("login.show", next=local_path(request.form.get("next")) or None), 303)


def ask_to_log_in() -> ResponseReturnValue:
    """Send somebody who is not logged in to the log-in page, and back to where they were going afterwards."""
    wanted = request.full_path.rstrip("?") if request.method in ("GET", "HEAD") else ""
    return redirect(url_for("login.show", next=wanted or None), 303)
