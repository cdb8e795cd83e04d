"""Step 2: what happened, with photos; what has been typed is kept as a draft on the way. Step 3: the receipt."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from flask import flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge

from auth.identity import Relation
from auth.permissions import Permission
from core.clock import swedish_date
from core.idempotency import new_key
from delivery.complaints.draft_models import FaultDraft
from delivery.complaints.drafts import drop_photo, find_draft, keep_draft, key_owner
from delivery.complaints.errors import ReportRefused
from delivery.complaints.own_cases import own_case
from delivery.complaints.photos import MOST_PHOTOS, CleanPhoto, PhotoProblem, PhotoRefused
from delivery.complaints.products import ProductRef, ReportedProduct, find_product, see_product
from delivery.complaints.questions import questions_for
from delivery.complaints.services import report_fault
from portal.complaint_words import FAULT_ICONS
from portal.parked_forms import take_parked_form
from portal.patient.faults.blueprint import blueprint
from portal.patient.faults.forms import FaultForm, Voice, default_answers
from portal.patient.faults.photo_words import LARGEST_REQUEST_MEGABYTES, photo_words, taken_photos
from portal.patient.faults.places import form_url, stated_in_address
from portal.patient.faults.question_fields import PREFIX
from portal.patient.faults.rescue import rescue_what_was_typed
from portal.pictures import PICTURES
from portal.security import current_identity, database, require_signed_in, requires, unit_of_work
from portal.uploads import takes_files

KEEP, REMOVE = "keep", "remove-"


@blueprint.get("/fault-reports/new/<int:picked_lot_id>")
@requires(Permission.REPORT_FAULT)
def report(picked_lot_id: int) -> ResponseReturnValue:
    """Ask what happened to a product that was sent."""
    return _ask(stated_in_address(picked_lot_id=picked_lot_id))


@blueprint.post("/fault-reports/new/<int:picked_lot_id>")
@takes_files(LARGEST_REQUEST_MEGABYTES)
@requires(Permission.REPORT_FAULT)
def file(picked_lot_id: int) -> ResponseReturnValue:
    """File the report of a product that was sent, or keep what has been typed so far."""
    return _receive(stated_in_address(picked_lot_id=picked_lot_id))


@blueprint.get("/fault-reports/new/articles/<int:article_id>")
@requires(Permission.REPORT_FAULT)
def report_stated(article_id: int) -> ResponseReturnValue:
    """Ask what happened to a product whose code was read, and that we are not known to have sent."""
    return _ask(stated_in_address(article_id=article_id))


@blueprint.post("/fault-reports/new/articles/<int:article_id>")
@takes_files(LARGEST_REQUEST_MEGABYTES)
@requires(Permission.REPORT_FAULT)
def file_stated(article_id: int) -> ResponseReturnValue:
    """File the report of a product that we are not known to have sent, or keep what has been typed so far."""
    return _receive(stated_in_address(article_id=article_id))


@blueprint.get("/fault-reports/<string:case_no>/received")
@requires(Permission.SEE_OWN_CASES)
def received(case_no: str) -> ResponseReturnValue:
    """Step 3: the receipt."""
    with unit_of_work() as session:
        return render_template("patient/faults/received.html", case=own_case(session, current_identity(), case_no))


@blueprint.errorhandler(413)
def too_large(_problem: RequestEntityTooLarge) -> ResponseReturnValue:
    """Say what to do about a photo that is too large to receive; what was typed beside it is kept."""
    rescue_what_was_typed()
    if _wants_json():
        return jsonify(problem=photo_words(PhotoProblem.TOO_LARGE)), 413
    return render_template("patient/faults/too_large.html", back_url=request.full_path.rstrip("?")), 413


def _ask(ref: ProductRef) -> str:
    """Show the form: as it was when a session timed out, as the draft has it, or new."""
    user = require_signed_in()
    with unit_of_work() as session:
        product = see_product(session, user.identity, ref)
        draft = find_draft(session, user.identity, ref)
        # In a call the patient's own number is there to begin with; the caller says which it should be.
        phone = user.subject.phone if user.is_in_call else user.person.phone if user.person else ""
        typed = take_parked_form(request.path) or (MultiDict(draft.form) if draft and draft.form else None)
        form = _form(product, formdata=typed, data=default_answers(_today(), phone))
        return _show(product, form, draft, is_continued=draft is not None)


def _receive(ref: ProductRef) -> ResponseReturnValue:
    """Take the form's photos into the draft; then do what its button says."""
    with unit_of_work() as session:
        product = find_product(session, current_identity(), ref)
    form, do = _form(product), request.form.get("do", "")
    if do.startswith(REMOVE):
        with unit_of_work() as session:
            drop_photo(
                session, current_identity(), ref, int(found) if (found := do[len(REMOVE) :][:18]).isdecimal() else 0
            )
        do = KEEP
    photos, refused = taken_photos(MOST_PHOTOS)
    if photos or do == KEEP:
        refused += _keep(ref, form, photos)
    if do == KEEP:
        return _kept(ref, refused)
    if form.check(product) and not refused:
        try:
            with unit_of_work() as session:
                case_no = report_fault(session, current_identity(), form.command(product, _key())).case_no
        except ReportRefused as wrong:
            form.explain(product, wrong)
        else:
            url = url_for("faults.received", case_no=case_no)
            return jsonify(url=url) if _wants_json() else redirect(url, 303)
    if _wants_json():
        return jsonify(problem=_("Something needs to be corrected")), 422
    with unit_of_work() as session:
        draft = find_draft(session, current_identity(), ref)
        return _show(product, form, draft, problems=refused), 422


def _keep(ref: ProductRef, form: FaultForm, photos: Sequence[CleanPhoto]) -> list[PhotoProblem]:
    try:
        with unit_of_work() as session:
            keep_draft(session, current_identity(), ref, _typed(form), photos=photos, idempotency_key=_key())
    except PhotoRefused as refused:
        return [refused.problem]
    return []


def _kept(ref: ProductRef, refused: Sequence[PhotoProblem]) -> ResponseReturnValue:
    """Answer the page's script with the photos of the draft, or show the form again."""
    said = " ".join(dict.fromkeys(photo_words(problem) for problem in refused))
    if not _wants_json():
        for problem in dict.fromkeys(refused):
            flash(photo_words(problem), "error")
        return redirect(f"{form_url(ref)}#photos", 303)
    with unit_of_work() as session:
        draft = find_draft(session, current_identity(), ref)
        photos = [
            {"id": photo.id, "url": url_for("faults.photo", photo_id=photo.id)}
            for photo in (draft.photos if draft else ())
        ]
    return jsonify(photos=photos, problem=said)


def _typed(form: FaultForm) -> dict[str, str]:
    """Return what the form's own fields hold, as typed."""
    return {name: request.form[name] for name in form._fields if name in request.form and name != "csrf_token"}


def _wants_json() -> bool:
    return request.accept_mimetypes.best == "application/json"


def _key() -> str:
    return request.form.get("idempotency_key") or new_key()


def _today() -> date:
    return swedish_date(database().clock.now())


def _form(product: ReportedProduct, **arguments: object) -> FaultForm:
    user = require_signed_in()
    may_be_called = not user.subject.is_protected and (user.person is None or not user.person.is_protected)
    voices = {Relation.CALL: Voice.CALL, Relation.CARE: Voice.CARE}
    voice = voices.get(user.identity.relation, Voice.HOME) if user.identity.relation else Voice.HOME
    return FaultForm.for_product(product, _today(), may_be_called=may_be_called, voice=voice, **arguments)


def _show(
    product: ReportedProduct,
    form: FaultForm,
    draft: FaultDraft | None,
    *,
    is_continued: bool = False,
    problems: Sequence[PhotoProblem] = (),
) -> str:
    return render_template(
        "patient/faults/report.html",
        product=product,
        form=form,
        key=_key(),
        draft=draft,
        is_continued=is_continued,
        photo_problems=list(dict.fromkeys(photo_words(problem) for problem in problems)),
        most_photos=MOST_PHOTOS,
        reader=key_owner(current_identity()),
        prefix=PREFIX,
        questions={question.code: question for question in questions_for(product.article.kind)},
        icons={kind.value: icon for kind, icon in FAULT_ICONS.items()},
        pictures=PICTURES,
    )
