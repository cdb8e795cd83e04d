"""The page of settings: always one's own, whoever one acts for."""

from __future__ import annotations

from io import BytesIO
from urllib.parse import urljoin, urlsplit

from flask import Blueprint, current_app, flash, redirect, render_template, request, send_file, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _, refresh
from sqlalchemy.orm import Session

from auth.models import NotifyBy
from auth.permissions import Permission
from auth.settings import ContactRefused, NoContactKept, choose_settings, settings_of
from core.clock import now
from orders.own_days import can_order_on
from portal.around import LANGUAGES
from portal.chrome import PageChrome
from portal.parked_forms import take_parked_form
from portal.patient.calendar_file import AllDay, calendar_file
from portal.patient.settings.forms import REMINDER_DETAILS, SettingsForm
from portal.security import current_identity, forget_identity, require_signed_in, requires, unit_of_work

blueprint = Blueprint("settings", __name__)


@blueprint.get("/settings")
@requires(Permission.CHOOSE_SETTINGS)
def show() -> ResponseReturnValue:
    """Show what is chosen; shows again what was typed before a session timed out."""
    typed = take_parked_form(request.path)
    with unit_of_work() as db:
        return _page(db, _form(db) if typed is None else _offered(SettingsForm(formdata=typed)))


@blueprint.post("/settings")
@requires(Permission.CHOOSE_SETTINGS)
def save() -> ResponseReturnValue:
    """Keep what was chosen."""
    form = _offered(SettingsForm())
    if form.validate():
        try:
            with unit_of_work() as db:
                choose_settings(db, current_identity(), form.choice())
        except ContactRefused as refused:
            form.explain(refused.problem)
        except NoContactKept:
            # The flag came while the page was open: it is shown anew, and says why there is nothing to choose.
            return redirect(url_for("settings.show"), 303)
        else:
            session["language"] = form.language.data
            forget_identity()
            refresh()
            flash(_("Your settings are saved."), "success")
            return redirect(url_for("settings.show"), 303)
    with unit_of_work() as db:
        return _page(db, form), 422


@blueprint.get("/my-products/<int(max=9223372036854775807):item_id>/calendar")
@requires(Permission.SEE_PRODUCTS)
def calendar(item_id: int) -> ResponseReturnValue:
    """Give the day from which a product can be ordered as a file for the calendar, without a word of what product it is."""
    with unit_of_work() as db:
        day = can_order_on(db, current_identity(), item_id)
        base_url = current_app.extensions["base_url"]
        event = AllDay(
            uid=f"can-order-{item_id}@{urlsplit(base_url).hostname}",
            summary=_("Log in to %(portal)s", portal=PageChrome.product_name),
            day=day,
            url=urljoin(base_url, url_for("patient.products")),
            written_at=now(db),
        )
    return send_file(
        BytesIO(calendar_file(event)), mimetype="text/calendar", as_attachment=True, download_name=f"{day}.ics"
    )


def _form(db: Session) -> SettingsForm:
    user = require_signed_in()
    chosen = settings_of(db, user.identity)
    data = {
        "notify_by": NotifyBy.NONE.value if chosen is None else chosen.notify_by.value,
        # What somebody has told us before saves them from writing it again; it is used only when they choose so.
        "email": (chosen.email if chosen else "") or (user.person.email if user.person else ""),
        "mobile": (chosen.mobile if chosen else "") or (user.person.phone if user.person else ""),
        "reminders": chosen.reminders if chosen else [],
        "language": user.language if user.language in LANGUAGES else "sv",
    }
    return _offered(SettingsForm(formdata=None, data=data))


def _offered(form: SettingsForm) -> SettingsForm:
    form.offer(_ways(), LANGUAGES)
    if form.notify_by.data not in {way.value for way in _ways()} and not form.is_submitted():
        # The way out was taken away since it was chosen.
        form.notify_by.data = NotifyBy.NONE.value
    return form


def _ways() -> tuple[NotifyBy, ...]:
    person = require_signed_in().person
    if person is None or person.is_protected:
        return (NotifyBy.NONE,)
    ways: tuple[NotifyBy, ...] = current_app.extensions["couriers"].ways
    return ways


def _page(db: Session, form: SettingsForm) -> str:
    user = require_signed_in()
    return render_template(
        "patient/settings/settings.html",
        form=form,
        is_protected=user.person is not None and user.person.is_protected,
        can_be_told=len(_ways()) > 1,
        has_children=any(subject.rights.relation.value == "GUARDIAN" for subject in user.subjects),
        reminder_details={kind.value: words for kind, words in REMINDER_DETAILS.items()},
    )
