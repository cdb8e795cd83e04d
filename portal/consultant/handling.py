"""What is done with a case before it is decided: take, give, look, ask, note down."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from auth.identity import Identity
from delivery.complaints import asking, decisions, triage
from portal.consultant.case_page import acts_on_case, idempotency_key
from portal.consultant.forms import AnswerForm, AskForm, AssignForm, NoteForm, NothingForm, TriageForm


@acts_on_case("take", "", NothingForm, _l("The case is yours."))
def take(session: Session, identity: Identity, case_no: str, _form: NothingForm) -> object:
    """Make the case one's own."""
    return decisions.take_case(session, identity, case_no)


@acts_on_case("read", "", NothingForm, _l("What was added has been read."))
def read(session: Session, identity: Identity, case_no: str, _form: NothingForm) -> object:
    """Let what was added since the decision rest."""
    return triage.mark_read(session, identity, case_no)


@acts_on_case("assign", "assigning", AssignForm, _l("The case has been given away."))
def give(session: Session, identity: Identity, case_no: str, form: AssignForm) -> object:
    """Give the case to a colleague."""
    return triage.assign(session, identity, case_no, form.colleague_id)


@acts_on_case("triage", "triaging", TriageForm, _l("Written down. The case is yours."))
def look(session: Session, identity: Identity, case_no: str, form: TriageForm) -> object:
    """Write down what was seen."""
    seen = triage.Triage(case_no, form.is_serious.data, form.has_lot_pattern.data, form.note.data or "")
    return triage.triage(session, identity, seen)


@acts_on_case("ask", "asking", AskForm, _l("The question is in their inbox. The clock stands still until they answer."))
def ask_reporter(session: Session, identity: Identity, case_no: str, form: AskForm) -> object:
    """Ask the reporter in their inbox."""
    return asking.ask(session, identity, case_no, form.question.data or "", idempotency_key())


@acts_on_case("answer", "answering", AnswerForm, _l("The answer is written down, and the clock goes on."))
def note_answer(session: Session, identity: Identity, case_no: str, form: AnswerForm) -> object:
    """Write down an answer that came by phone, and let the clock go on."""
    return asking.resume_by_hand(session, identity, case_no, form.answer.data or "")


@acts_on_case("note", "noting", NoteForm, _l("The note is in the timeline."))
def note(session: Session, identity: Identity, case_no: str, form: NoteForm) -> object:
    """Write a note."""
    return triage.add_note(session, identity, case_no, form.text.data or "")
