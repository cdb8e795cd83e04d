"""The start page, the language switch and the accessibility statement."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from auth.relations import ActingPolicy
from core.policy import policy_of
from portal.language import remember_language
from portal.login.attempts import local_path
from portal.security import public, signed_in
from portal.urls import home_endpoint

blueprint = Blueprint("public", __name__)

# When somebody last read the statement against the site: change it when you have.
REVIEWED = date(2026, 11, 22)


@blueprint.get("/")
@public("the first page, from which one logs in; whoever is signed in is sent on to their own")
def start() -> ResponseReturnValue:
    """Say what this is for, or send whoever is signed in to where they belong."""
    user = signed_in()
    if user is None:
        return render_template("public/start.html")
    endpoint = home_endpoint(user)
    if endpoint != "public.start":
        return redirect(url_for(endpoint), 303)
    return render_template(
        "public/nothing_here.html",
        others=[s for s in user.subjects if s.person.id != user.identity.subject_person_id],
        own_account_age=policy_of(user.identity.region).section(ActingPolicy).own_account_from_age,
    )


@blueprint.post("/language")
@public("everybody reads in their own language")
def set_language() -> ResponseReturnValue:
    """Read in another language from now on; remembered in the session and, for who is signed in, until they change it."""
    remember_language(request.form.get("language", ""))
    return redirect(local_path(request.form.get("next")) or url_for("public.start"), 303)


@blueprint.get("/accessibility-statement")
@public("the law wants it reachable from every page")
def accessibility() -> ResponseReturnValue:
    """The accessibility statement with the contents that the law asks for (DOS-lagen 2018:1937; handbook §11)."""
    return render_template("public/accessibility.html", reviewed=REVIEWED)
