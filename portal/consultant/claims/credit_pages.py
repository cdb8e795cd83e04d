"""Credit notes: booked line by line to the öre, looked at, undone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from auth.permissions import Permission
from core.errors import DomainError, NotFound, NotPermitted
from core.idempotency import new_key
from delivery.complaints.claim_errors import (
    CreditDateWrong,
    CreditNoteCame,
    CreditNumberMissing,
    CreditRefused,
    CreditUndone,
)
from delivery.complaints.claim_models import ClaimLine, ClaimOutcome
from delivery.complaints.claim_queries import creditable_lines, note_page
from delivery.complaints.claim_rules import suggested_shares
from delivery.complaints.credits import BookCredit, book_credit, undo_credit
from orders.models import Supplier
from portal.consultant.claims import words
from portal.consultant.claims.blueprint import blueprint
from portal.consultant.claims.forms import CreditForm, UndoForm, bounded, read_shares
from portal.parked_forms import take_parked_form
from portal.security import current_identity, requires, unit_of_work


@blueprint.get("/claims/suppliers/<int:supplier_id>/credit")
@requires(Permission.CLAIM)
def credit(supplier_id: int) -> ResponseReturnValue:
    """The form for a supplier's credit note; `claim` in the address puts that claim's cases first, filled in."""
    parked = take_parked_form(request.path)
    with unit_of_work() as session:
        return _form_page(session, supplier_id, CreditForm(formdata=parked), parked, {})


@blueprint.post("/claims/suppliers/<int:supplier_id>/credit")
@requires(Permission.CLAIM)
def book(supplier_id: int) -> ResponseReturnValue:
    """Book the note."""
    form = CreditForm()
    is_valid = form.validate()
    shares, wrong = read_shares(request.form)
    if is_valid and not wrong and form.amount.amount is not None and form.dated_on.data is not None:
        try:
            with unit_of_work() as session:
                if not shares:
                    shares = suggested_shares(form.amount.amount, _left(_lines(session, supplier_id)[1]))
                note = book_credit(
                    session,
                    current_identity(),
                    BookCredit(
                        bounded(supplier_id),
                        form.credit_no.data or "",
                        form.amount.amount,
                        form.dated_on.data,
                        shares,
                        request.form.get("idempotency_key") or new_key(),
                    ),
                )
                note_id, said = note.id, _("Credit note %(number)s is booked.", number=note.credit_no)
            flash(said, "success")
            return redirect(url_for("claims.note", note_id=note_id), 303)
        except (NotFound, NotPermitted):
            raise
        except DomainError as problem:
            wrong = _put_error(form, problem)
    with unit_of_work() as session:
        return _form_page(session, supplier_id, form, request.form, wrong), 422


def _put_error(form: CreditForm, problem: DomainError) -> Mapping[int, str]:
    """Say the problem where it is; what concerns a single line is returned by line."""
    said = words.refusal_words(problem)
    if isinstance(problem, CreditNoteCame | CreditNumberMissing):
        form.credit_no.errors = [said]
    elif isinstance(problem, CreditDateWrong):
        form.dated_on.errors = [said]
    elif isinstance(problem, CreditRefused):
        form.amount.errors = [said]
        shares, _wrong = read_shares(request.form)
        return {
            line: _("At most %(amount)s is left.", amount=words.money(left))
            for line, left in problem.left.items()
            if shares.get(line, 0) > left
        }
    else:
        form.form_errors.append(said)
    return {}


def _form_page(
    session: Session,
    supplier_id: int,
    form: CreditForm,
    typed: MultiDict[str, str] | None,
    wrong: Mapping[int, str],
) -> str:
    supplier, lines = _lines(session, supplier_id)
    claim_no = request.args.get("claim", "")
    return render_template(
        "consultant/claims/credit.html",
        supplier=supplier,
        lines=lines,
        form=form,
        typed=_typed(lines, claim_no, typed),
        wrong=wrong,
        claim_no=claim_no,
        key=request.form.get("idempotency_key") or new_key(),
        money=words.money,
    )


def _lines(session: Session, supplier_id: int) -> tuple[Supplier, Sequence[ClaimLine]]:
    return creditable_lines(session, current_identity(), bounded(supplier_id), request.args.get("claim", "")[:20])


def _left(lines: Sequence[ClaimLine]) -> list[tuple[int, Decimal]]:
    named = request.args.get("claim", "")
    return [(line.id, line.value - line.credited) for line in lines if not named or line.pack.claim_no == named]


def _typed(lines: Sequence[ClaimLine], claim_no: str, typed: MultiDict[str, str] | None) -> dict[int, str]:
    """What stands in the fields: what was typed, or what is left of the named claim's accepted cases."""
    if typed is not None:
        return {line.id: typed.get(f"share-{line.id}", "")[:40] for line in lines}
    return {
        line.id: f"{line.value - line.credited:.2f}".replace(".", ",")
        for line in lines
        if line.pack.claim_no == claim_no and line.outcome is ClaimOutcome.ACCEPTED
    }


@blueprint.get("/claims/credits/<int:note_id>")
@requires(Permission.CLAIM)
def note(note_id: int) -> ResponseReturnValue:
    """One credit note and what it paid for."""
    return _note_page(note_id, UndoForm(formdata=None))


@blueprint.post("/claims/credits/<int:note_id>/undo")
@requires(Permission.CLAIM)
def undo(note_id: int) -> ResponseReturnValue:
    """Undo a note that was booked wrongly."""
    form = UndoForm()
    if not form.validate():
        return _note_page(note_id, form), 422
    try:
        with unit_of_work() as session:
            undo_credit(session, current_identity(), bounded(note_id), form.reason.data or "")
        flash(_("The credit note is undone. Its cases are owed again."), "success")
    except CreditUndone as problem:
        flash(words.refusal_words(problem), "attention")
    return redirect(url_for("claims.note", note_id=note_id), 303)


def _note_page(note_id: int, form: UndoForm) -> str:
    with unit_of_work() as session:
        found, booked_by, undone_by = note_page(session, current_identity(), bounded(note_id))
        return render_template(
            "consultant/claims/note.html",
            note=found,
            booked_by=booked_by,
            undone_by=undone_by,
            form=form,
            money=words.money,
        )
