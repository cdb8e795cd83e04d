"""Prescribing: which product, on what terms, and a look over before it counts."""

from __future__ import annotations

from datetime import date

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from auth.models import PersonCategory
from auth.permissions import Permission
from core.clock import today
from core.errors import DomainError
from core.idempotency import new_key
from core.policy import policy_of
from orders.assortment import assortment
from orders.kinds import DeliveryMethod, ProductArea
from orders.policy import OrderingPolicy, PrescribingPolicy
from orders.prescribable import Prescribable, prescribable
from orders.prescribing import Prescribe, prescribe
from orders.prescribing_errors import PrescriptionRefused
from orders.prescription_rules import Problem, latest_valid_date
from orders.unit_queries import patient_page
from orders.unit_views import PatientPage
from portal.parked_forms import take_parked_form
from portal.pictures import PICTURES
from portal.prescriber import words
from portal.prescriber.blueprint import blueprint
from portal.prescriber.forms import PrescribeForm
from portal.prescriber.offers import first_terms
from portal.prescriber.problems import explain, problem_words
from portal.security import current_identity, requires, unit_of_work

# Beyond this nothing can be prescribed, and no sentence is made of it.
MOST_SAID = 99_999


class _OnlyLooked(DomainError):
    """Everything was in order; nothing is kept of having tried."""


@blueprint.get("/prescriber/patients/<int:person_id>/prescribe")
@requires(Permission.PRESCRIBE)
def choose(person_id: int) -> ResponseReturnValue:
    """Look for a product in the agreement's assortment."""
    written = request.args.get("find", "")[:100].replace("\x00", " ").strip()
    try:
        area = ProductArea(request.args.get("area", ""))
    except ValueError:
        area = None
    with unit_of_work() as session:
        page = patient_page(session, current_identity(), person_id)
        return render_template(
            "prescriber/choose.html",
            person=page.person,
            problems=[problem_words(problem) for problem in page.problems],
            articles=[] if page.problems else assortment(session, current_identity(), written, area),
            searched=written,
            area=area,
            areas=words.AREAS,
            words=words,
            pictures=PICTURES,
        )


@blueprint.get("/prescriber/patients/<int:person_id>/prescribe/<int:article_id>")
@requires(Permission.PRESCRIBE)
def terms(person_id: int, article_id: int) -> ResponseReturnValue:
    """Ask for amount, days, times and last day; shows again what was typed before a session timed out."""
    parked = take_parked_form(request.path)
    with unit_of_work() as session:
        page = patient_page(session, current_identity(), person_id)
        chosen = prescribable(session, current_identity(), article_id)
        begins = first_terms(chosen.article, current_identity().region, today(session))
        begins |= _terms_of_replaced(page, chosen, today(session))
        form = _form(page, chosen, formdata=parked, data=begins)
        return _terms_page(session, page, chosen, form)


@blueprint.post("/prescriber/patients/<int:person_id>/prescribe/<int:article_id>")
@requires(Permission.PRESCRIBE)
def look_over(person_id: int, article_id: int) -> ResponseReturnValue:
    """Show what will be prescribed with what to think of; confirmed, prescribe it; to be changed, show the questions again."""
    with unit_of_work() as session:
        page = patient_page(session, current_identity(), person_id)
        chosen = prescribable(session, current_identity(), article_id)
        form = _form(page, chosen)
        step = request.form.get("step", "review")
        if step == "change" or page.problems or not form.validate():
            return _terms_page(session, page, chosen, form), 200 if step == "change" else 422
    key = request.form.get("idempotency_key") or new_key()
    command = form.command(person_id, article_id, key)
    problems = _prescribe(command, only_looks=step != "confirm")
    if step == "confirm" and not problems:
        flash(_("Prescribed: %(terms)s. The patient has been told.", terms=_sentence(chosen, form)), "success")
        return redirect(url_for("prescriber.patient", person_id=person_id), 303)
    with unit_of_work() as session:
        if all(problem.may_be_confirmed for problem in problems):
            if step == "confirm":
                form.form_errors = [
                    *form.form_errors,
                    _("Tick what you have thought through, or change the prescription."),
                ]
            return _review_page(session, page, chosen, form, problems), 422 if step == "confirm" else 200
        explain(form, problems)
        return _terms_page(session, page, chosen, form), 422


@blueprint.post("/prescriber/patients/<int:person_id>/prescribe/<int:article_id>/summary")
@requires(Permission.PRESCRIBE)
def summary(person_id: int, article_id: int) -> ResponseReturnValue:
    """Say the terms as typed so far in a sentence; empty while something is missing."""
    with unit_of_work() as session:
        chosen = prescribable(session, current_identity(), article_id)
        return Response(_sentence(chosen, PrescribeForm.for_article(chosen.varieties)), mimetype="text/plain")


def _terms_of_replaced(page: PatientPage, chosen: Prescribable, day: date) -> dict[str, object]:
    """Return the terms of the product that this one takes the place of: as much as often, from when that one could be ordered."""
    wanted = request.args.get("instead-of", type=int)
    old = next((one.shown.item for one in page.items if one.shown.item.id == wanted), None)
    if old is None:
        return {}
    found: dict[str, object] = {"days": old.days_per_order}
    if old.article.package_size == chosen.article.package_size:
        found["packages"] = old.packages_per_order
    if old.next_earliest_order_date is not None and old.next_earliest_order_date > day:
        found["first_day"] = old.next_earliest_order_date
    return found


def _form(page: PatientPage, chosen: Prescribable, **given: object) -> PrescribeForm:
    asks = page.person.category is PersonCategory.OUT_OF_COUNTY
    return PrescribeForm.for_article(chosen.varieties, asks_home_region=asks, **given)


def _prescribe(command: Prescribe, *, only_looks: bool) -> tuple[Problem, ...]:
    """Prescribe, or (`only_looks`) find out whether that would be refused: by the very rules, with nothing kept."""
    try:
        with unit_of_work() as session:
            prescribe(session, current_identity(), command)
            if only_looks:
                raise _OnlyLooked
    except _OnlyLooked:
        pass
    except PrescriptionRefused as refused:
        return refused.problems
    return ()


def _sentence(chosen: Prescribable, form: PrescribeForm) -> str:
    packages, days, orders = form.packages.data, form.days.data, form.orders.data
    until = form.valid_until.data
    if not (packages and days and orders and until):
        return ""
    if not all(1 <= count <= MOST_SAID for count in (packages, days, orders)):
        return ""
    return words.terms_sentence(chosen.article, packages, days, orders, until)


def _terms_page(session: Session, page: PatientPage, chosen: Prescribable, form: PrescribeForm) -> str:
    region = current_identity().region
    policy = policy_of(region).section(PrescribingPolicy)
    return render_template(
        "prescriber/terms.html",
        person=page.person,
        problems=[problem_words(problem) for problem in page.problems],
        article=chosen.article,
        form=form,
        key=request.form.get("idempotency_key") or new_key(),
        sentence=_sentence(chosen, form),
        most_days=policy.days_per_withdrawal_at_most,
        most_orders=policy.withdrawals_at_most,
        latest=latest_valid_date(chosen.article.kind, policy, today(session)),
        today=today(session),
        one_package=words.pieces(chosen.article, 1),
        words=words,
        pictures=PICTURES,
    )


def _review_page(
    session: Session, page: PatientPage, chosen: Prescribable, form: PrescribeForm, problems: tuple[Problem, ...]
) -> str:
    methods = policy_of(current_identity().region).section(OrderingPolicy).delivery_methods
    ways = (DeliveryMethod.UNIT,) if page.person.is_protected else methods
    picked = set(form.varieties.data or ()) if "varieties" in form else set()
    return render_template(
        "prescriber/review.html",
        person=page.person,
        article=chosen.article,
        form=form,
        key=request.form.get("idempotency_key") or new_key(),
        sentence=_sentence(chosen, form),
        varieties=[article.variety or article.display_name for article in chosen.varieties if article.id in picked],
        ways=[str(words.WAYS[method]) for method in ways],
        warnings=[(problem.kind.value, problem_words(problem)) for problem in problems],
        today=today(session),
        words=words,
        pictures=PICTURES,
    )
