"""Goods in: what is expected, a delivery scanned lot by lot, and what goes back to the supplier."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale, gettext as _, ngettext
from sqlalchemy.orm import Session
from wtforms import Field

from auth.identity import Identity
from auth.permissions import Permission
from core.clock import now
from core.errors import DomainError, NotFound, NotPermitted
from core.idempotency import new_key
from delivery import errors, goods_queries, receipts
from delivery.goods_models import ReceiptLine
from delivery.goods_queries import GoodsLook, ReceiptPage
from delivery.receiving import ReceiveGoods, receive_goods
from delivery.return_note import ReturnedGoods, ReturnPapers, return_note
from portal.depot import goods_forms, goods_words, words
from portal.depot.blueprint import blueprint
from portal.depot.picking import RIGHT, WRONG
from portal.document_fonts import document_fonts
from portal.security import current_identity, requires, unit_of_work

_Act = Callable[[Session, Identity, int], object]


@blueprint.post("/depot/receiving/deliveries")
@requires(Permission.RECEIVE_GOODS)
def open_receipt() -> ResponseReturnValue:
    """Begin a delivery."""
    form = goods_forms.OpenReceiptForm()
    if not form.validate_on_submit():
        return _back(next((str(said) for said in form.delivery_note_no.errors), _("That did not work")))
    try:
        with unit_of_work() as session:
            receipt_id = receipts.open_receipt(
                session,
                current_identity(),
                form.supplier_order_id.data,
                form.delivery_note_no.data or "",
                key=form.idempotency_key.data or "",
            ).id
    except (NotFound, NotPermitted):
        raise
    except DomainError as problem:
        return _back(words.in_a_line(problem))
    return redirect(url_for("depot.receipt", receipt_id=receipt_id), 303)


def _back(said: str) -> ResponseReturnValue:
    flash(said, "attention")
    return redirect(url_for("depot.receiving"), 303)


@blueprint.get("/depot/receiving/deliveries/<int:receipt_id>")
@requires(Permission.RECEIVE_GOODS)
def receipt(receipt_id: int) -> ResponseReturnValue:
    """Show a delivery, and what was just scanned of it."""
    code = goods_forms.scanned(request.args.get("code"))
    return _receipt_page(receipt_id, code, None, 200)


def _receipt_page(receipt_id: int, code: str, form: goods_forms.ReceiveForm | None, status: int) -> ResponseReturnValue:
    identity = current_identity()
    with unit_of_work() as session:
        page = goods_queries.receipt_page(session, identity, receipt_id)
        look, problem = None, None
        if code.strip() and page.receipt.closed_at is None:
            try:
                look = goods_queries.look_at_goods(session, identity, receipt_id, code)
            except errors.UnreadableCode as unreadable:
                problem = words.refusal(unreadable)
        if look is not None and form is None:
            form = _form_for(look, code)
        html = render_template(
            "depot/receipt.html",
            page=page,
            look=look,
            form=form,
            problem=problem,
            key=new_key(),
            words=goods_words,
        )
        return html, status


def _form_for(look: GoodsLook, code: str) -> goods_forms.ReceiveForm:
    form = goods_forms.ReceiveForm(formdata=None)
    form.code.data = code
    form.lot_no.data, form.expires_on.data = look.code.lot_no or "", look.expires_on
    form.location.data, form.serials.data = look.location, look.code.serial_no or ""
    if look.code.serial_no:
        form.packages.data = 1
    return form


@blueprint.post("/depot/receiving/deliveries/<int:receipt_id>/receive")
@requires(Permission.RECEIVE_GOODS)
def receive(receipt_id: int) -> ResponseReturnValue:
    """Take in packages of one lot, or refuse them and say why."""
    form = goods_forms.ReceiveForm()
    serials = goods_forms.serials_of(form.serials) if form.validate_on_submit() else None
    if serials is None:
        return _receipt_page(receipt_id, form.code.data or "", form, 422)
    command = ReceiveGoods(
        receipt_id=receipt_id,
        code=form.code.data or "",
        packages=form.packages.data or 0,
        lot_no=form.lot_no.data or "",
        expires_on=form.expires_on.data,
        serials=serials,
        location=form.location.data or "",
        is_damaged=form.is_damaged.data,
        note=form.note.data or "",
        idempotency_key=form.idempotency_key.data or "",
    )
    try:
        with unit_of_work() as session:
            line = receive_goods(session, current_identity(), command)
            said = _say_line(line) if line is not None else None
    except (NotFound, NotPermitted):
        raise
    except errors.ReceiptClosed as problem:
        return _to_receipt(receipt_id, words.in_lines(problem), WRONG)
    except DomainError as problem:
        _blame(form, problem)
        return _receipt_page(receipt_id, command.code, form, 422)
    return _to_receipt(receipt_id, *said) if said else _to_receipt(receipt_id)


def _blame(form: goods_forms.ReceiveForm, problem: DomainError) -> None:
    """Say a problem at the field that it is about."""
    field: Field
    match problem:
        case errors.LotMissing():
            field = form.lot_no
        case errors.ExpiryMissing() | errors.ExpiryDiffers():
            field = form.expires_on
        case errors.SerialsDiffer() | errors.SerialKnown():
            field = form.serials
        case _:
            field = form.packages
    field.errors = [words.in_a_line(problem)]


def _say_line(line: ReceiptLine) -> tuple[str, str]:
    if line.refusal is None:
        taken = ngettext("Taken in: %(num)s package", "Taken in: %(num)s packages", line.packages)
        lot = _("Lot %(lot)s", lot=line.lot_no)
        return f"{taken}\n{lot}", RIGHT
    refused = goods_queries.refused(line)
    why = goods_words.refusal_words(line.refusal, refused.days_left, refused.days_required)
    refused_words = _("Refused: put it aside")
    return f"{refused_words}\n{why}", WRONG


def _to_receipt(receipt_id: int, said: str = "", category: str = RIGHT) -> ResponseReturnValue:
    if said:
        flash(said, category)
    return redirect(url_for("depot.receipt", receipt_id=receipt_id), 303)


@blueprint.post("/depot/receiving/deliveries/<int:receipt_id>/close")
@requires(Permission.RECEIVE_GOODS)
def close_receipt(receipt_id: int) -> ResponseReturnValue:
    """End a delivery."""
    return _act(receipt_id, receipts.close_receipt, _("The delivery is closed."))


@blueprint.post("/depot/receiving/deliveries/<int:receipt_id>/send-back")
@requires(Permission.RECEIVE_GOODS)
def send_back(receipt_id: int) -> ResponseReturnValue:
    """Note that what was refused is on its way back."""
    return _act(receipt_id, receipts.send_back, _("Noted: the goods are on their way back to the supplier."))


def _act(receipt_id: int, act: _Act, said: str) -> ResponseReturnValue:
    try:
        with unit_of_work() as session:
            act(session, current_identity(), receipt_id)
    except (NotFound, NotPermitted):
        raise
    except DomainError as problem:
        return _to_receipt(receipt_id, words.in_lines(problem), WRONG)
    return _to_receipt(receipt_id, said)


@blueprint.get("/depot/receiving/deliveries/<int:receipt_id>/return-note")
@requires(Permission.RECEIVE_GOODS)
def return_paper(receipt_id: int) -> ResponseReturnValue:
    """Make the list that goes back with what was refused, in Swedish."""
    identity = current_identity()
    with unit_of_work() as session, force_locale("sv"):
        page = goods_queries.receipt_page(session, identity, receipt_id)
        if not page.refused:
            raise NotFound
        papers = _papers(session, identity, page)
        pdf = return_note(papers, document_fonts(), _)
    return Response(
        pdf,
        mimetype="application/pdf",
        headers={
            "Content-Disposition": f'inline; filename="{papers.return_no}.pdf"',
            "Cache-Control": "no-store",
        },
    )


def _papers(session: Session, identity: Identity, page: ReceiptPage) -> ReturnPapers:
    unit = receipts.depot_of_region(session, identity.region).unit
    order = page.receipt.supplier_order
    lines = []
    for one in reversed(page.refused):
        line, article = one.line, one.line.article
        assert line.refusal is not None
        why = goods_words.refusal_words(line.refusal, one.days_left, one.days_required)
        lines.append(
            ReturnedGoods(
                article=article.name if article else "",
                article_no=article.article_no if article else "",
                gtin=line.gtin or (article.gtin or "" if article else ""),
                lot_no=line.lot_no,
                expires_on=line.expires_on,
                packages=line.packages,
                reason=f"{why}. {line.note}".rstrip(". "),
            )
        )
    return ReturnPapers(
        return_no=receipts.return_no_of(page.receipt),
        supplier=order.supplier.name if order else "",
        order_no=order.order_no if order else "",
        delivery_note_no=page.receipt.delivery_note_no,
        sender=(unit.name, unit.street, f"{unit.postal_code} {unit.city}".strip()),
        written_at=now(session),
        language="sv",
        lines=tuple(lines),
    )
