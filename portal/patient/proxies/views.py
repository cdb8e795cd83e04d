"""My proxies: who acts for me, for whom I act, questions to answer, and what others have done for me."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _, lazy_gettext as _l

from auth.numbers import MalformedNumber
from auth.permissions import Permission
from auth.proxies import (
    ActingIsOff,
    AppointmentRefused,
    TooManyAsked,
    answer_appointment,
    appoint_proxy,
    latest_end,
    take_back_unanswered,
    withdraw_proxy,
)
from auth.proxy_lists import ProxyState, own_proxies
from auth.relations import ActingPolicy
from core.clock import today
from core.errors import ChangedMeanwhile
from core.idempotency import new_key
from core.policy import policy_of
from portal.access_words import action_words
from portal.parked_forms import take_parked_form
from portal.patient.proxies.forms import TASK_DETAILS, TASKS, AppointForm
from portal.security import current_identity, may, require_signed_in, requires, unit_of_work

blueprint = Blueprint("proxies", __name__)

STATES: Mapping[ProxyState, tuple[Any, str]] = {
    ProxyState.IN_FORCE: (_l("Applies now"), "success"),
    ProxyState.LATER: (_l("Not begun yet"), "info"),
    ProxyState.PAUSED: (_l("Does not apply right now"), "attention"),
    ProxyState.ENDED: (_l("Ended"), "neutral"),
}


@blueprint.get("/proxies")
@requires(Permission.SEE_PROXIES)
def show() -> ResponseReturnValue:
    """Everything about one's proxies; shows again what was typed before a session timed out."""
    return _page(AppointForm(formdata=take_parked_form(request.path)))


@blueprint.post("/proxies")
@requires(Permission.APPOINT_PROXY)
def appoint() -> ResponseReturnValue:
    """Ask somebody; the answer is the same whoever has the number."""
    form = AppointForm()
    if form.validate():
        key = request.form.get("idempotency_key") or new_key()
        try:
            with unit_of_work() as session:
                appoint_proxy(session, current_identity(), form.command(key))
        except MalformedNumber:
            form.explain_number()
        except AppointmentRefused as refused:
            form.explain(refused)
        except TooManyAsked:
            form.form_errors = [_("You have asked many people today. Try again tomorrow, or call customer service.")]
        except ActingIsOff:
            return redirect(url_for("proxies.show"), 303)
        else:
            flash(
                _(
                    "If the person can be a proxy here, the question is in their inbox now. Tell them to log in and answer."
                    " You see them here when they have said yes."
                ),
                "success",
            )
            return redirect(url_for("proxies.show"), 303)
    return _page(form), 422


@blueprint.post("/proxies/take-back")
@requires(Permission.APPOINT_PROXY)
def take_back() -> ResponseReturnValue:
    """Take back all questions that nobody has answered."""
    with unit_of_work() as session:
        take_back_unanswered(session, current_identity())
    flash(_("Questions that nobody has answered are taken back."), "success")
    return redirect(url_for("proxies.show"), 303)


@blueprint.post("/proxies/<int:appointment_id>/answer")
@requires(Permission.ANSWER_APPOINTMENT)
def answer(appointment_id: int) -> ResponseReturnValue:
    """Say yes or no."""
    said = request.form.get("accepts")
    if said not in {"yes", "no"}:
        abort(400)
    try:
        with unit_of_work() as session:
            answer_appointment(session, current_identity(), appointment_id, accepts=said == "yes")
    except (ChangedMeanwhile, ActingIsOff):
        flash(_("The question can no longer be answered. Ask the person to send it again."), "attention")
    else:
        yes = _("You are a proxy now. Choose whom you act for at the top of the page.")
        flash(yes if said == "yes" else _("You have said no."), "success")
    return redirect(url_for("proxies.show"), 303)


@blueprint.post("/proxies/<int:appointment_id>/withdraw")
@requires(Permission.ANSWER_APPOINTMENT)
def withdraw(appointment_id: int) -> ResponseReturnValue:
    """End an appointment at once, from either side."""
    with unit_of_work() as session:
        withdraw_proxy(session, current_identity(), appointment_id)
    flash(_("It has ended, from now on."), "success")
    return redirect(url_for("proxies.show"), 303)


def _page(form: AppointForm) -> str:
    user = require_signed_in()
    assert user.person is not None
    with unit_of_work() as session:
        day = today(session)
        return render_template(
            "patient/proxies/list.html",
            found=own_proxies(session, user.identity),
            form=form,
            key=request.form.get("idempotency_key") or new_key(),
            is_off=user.person.is_protected,
            may_appoint=may(Permission.APPOINT_PROXY),
            acts_for_another=user.identity.acts_for_another,
            today=day,
            latest=latest_end(day, policy_of(user.person.region).section(ActingPolicy)),
            tasks=TASKS,
            task_details={task.value: words for task, words in TASK_DETAILS.items()},
            states=STATES,
            ended=ProxyState.ENDED,
            action_words=action_words,
        )
