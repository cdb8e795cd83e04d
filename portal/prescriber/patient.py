"""One patient, one of their products, and what the prescriber may do with it: extend or stop."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _, ngettext
from sqlalchemy.orm import Session

from auth.permissions import Permission
from core.clock import swedish_date, today
from core.idempotency import new_key
from core.policy import policy_of
from orders.kinds import RenewalStatus
from orders.policy import PrescribingPolicy
from orders.prescribable import under_way
from orders.prescribing import StopItem, extend_item, stop_by_prescriber
from orders.prescribing_errors import PrescriptionRefused
from orders.prescribing_facts import is_kept_elsewhere
from orders.prescription_rules import latest_valid_date
from orders.source.policy import source_of
from orders.unit_queries import patient_page, unit_item
from orders.unit_views import ItemHistory
from portal.formats import day_with_year, grouped
from portal.parked_forms import take_parked_form
from portal.pictures import PICTURES
from portal.prescriber import words
from portal.prescriber.blueprint import blueprint
from portal.prescriber.forms import ExtendForm, StopForm
from portal.prescriber.offers import offer_of
from portal.prescriber.problems import explain, kept_elsewhere_text, problem_words
from portal.security import current_identity, requires, unit_of_work


@blueprint.get("/prescriber/patients/<int:person_id>")
@requires(Permission.SEE_UNIT_PATIENTS)
def patient(person_id: int) -> ResponseReturnValue:
    """Show what the unit has prescribed to a patient and how it is used."""
    with unit_of_work() as session:
        page = patient_page(session, current_identity(), person_id)
        return render_template(
            "prescriber/patient.html",
            page=page,
            problems=[problem_words(problem) for problem in page.problems],
            words=words,
            pictures=PICTURES,
            today=today(session),
        )


@blueprint.get("/prescriber/items/<int:item_id>")
@requires(Permission.SEE_UNIT_PATIENTS)
def item(item_id: int) -> ResponseReturnValue:
    """Show one prescription: terms, use, history, and what can be done."""
    parked = take_parked_form(request.path)
    with unit_of_work() as session:
        return _item_page(session, item_id, stopping=StopForm(formdata=parked))


@blueprint.post("/prescriber/items/<int:item_id>/extend")
@requires(Permission.PRESCRIBE)
def extend(item_id: int) -> ResponseReturnValue:
    """Add withdrawals or time; pressed twice it is added once."""
    form = ExtendForm()
    key = request.form.get("idempotency_key") or new_key()
    if form.validate():
        try:
            with unit_of_work() as session:
                found = unit_item(session, current_identity(), item_id)
                extended = extend_item(session, current_identity(), form.command(found.shown.item, key))
                until = day_with_year(extended.last_valid_date)
        except PrescriptionRefused as refused:
            explain(form, refused.problems)
        else:
            flash(_("Extended, and valid until %(day)s. The patient has been told.", day=until), "success")
            return redirect(url_for("prescriber.item", item_id=item_id), 303)
    with unit_of_work() as session:
        return _item_page(session, item_id, extending=form), 422


@blueprint.post("/prescriber/items/<int:item_id>/stop")
@requires(Permission.PRESCRIBE)
def stop(item_id: int) -> ResponseReturnValue:
    """Stop the prescription for good, with what has been ordered of it and not been picked."""
    form = StopForm()
    if not form.validate():
        with unit_of_work() as session:
            return _item_page(session, item_id, stopping=form), 422
    try:
        with unit_of_work() as session:
            stopped = stop_by_prescriber(session, current_identity(), StopItem(item_id, form.reason.data or ""))
            name = stopped.article.display_name
    except PrescriptionRefused as refused:
        explain(form, refused.problems)
        with unit_of_work() as session:
            return _item_page(session, item_id, stopping=form), 422
    flash(_("%(product)s is stopped. The patient and the depot have been told.", product=name), "success")
    return redirect(url_for("prescriber.item", item_id=item_id), 303)


def _item_page(
    session: Session, item_id: int, extending: ExtendForm | None = None, stopping: StopForm | None = None
) -> str:
    found = unit_item(session, current_identity(), item_id)
    prescribed, day = found.shown.item, today(session)
    offer = offer_of(prescribed, day)
    policy = policy_of(prescribed.prescription.region).section(PrescribingPolicy)
    begins = {"more_orders": offer.more_orders, "last_valid_date": offer.ends_on} if offer else {"more_orders": 0}
    return render_template(
        "prescriber/item.html",
        found=found,
        shown=found.shown,
        kept_elsewhere=kept_elsewhere_text() if source_of(prescribed.prescription.region).lives_elsewhere else "",
        may_stop=prescribed.stopped_at is None and not is_kept_elsewhere(prescribed),
        offer=offer,
        latest=latest_valid_date(prescribed.article.kind, policy, day),
        extending=extending or ExtendForm(formdata=None, data=begins),
        stopping=stopping or StopForm(formdata=None),
        consequence=_consequence(session, found),
        key=request.form.get("idempotency_key") or new_key(),
        happened=_happened(found),
        words=words,
        pictures=PICTURES,
        today=day,
    )


def _consequence(session: Session, found: ItemHistory) -> str:
    """Say what stopping would do, with what is on its way right now."""
    now_under_way = under_way(session, found.shown.item)
    said = [_("The patient can no longer order it. It cannot be undone, but you can prescribe it anew.")]
    if now_under_way.waiting:
        said.append(
            ngettext(
                "%(num)s package that has not been picked is stopped.",
                "%(num)s packages that have not been picked are stopped.",
                now_under_way.waiting,
            )
        )
    if now_under_way.being_picked:
        said.append(
            ngettext(
                "%(num)s package is being picked right now: if it is not in the box yet, it is stopped.",
                "%(num)s packages are being picked right now: what is not in the box yet is stopped.",
                now_under_way.being_picked,
            )
        )
    return " ".join(said)


def _happened(found: ItemHistory) -> list[dict[str, str]]:
    """Withdrawals and requests, newest first."""
    events = []
    for drawn in found.drawn:
        amount = words.counted_pieces(found.shown.article, drawn.pieces)
        title = (
            _("Withdrawal taken back: %(amount)s", amount=amount)
            if drawn.is_cancelled
            else _("Withdrew %(amount)s", amount=amount)
        )
        where = _("Order %(number)s", number=grouped(drawn.order_no)) if drawn.order_no else _("Outside this portal")
        tone = "neutral" if drawn.is_cancelled else ""
        events.append((drawn.day, {"when": day_with_year(drawn.day), "title": title, "text": where, "tone": tone}))
    titles = {
        RenewalStatus.RENEWED: (_("The unit said yes to a renewal"), "success"),
        RenewalStatus.DECLINED: (_("The unit said no to a renewal"), "attention"),
    }
    for asked in found.requests:
        on = swedish_date(asked.asked_at)
        events.append((on, {"when": day_with_year(on), "title": _("Asked for a renewal"), "text": asked.note}))
        if asked.answered_at is not None and asked.status in titles:
            on, (title, tone) = swedish_date(asked.answered_at), titles[asked.status]
            events.append((on, {"when": day_with_year(on), "title": title, "text": asked.answer, "tone": tone}))
    return [event for _day, event in sorted(events, key=lambda pair: pair[0], reverse=True)]
