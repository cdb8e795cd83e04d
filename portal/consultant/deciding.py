"""Decisions about a case: replace, decline, close, open again, the same as another."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from auth.identity import Identity
from delivery.complaints import decisions, merging, triage
from portal.consultant.case_page import acts_on_case, idempotency_key
from portal.consultant.forms import CloseForm, DeclineForm, NothingForm, ReopenForm, ReplaceForm, SameForm


@acts_on_case(
    "replace", "replacing", ReplaceForm, _l("The depot has the replacement. The one who reported has been told.")
)
def replace(session: Session, identity: Identity, case_no: str, form: ReplaceForm) -> object:
    """Send new packages."""
    command = decisions.ReplaceProduct(case_no, form.packages.data or 0, idempotency_key())
    return decisions.replace_product(session, identity, command)


@acts_on_case(
    "decline", "declining", DeclineForm, _l("The complaint is declined. The one who reported has been told why.")
)
def refuse(session: Session, identity: Identity, case_no: str, form: DeclineForm) -> object:
    """Decline with a reason."""
    return decisions.decline(session, identity, case_no, form.reason.data or "", idempotency_key())


@acts_on_case("close", "closing", CloseForm, _l("The case is closed."))
def close_case(session: Session, identity: Identity, case_no: str, form: CloseForm) -> object:
    """Close with a reason."""
    return triage.close(session, identity, case_no, form.close_reason.data or "")


@acts_on_case("reopen", "reopening", ReopenForm, _l("The case is open again. The one who reported has been told."))
def reopen_case(session: Session, identity: Identity, case_no: str, form: ReopenForm) -> object:
    """Take it up again."""
    return triage.reopen(session, identity, case_no, form.reopen_reason.data or "")


@acts_on_case(
    "same", "merging", SameForm, _l("The case is closed as the same as the other. The one who reported has been told.")
)
def same(session: Session, identity: Identity, case_no: str, form: SameForm) -> object:
    """Close as the same as another case."""
    return merging.mark_duplicate(session, identity, case_no, form.same_as.data or "")


@acts_on_case("not-the-same", "", NothingForm, _l("Noted: it is not the same."))
def not_the_same(session: Session, identity: Identity, case_no: str, _form: NothingForm) -> object:
    """Say that it is about something else."""
    return merging.not_duplicate(session, identity, case_no)
