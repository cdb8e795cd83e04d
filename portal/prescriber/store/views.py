"""The unit's store: what has been ordered for it, choosing, looking over, ordering and cancelling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from auth.models import Unit
from auth.permissions import Permission
from core.clock import today
from core.idempotency import new_key
from core.policy import policy_of
from core.workdays import add_working_days
from delivery.store_history import StoreOrder, store_order, store_page
from orders.errors import NothingChosen, TooLateToCancel
from orders.models import Article, RowStatus
from orders.policy import OrderingPolicy
from orders.store_orders import (
    NoStore,
    PlaceStoreOrder,
    StoreOrderRefused,
    TooManyLines,
    cancel_store_order,
    may_have_store,
    place_store_order,
)
from orders.store_queries import facts_of, find_storable, storable
from orders.store_rules import MOST_LINES, MOST_PACKAGES, StoreProblem, judge_line
from portal.pictures import PICTURES
from portal.prescriber import words as prescriber_words
from portal.prescriber.store import words
from portal.prescriber.store.basket import Basket, field_of, read_basket
from portal.security import current_identity, requires, unit_of_work

blueprint = Blueprint("store", __name__)


class _Checked(NamedTuple):
    """What a basket holds: the articles of the agreement by id, and what is wrong with lines."""

    articles: Mapping[int, Article]
    problems: Mapping[int, StoreProblem]
    is_too_long: bool

    @property
    def is_right(self) -> bool:
        return not self.problems and not self.is_too_long


@blueprint.get("/store")
@requires(Permission.SEE_STORE)
def show() -> ResponseReturnValue:
    """What the unit has ordered for itself and where it is, the newest first."""
    with unit_of_work() as session:
        older_than = request.args.get("older-than", type=int)
        page = store_page(session, current_identity(), older_than if older_than and older_than < 2**63 else None)
        last = next((one for one in page.orders if not _is_cancelled(one)), None)
        return render_template(
            "prescriber/store/show.html",
            page=page,
            is_first=older_than is None,
            may_order=may_have_store(page.unit),
            again_url=_again_url(last) if last and older_than is None else "",
            words=words,
        )


@blueprint.get("/store/order")
@requires(Permission.ORDER_FOR_STORE)
def choose() -> ResponseReturnValue:
    """Look for products, put them into the order, and change how many."""
    return _choose_page(read_basket(request.args), 200)


@blueprint.get("/store/review")
@requires(Permission.ORDER_FOR_STORE)
def review() -> ResponseReturnValue:
    """Show what will be ordered, where it goes, what it costs and whom."""
    basket = read_basket(request.args)
    with unit_of_work() as session:
        checked, unit = _check(session, basket), _unit(session)
        if not basket.packages or not checked.is_right or not may_have_store(unit):
            return _choose_page(basket, 422, nothing_chosen=not basket.packages)
        policy = policy_of(unit.region).section(OrderingPolicy)
        return render_template(
            "prescriber/store/review.html",
            basket=basket,
            articles=checked.articles,
            unit=unit,
            comes_on=add_working_days(today(session), policy.promise_working_days),
            total=words.total(checked.articles, basket.packages),
            key=new_key(),
            change_url=url_for("store.choose", **basket.arguments),  # type: ignore[arg-type]
            field_of=field_of,
            words=words,
            pictures=PICTURES,
        )


@blueprint.post("/store")
@requires(Permission.ORDER_FOR_STORE)
def place() -> ResponseReturnValue:
    """Send the order; what cannot be ordered any more is shown with its reason, and nothing is ordered."""
    basket = read_basket(request.form)
    command = PlaceStoreOrder(basket.packages, idempotency_key=request.form.get("idempotency_key") or new_key())
    try:
        with unit_of_work() as session:
            order_no = place_store_order(session, current_identity(), command).order_no
    except NothingChosen:
        return _choose_page(basket, 422, nothing_chosen=True)
    except (NoStore, TooManyLines, StoreOrderRefused):
        # The page says what is the matter: it looks at the basket by the same rules.
        return _choose_page(basket, 422)
    return redirect(url_for("store.order", order_no=order_no, placed="yes"), 303)


@blueprint.get("/store/orders/<order_no>")
@requires(Permission.SEE_STORE)
def order(order_no: str) -> ResponseReturnValue:
    """One order with its parcels; the receipt of one that was just sent."""
    with unit_of_work() as session:
        found = store_order(session, current_identity(), order_no)
        return render_template(
            "prescriber/store/order.html",
            found=found,
            order=found.order,
            is_new=request.args.get("placed") == "yes",
            again_url=_again_url(found),
            words=words,
            pictures=PICTURES,
        )


@blueprint.post("/store/orders/<order_no>/cancel")
@requires(Permission.ORDER_FOR_STORE)
def cancel(order_no: str) -> ResponseReturnValue:
    """Cancel an order that nobody has begun to pick."""
    try:
        with unit_of_work() as session:
            cancel_store_order(session, current_identity(), order_no)
    except TooLateToCancel:
        flash(_("The depot has begun to pick it, so it can no longer be cancelled. Call the depot."), "attention")
    else:
        flash(_("The order is cancelled. Nothing is sent."), "success")
    return redirect(url_for("store.order", order_no=order_no), 303)


def _choose_page(basket: Basket, status: int, *, nothing_chosen: bool = False) -> ResponseReturnValue:
    searched = request.values.get("find", "")[:100].replace("\x00", " ").strip()
    with unit_of_work() as session:
        checked, unit = _check(session, basket), _unit(session)
        page = render_template(
            "prescriber/store/choose.html",
            basket=basket,
            checked=checked,
            # What is being typed is refused when it is sent on, not while one is still looking for more.
            problems=checked.problems if status == 422 else {},
            nothing_chosen=nothing_chosen,
            unit=unit,
            may_order=may_have_store(unit),
            found=find_storable(session, current_identity(), searched),
            searched=searched,
            most=MOST_PACKAGES,
            most_lines=MOST_LINES,
            field_of=field_of,
            words=words,
            one_package=lambda article: prescriber_words.pieces(article, 1),
            pictures=PICTURES,
        )
    return page, status


def _check(session: Session, basket: Basket) -> _Checked:
    articles = {article.id: article for article in storable(session, current_identity(), basket.packages)}
    problems = {
        article_id: problem
        for article_id, packages in basket.packages.items()
        if (problem := judge_line(facts_of(articles.get(article_id)), packages)) is not None
    }
    return _Checked(articles, problems, len(basket.packages) > MOST_LINES)


def _unit(session: Session) -> Unit:
    return session.get_one(Unit, current_identity().unit_id)


def _is_cancelled(order: StoreOrder) -> bool:
    return all(one.row.status is RowStatus.CANCELLED for one in order.rows)


def _again_url(order: StoreOrder) -> str:
    amounts = {field_of(one.row.article_id): str(one.row.packages) for one in order.rows}
    return url_for("store.review", **amounts)  # type: ignore[arg-type]
