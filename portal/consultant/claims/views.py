"""The first page of claims, and one claim."""

from __future__ import annotations

from flask import current_app, render_template, request, url_for
from flask.typing import ResponseReturnValue

from auth.permissions import Permission
from core.idempotency import new_key
from delivery.complaints.claim_answers import can_be_undone
from delivery.complaints.claim_errors import AnswerReasonMissing
from delivery.complaints.claim_overview import ClaimPile, claims_page
from delivery.complaints.claim_queries import open_pack
from portal.complaint_words import FAULTS
from portal.consultant.claims import words
from portal.consultant.claims.blueprint import blueprint
from portal.consultant.claims.forms import CloseForm, SendForm
from portal.security import current_identity, requires, unit_of_work


@blueprint.get("/claims")
@requires(Permission.CLAIM)
def overview() -> ResponseReturnValue:
    """What each supplier owes, and the claims pile by pile."""
    try:
        chosen = ClaimPile(request.args.get("show", ""))
    except ValueError:
        chosen = ClaimPile.OPEN
    page = request.args.get("page", 1, type=int)
    with unit_of_work() as session:
        shown = claims_page(session, current_identity(), chosen, min(page, 10_000))
        return render_template(
            "consultant/claims/overview.html",
            shown=shown,
            piles=words.PILES,
            statuses=words.STATUSES,
            money=words.money,
            page_url=lambda number: url_for("claims.overview", show=chosen.value, page=number),
        )


@blueprint.get("/claims/<string:claim_no>")
@requires(Permission.CLAIM)
def pack(claim_no: str) -> ResponseReturnValue:
    """One claim: its cases, what the supplier says, and what comes next."""
    return show_pack(claim_no)


def show_pack(
    claim_no: str,
    *,
    sending: SendForm | None = None,
    closing: CloseForm | None = None,
    answering: str = "",
    missing: AnswerReasonMissing | None = None,
) -> str:
    """Render a claim; the forms are those that were sent and refused, `answering` is why the answers were."""
    with unit_of_work() as session:
        opened = open_pack(session, current_identity(), claim_no)
        address = opened.pack.sent_to or opened.pack.supplier.complaints_email
        return render_template(
            "consultant/claims/pack.html",
            opened=opened,
            can_be_undone=can_be_undone,
            pack=opened.pack,
            sending=sending or SendForm(formdata=None, data={"email": address}),
            closing=closing or CloseForm(formdata=None),
            answering=answering,
            without_reason=missing.case_nos if missing else (),
            typed=request.form if answering else {},
            sends_mail=current_app.extensions["couriers"].mail is not None,
            key=request.form.get("idempotency_key") or new_key(),
            faults=FAULTS,
            words=words,
            money=words.money,
        )
