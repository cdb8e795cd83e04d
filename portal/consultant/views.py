"""The board of cases and the case, with what can be decided about it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _, ngettext
from sqlalchemy.orm import Session

from auth.permissions import Permission
from core.idempotency import new_key
from delivery.complaints import queries
from delivery.complaints.decisions import ReplaceProduct, decline, replace_product, take_case
from delivery.complaints.errors import AlreadyDecided, PackagesOutOfRange, PatientHasDied, ReasonMissing
from delivery.complaints.models import Complaint, ComplaintEventKind, ComplaintState
from delivery.complaints.queries import BoardFilter, open_case
from portal.complaint_words import EVENTS, FAULTS, RELATIONS, ROUTES, STATES
from portal.consultant.forms import DeclineForm, ReplaceForm
from portal.formats import grouped, instant
from portal.parked_forms import take_parked_form
from portal.security import current_identity, requires, unit_of_work

blueprint = Blueprint("consultant", __name__)


@blueprint.get("/complaints")
@requires(Permission.SEE_COMPLAINTS)
def board() -> ResponseReturnValue:
    """The cases of the region, what is most urgent first."""
    with unit_of_work() as session:
        return render_template("consultant/board.html", **_board(session), case=None)


def _board(session: Session) -> dict[str, object]:
    try:
        chosen = BoardFilter(request.args.get("show", ""))
    except ValueError:
        chosen = BoardFilter.OPEN
    words = request.args.get("find", "")[:40].replace("\x00", "")
    page = request.args.get("page", 1, type=int)
    shown = queries.board(session, current_identity(), chosen, words=words, page=min(page, 10_000))
    keep: dict[str, Any] = {"show": chosen.value} if chosen is not BoardFilter.OPEN else {}
    if words.strip():
        keep["find"] = words
    return {
        "board": shown,
        "piles": {
            BoardFilter.OPEN: _("To decide"),
            BoardFilter.RED_FLAG: _("Red flag"),
            BoardFilter.OVERDUE: _("Overdue"),
            BoardFilter.MINE: _("Mine"),
            BoardFilter.REPLACED: _("Replaced"),
            BoardFilter.DECLINED: _("Declined"),
        },
        "words": words,
        "keep": keep,
        "page_url": lambda number: url_for("consultant.board", page=number, **keep),
        "faults": FAULTS,
        "states": STATES,
        "relations": RELATIONS,
    }


@blueprint.get("/complaints/<string:case_no>")
@requires(Permission.SEE_COMPLAINTS)
def case(case_no: str) -> ResponseReturnValue:
    """One case, with the board beside it where there is room."""
    return _show_case(case_no, None, None)


def _show_case(case_no: str, replacing: ReplaceForm | None, declining: DeclineForm | None) -> str:
    with unit_of_work() as session:
        opened = open_case(session, current_identity(), case_no)
        parked = take_parked_form(request.path) if request.method == "GET" else None
        return render_template(
            "consultant/case.html",
            **_board(session),
            case=opened,
            replacing=replacing or ReplaceForm(formdata=None, data={"packages": opened.report.packages}),
            declining=declining or DeclineForm(formdata=parked),
            key=request.form.get("idempotency_key") or new_key(),
            happened=_happened(opened.complaint),
            routes=ROUTES,
        )


def _happened(complaint: Complaint) -> list[dict[str, str]]:
    """The case's timeline, newest first."""
    tones = {ComplaintEventKind.REPLACED: "success", ComplaintEventKind.DECLINED: "attention"}
    return [
        {
            "when": instant(event.at),
            "who": event.staff_member.name if event.staff_member else "",
            "title": str(EVENTS[event.kind]),
            "text": _("Order %(number)s", number=grouped(event.text))
            if event.kind is ComplaintEventKind.REPLACED
            else event.text,
            "tone": tones.get(event.kind, ""),
        }
        for event in reversed(complaint.events)
    ]


@blueprint.post("/complaints/<string:case_no>/take")
@requires(Permission.DECIDE_COMPLAINT)
def take(case_no: str) -> ResponseReturnValue:
    """Make the case one's own."""
    try:
        with unit_of_work() as session:
            take_case(session, current_identity(), case_no)
    except AlreadyDecided as decided:
        flash(_decided_words(decided), "attention")
    return redirect(url_for("consultant.case", case_no=case_no), 303)


@blueprint.post("/complaints/<string:case_no>/replace")
@requires(Permission.DECIDE_COMPLAINT)
def replace(case_no: str) -> ResponseReturnValue:
    """Send new packages."""
    form = ReplaceForm()
    if form.validate():
        assert form.packages.data is not None
        try:
            with unit_of_work() as session:
                command = ReplaceProduct(case_no, form.packages.data, request.form.get("idempotency_key") or new_key())
                replace_product(session, current_identity(), command)
            flash(_("The depot has the replacement. The one who reported has been told."), "success")
            return redirect(url_for("consultant.case", case_no=case_no), 303)
        except PackagesOutOfRange as problem:
            most = ngettext(
                "Send at most %(num)s package: that is what was delivered.",
                "Send at most %(num)s packages: that is what was delivered.",
                problem.delivered_packages,
            )
            form.packages.errors = [most]
        except PatientHasDied:
            form.packages.errors = [_("The patient has died. Nothing more is sent.")]
        except AlreadyDecided as decided:
            flash(_decided_words(decided), "attention")
            return redirect(url_for("consultant.case", case_no=case_no), 303)
    return _show_case(case_no, form, None), 422


@blueprint.post("/complaints/<string:case_no>/decline")
@requires(Permission.DECIDE_COMPLAINT)
def refuse(case_no: str) -> ResponseReturnValue:
    """Decline with a reason."""
    form = DeclineForm()
    if form.validate():
        key = request.form.get("idempotency_key") or new_key()
        try:
            with unit_of_work() as session:
                decline(session, current_identity(), case_no, form.reason.data or "", key)
            flash(_("The complaint is declined. The one who reported has been told why."), "success")
            return redirect(url_for("consultant.case", case_no=case_no), 303)
        except ReasonMissing:
            form.reason.errors = [_("Write why. The one who reported reads it.")]
        except AlreadyDecided as decided:
            flash(_decided_words(decided), "attention")
            return redirect(url_for("consultant.case", case_no=case_no), 303)
    return _show_case(case_no, None, form), 422


def _decided_words(decided: AlreadyDecided) -> str:
    facts = {"name": decided.decided_by, "when": instant(decided.decided_at)}
    if decided.state is ComplaintState.DECLINED:
        return _("%(name)s declined the complaint %(when)s. Nothing was changed now.", **facts)
    return _(
        "%(name)s ordered a replacement %(when)s, order %(number)s. Nothing was changed now.",
        number=grouped(decided.order_no or ""),
        **facts,
    )
