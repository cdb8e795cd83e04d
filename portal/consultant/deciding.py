"""Decisions about a case: replace, decline, close, open again, the same as another."""

from __future__ import annotations

from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from auth.permissions import Permission
from delivery.complaints.decisions import ReplaceProduct, decline, replace_product
from delivery.complaints.merging import mark_duplicate, not_duplicate
from delivery.complaints.triage import close, reopen
from portal.consultant.blueprint import blueprint
from portal.consultant.case_page import act, idempotency_key
from portal.consultant.forms import CloseForm, DeclineForm, NothingForm, ReopenForm, ReplaceForm, SameForm
from portal.security import requires


@blueprint.post("/complaints/<string:case_no>/replace")
@requires(Permission.DECIDE_COMPLAINT)
def replace(case_no: str) -> ResponseReturnValue:
    """Send new packages."""
    form = ReplaceForm()
    return act(
        case_no,
        "replacing",
        form,
        lambda session, identity: replace_product(
            session, identity, ReplaceProduct(case_no, form.packages.data or 0, idempotency_key())
        ),
        _("The depot has the replacement. The one who reported has been told."),
    )


@blueprint.post("/complaints/<string:case_no>/decline")
@requires(Permission.DECIDE_COMPLAINT)
def refuse(case_no: str) -> ResponseReturnValue:
    """Decline with a reason."""
    form = DeclineForm()
    return act(
        case_no,
        "declining",
        form,
        lambda session, identity: decline(session, identity, case_no, form.reason.data or "", idempotency_key()),
        _("The complaint is declined. The one who reported has been told why."),
    )


@blueprint.post("/complaints/<string:case_no>/close")
@requires(Permission.DECIDE_COMPLAINT)
def close_case(case_no: str) -> ResponseReturnValue:
    """Close with a reason."""
    form = CloseForm()
    return act(
        case_no,
        "closing",
        form,
        lambda session, identity: close(session, identity, case_no, form.close_reason.data or ""),
        _("The case is closed."),
    )


@blueprint.post("/complaints/<string:case_no>/reopen")
@requires(Permission.DECIDE_COMPLAINT)
def reopen_case(case_no: str) -> ResponseReturnValue:
    """Take it up again."""
    form = ReopenForm()
    return act(
        case_no,
        "reopening",
        form,
        lambda session, identity: reopen(session, identity, case_no, form.reopen_reason.data or ""),
        _("The case is open again. The one who reported has been told."),
    )


@blueprint.post("/complaints/<string:case_no>/same")
@requires(Permission.DECIDE_COMPLAINT)
def same(case_no: str) -> ResponseReturnValue:
    """Close as the same as another case."""
    form = SameForm()
    return act(
        case_no,
        "merging",
        form,
        lambda session, identity: mark_duplicate(session, identity, case_no, form.same_as.data or ""),
        _("The case is closed as the same as the other. The one who reported has been told."),
    )


@blueprint.post("/complaints/<string:case_no>/not-the-same")
@requires(Permission.DECIDE_COMPLAINT)
def not_the_same(case_no: str) -> ResponseReturnValue:
    """Say that it is about something else."""
    return act(
        case_no,
        "",
        NothingForm(),
        lambda session, identity: not_duplicate(session, identity, case_no),
        _("Noted: it is not the same."),
    )
