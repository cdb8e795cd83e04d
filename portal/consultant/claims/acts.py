"""What is done with a claim before it is answered: gathered, taken out of, sent, sent again, reminded of."""

from __future__ import annotations

from collections.abc import Callable

from flask import current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _, ngettext
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.permissions import Permission
from core.errors import DomainError, NotFound, NotPermitted
from core.idempotency import new_key
from delivery.complaints.claim_errors import AddressMalformed, NoMailHere
from delivery.complaints.claim_sending import mark_chased, mark_sent, send_again, send_pack
from delivery.complaints.claims import claim_all, take_out
from portal.consultant.claims.blueprint import blueprint
from portal.consultant.claims.forms import SendForm, bounded
from portal.consultant.claims.views import show_pack
from portal.consultant.claims.words import refusal_words
from portal.formats import grouped
from portal.security import current_identity, requires, unit_of_work

Act = Callable[[Session, Identity], object]


@blueprint.post("/claims/suppliers/<int:supplier_id>/claim-all")
@requires(Permission.CLAIM)
def gather(supplier_id: int) -> ResponseReturnValue:
    """Put every replaced case of a supplier into its claim."""
    with unit_of_work() as session:
        done = claim_all(session, current_identity(), bounded(supplier_id))
    if done.claimed:
        numbers = ", ".join(grouped(number) for number in done.claim_nos)
        flash(
            ngettext(
                "%(num)s case is now in claim %(numbers)s.",
                "%(num)s cases are now in claim %(numbers)s.",
                done.claimed,
                numbers=numbers,
            ),
            "success",
        )
    for refused in done.left[:5]:
        case = _("Case %(number)s", number=grouped(refused.case_no))
        flash(f"{case}: {refusal_words(refused)}", "attention")
    if not done.claimed and not done.left:
        flash(_("There is nothing to claim from this supplier now."), "info")
    if len(done.claim_nos) == 1:
        return redirect(url_for("claims.pack", claim_no=done.claim_nos[0]), 303)
    return redirect(url_for("claims.overview"), 303)


@blueprint.post("/claims/<string:claim_no>/take-out")
@requires(Permission.CLAIM)
def take_case_out(claim_no: str) -> ResponseReturnValue:
    """Take a case out of a claim that has not been sent."""
    case_no = request.form.get("case_no", "")[:20]
    try:
        with unit_of_work() as session:
            is_gone = take_out(session, current_identity(), claim_no, case_no)
    except (NotFound, NotPermitted):
        raise
    except DomainError as problem:
        flash(refusal_words(problem), "attention")
        return redirect(url_for("claims.pack", claim_no=claim_no), 303)
    flash(_("Case %(number)s is taken out.", number=grouped(case_no)), "success")
    return redirect(url_for("claims.overview") if is_gone else url_for("claims.pack", claim_no=claim_no), 303)


@blueprint.post("/claims/<string:claim_no>/send")
@requires(Permission.CLAIM)
def send(claim_no: str) -> ResponseReturnValue:
    """Have the claim sent by e-mail."""
    form, key = SendForm(), _key()
    return _send(
        claim_no,
        form,
        lambda session, identity: send_pack(session, identity, claim_no, form.email.data or "", key),
        _("The claim is on its way to the supplier by e-mail."),
    )


@blueprint.post("/claims/<string:claim_no>/send-again")
@requires(Permission.CLAIM)
def send_once_more(claim_no: str) -> ResponseReturnValue:
    """Send a claim once more that has not arrived."""
    form = SendForm()
    return _send(
        claim_no,
        form,
        lambda session, identity: send_again(session, identity, claim_no, form.email.data or "?"),
        _("The claim is on its way to the supplier by e-mail."),
    )


@blueprint.post("/claims/<string:claim_no>/sent")
@requires(Permission.CLAIM)
def sent(claim_no: str) -> ResponseReturnValue:
    """Note that the claim was sent some other way."""
    key = _key()
    return _act(
        claim_no,
        lambda session, identity: mark_sent(session, identity, claim_no, key),
        _("Noted. The supplier's days to answer count from today."),
    )


@blueprint.post("/claims/<string:claim_no>/sent-otherwise")
@requires(Permission.CLAIM)
def sent_otherwise(claim_no: str) -> ResponseReturnValue:
    """Note that a claim whose e-mail did not arrive was sent some other way."""
    return _act(
        claim_no,
        lambda session, identity: send_again(session, identity, claim_no, ""),
        _("Noted. No e-mail is sent."),
    )


@blueprint.post("/claims/<string:claim_no>/chased")
@requires(Permission.CLAIM)
def chased(claim_no: str) -> ResponseReturnValue:
    """Count a reminder by phone."""
    return _act(
        claim_no,
        lambda session, identity: mark_chased(session, identity, claim_no),
        _("Noted that you have reminded the supplier."),
    )


def _key() -> str:
    return request.form.get("idempotency_key") or new_key()


def _send(claim_no: str, form: SendForm, act: Act, done: str) -> ResponseReturnValue:
    if not form.validate():
        return show_pack(claim_no, sending=form), 422
    if current_app.extensions["couriers"].mail is None:
        form.email.errors = [refusal_words(NoMailHere())]
        return show_pack(claim_no, sending=form), 422
    try:
        with unit_of_work() as session:
            act(session, current_identity())
    except AddressMalformed as problem:
        form.email.errors = [refusal_words(problem)]
        return show_pack(claim_no, sending=form), 422
    except (NotFound, NotPermitted):
        raise
    except DomainError as problem:
        flash(refusal_words(problem), "attention")
    else:
        flash(done, "success")
    return redirect(url_for("claims.pack", claim_no=claim_no), 303)


def _act(claim_no: str, act: Act, done: str) -> ResponseReturnValue:
    try:
        with unit_of_work() as session:
            act(session, current_identity())
    except (NotFound, NotPermitted):
        raise
    except DomainError as problem:
        flash(refusal_words(problem), "attention")
    else:
        flash(done, "success")
    return redirect(url_for("claims.pack", claim_no=claim_no), 303)
