"""The pages around logging in: before, after, what can go wrong, and out again."""

from __future__ import annotations

import logging
from urllib.parse import urlsplit

from flask import Blueprint, current_app, g, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale

from auth.oidc import OpenIdClient, ProviderUnavailable
from auth.oidc_claims import Rejection, TokenRejected
from core.audit import record
from portal.login.arrival import Arrival, arrive, departing_actor
from portal.login.attempts import local_path, redeem, remember
from portal.parked_forms import parked_page, settle_parked_form
from portal.security import database, end_call, forget_identity, public, signed_in, unit_of_work
from portal.sessions import ServerSession, current_session

logger = logging.getLogger(__name__)

blueprint = Blueprint("login", __name__)

HOME = "/"


@blueprint.before_request
def let_the_form_lead_to_the_provider() -> None:
    """Widen `form-action` on the log-in pages: the provider may send the browser on to other sites, such as a broker's."""
    issuer = urlsplit(_client().settings.issuer)
    g.form_action = f"'self' https: {issuer.scheme}://{issuer.netloc}"


@blueprint.get("/log-in")
@public("nobody is logged in before logging in")
def show() -> ResponseReturnValue:
    """Say what logging in takes, and why it is needed now."""
    session = current_session()
    next_path = local_path(request.args.get("next"))
    if signed_in() is not None:
        return redirect(next_path or HOME, 303)
    after = request.args.get("after", "")
    if after == "kept" and parked_page(session) is None:
        after = ""
    if not after and session.timed_out is not None:
        after = "timed-out"
    return render_template("login/log_in.html", next_path=next_path, after=after)


@blueprint.post("/log-in")
@public("nobody is logged in before logging in")
def start() -> ResponseReturnValue:
    """Send the browser to the identity provider."""
    next_path = local_path(request.form.get("next"))
    try:
        attempt = _client().begin(_callback_address(), ui_locales=str(get_locale() or "sv"))
    except ProviderUnavailable:
        return _provider_is_down(next_path)
    remember(current_session(), attempt, next_path, database().clock.now())
    return redirect(attempt.url, 303)


@blueprint.get("/log-in/callback")
@public("the identity provider sends the browser here to become logged in")
def callback() -> ResponseReturnValue:
    """Let somebody in, once, if the provider's answer holds."""
    session = current_session()
    attempt = redeem(session, request.args.get("state", ""), database().clock.now())
    if attempt is None:
        # Back-and-again after a log-in that worked is no reason to worry anybody.
        if signed_in() is not None:
            return redirect(HOME, 303)
        logger.warning("log-in rejected", extra={"reason": "unknown_state"})
        return render_template("login/start_again.html", cancelled=False, next_path=""), 400
    if "error" in request.args:
        return _provider_said_no(attempt.next_path)
    try:
        who = _client().finish(
            code=request.args.get("code", ""),
            callback_issuer=request.args.get("iss"),
            redirect_uri=_callback_address(),
            nonce=attempt.nonce,
            code_verifier=attempt.code_verifier,
        )
    except ProviderUnavailable:
        return _provider_is_down(attempt.next_path)
    except TokenRejected as rejected:
        if rejected.reason is Rejection.COMMISSION_MISSING:
            return render_template("login/unknown.html", is_staff=True), 403
        return render_template("login/rejected.html", next_path=attempt.next_path), 403
    with unit_of_work() as db:
        arrival = arrive(db, who)
        if isinstance(arrival, Arrival):
            session.rotate(db, arrival.owner)
            record(db, arrival.actor, "session.logged_in", subject_person_id=arrival.owner.person_id)
    if not isinstance(arrival, Arrival):
        logger.warning("log-in rejected", extra={"reason": arrival.reason})
        return render_template("login/unknown.html", is_staff=arrival.is_staff), 403
    forget_identity()
    return redirect(_landing(session, attempt.next_path), 303)


@blueprint.post("/log-out")
@public("logging out needs no right, and must work for whoever is logged in")
def log_out() -> ResponseReturnValue:
    """End the session on the server, so that a copied cookie is worth nothing."""
    session = current_session()
    user = signed_in()
    if user is not None and user.is_in_call:
        end_call(user.identity)
    with unit_of_work() as db:
        actor = departing_actor(db, session.owner)
        if actor is not None:
            record(db, actor, "session.logged_out", subject_person_id=session.owner.person_id)
        session.end(db)
    return redirect(url_for("login.show", after="logged-out"), 303)


@blueprint.get("/oidc/jwks.json")
@public("the identity provider reads our public keys here")
def jwks() -> ResponseReturnValue:
    """Publish the public keys that our client assertions are signed with."""
    return jsonify(_client().public_keys())


def _landing(session: ServerSession, next_path: str) -> str:
    return settle_parked_form(session, database().clock.now()) or next_path or HOME


def _provider_said_no(next_path: str) -> ResponseReturnValue:
    cancelled = request.args["error"] == "access_denied"
    logger.info("log-in not completed", extra={"reason": "cancelled" if cancelled else "provider_error"})
    page = render_template("login/start_again.html", cancelled=cancelled, next_path=next_path)
    return page, 200 if cancelled else 400


def _provider_is_down(next_path: str) -> ResponseReturnValue:
    return render_template("login/provider_down.html", next_path=next_path), 503


def _callback_address() -> str:
    # Built from the configured address: a forged Host header must not decide where codes are sent.
    return str(current_app.extensions["login_callback_base"]) + url_for("login.callback")


def _client() -> OpenIdClient:
    client: OpenIdClient = current_app.extensions["openid_client"]
    return client
