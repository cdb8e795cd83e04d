"""Handing over to carriers: what each is to fetch, all at once, the list that the driver signs, and the booking_desk."""

from __future__ import annotations

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale, gettext as _, ngettext
from flask_wtf import FlaskForm

from auth.permissions import Permission
from core.errors import DomainError, NotPermitted
from delivery import booking_desk, hand_over as service
from delivery.errors import AlreadyShipped
from delivery.hand_over_paper import hand_over_pdf
from portal.depot import forms, hand_over_words, words
from portal.depot.blueprint import blueprint
from portal.document_fonts import document_fonts
from portal.security import current_identity, requires, unit_of_work

# Flashed one by one, so that each says why; the page says it of all that are left.
_MOST_SAID = 5


@blueprint.get("/depot/hand-over")
@requires(Permission.SHIP)
def hand_over() -> ResponseReturnValue:
    """Show what each carrier is to fetch, and what is in the way."""
    identity = current_identity()
    with unit_of_work() as session:
        return render_template(
            "depot/hand_over.html",
            loads=service.loads(session, identity),
            standing=booking_desk.left_standing(session, identity),
            words=hand_over_words,
            day_words=words,
        )


@blueprint.post("/depot/hand-over")
@requires(Permission.SHIP)
def hand_over_all() -> ResponseReturnValue:
    """Hand over the parcels that were ticked, each by itself: what cannot go stays, and is said why."""
    form = FlaskForm()
    numbers = [text for text in request.form.getlist("parcel")[: service.MOST_SHOWN] if _is_id(text)]
    if not form.validate_on_submit() or not numbers:
        flash(_("Nothing was chosen. Tick the parcels that the carrier takes."), "attention")
        return redirect(url_for("depot.hand_over"), 303)
    identity, gone, refusals = current_identity(), 0, []
    for number in dict.fromkeys(numbers):
        try:
            # One transaction each: the locks of one parcel are let go before the next is taken.
            with unit_of_work() as session:
                service.hand_over(session, identity, int(number))
        except NotPermitted:
            raise
        except DomainError as problem:
            refusals.append(words.refusal(problem))
        else:
            gone += 1
    if gone:
        told = ngettext(
            "%(num)s parcel is handed over, and the patient is told.",
            "%(num)s parcels are handed over, and the patients are told.",
            gone,
        )
        flash(told, "success")
    for refused in dict.fromkeys(refusals[:_MOST_SAID]):
        flash(f"{refused.text}. {refused.detail}".strip(), "attention")
    return redirect(url_for("depot.hand_over"), 303)


@blueprint.get("/depot/hand-over/<carrier>/list")
@requires(Permission.SHIP)
def hand_over_list(carrier: str) -> ResponseReturnValue:
    """Make the list that the carrier's driver signs."""
    with unit_of_work() as session:
        load = service.hand_over_list(session, current_identity(), carrier)
    with force_locale("sv"):
        pdf = hand_over_pdf(load, document_fonts(), _)
    return _pdf(pdf, f"{load.made_at:%Y%m%d-%H%M}.pdf")


@blueprint.post("/depot/parcels/<int:parcel_id>/book-again")
@requires(Permission.SHIP)
def book_again(parcel_id: int) -> ResponseReturnValue:
    """Book the parcel's transport once more."""
    try:
        with unit_of_work() as session:
            booking_desk.book_again(session, current_identity(), parcel_id)
    except AlreadyShipped as problem:
        flash(words.refusal(problem).text, "attention")
    else:
        flash(_("The transport is being booked again."), "success")
    return redirect(url_for("depot.parcel", parcel_id=parcel_id), 303)


@blueprint.post("/depot/parcels/<int:parcel_id>/ask")
@requires(Permission.SHIP)
def ask_carrier(parcel_id: int) -> ResponseReturnValue:
    """Have the carrier asked where the parcel is."""
    with unit_of_work() as session:
        booking_desk.ask_carrier(session, current_identity(), parcel_id)
    flash(_("The carrier is being asked. Load the page again in a moment."), "success")
    return redirect(url_for("depot.parcel", parcel_id=parcel_id), 303)


@blueprint.get("/depot/parcels/<int:parcel_id>/carrier-label")
@requires(Permission.SHIP)
def carrier_label(parcel_id: int) -> ResponseReturnValue:
    """Show the label that the carrier made."""
    with unit_of_work() as session:
        label = booking_desk.carrier_label(session, current_identity(), parcel_id)
    return _pdf(label, "label.pdf")


@blueprint.post("/depot/hand-over/<int:booking_id>/called")
@requires(Permission.SHIP)
def carrier_called(booking_id: int) -> ResponseReturnValue:
    """Note that the carrier has been called about a transport that nobody needs."""
    with unit_of_work() as session:
        booking_desk.note_called(session, current_identity(), booking_id)
    flash(_("Noted: the carrier knows."), "success")
    return redirect(url_for("depot.hand_over"), 303)


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 19 and 1 <= int(text) <= forms.LARGEST_ID


def _pdf(content: bytes, name: str) -> Response:
    return Response(
        content,
        mimetype="application/pdf",
        headers={"Content-Disposition": f'inline; filename="{name}"', "Cache-Control": "no-store"},
    )
