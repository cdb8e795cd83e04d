"""Verdicts, refused lines and messages in words: every reason says what to do, in both languages' grammar."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from flask import Flask
from flask_babel import Babel, force_locale

from auth.models import Unit
from orders.errors import LineProblem
from orders.models import Article, Prescription, PrescriptionItem
from orders.rules import QuantityProblem, Reason, Verdict
from portal.messages import SENTENCES, message_text
from portal.reasons import explain_line, explain_quantity, explain_verdict

DAY = date(2026, 12, 14)
FACTS = {
    "order_no": "1000017",
    "promised_date": "2026-12-08",
    "tracking_no": "TEST1",
    "carrier": "PostNord",
    "place": "Matboden Kaserngatan",
    "article": "Glukossensor",
    "packages": 2,
    "articles": ["Glukossensor", "Lansetter"],
    "items": [1],
    "expected": "2026-12-15",
    "case_no": "100016",
    "reason": "It was used for longer than 14 days",
    "question": "When did it stop.",
    "other_no": "100024",
    "answer": "Book a visit first",
    "unit": "Provmottagningen",
    "until": "2027-11-30",
    "day": "2026-12-15",
    "recall_no": "301",
    "news_id": 7,
    "title": "Sensors that show too low values",
    "what_to_do": "STOP_AND_RETURN",
}


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    app = Flask("portal")
    app.config["SERVER_NAME"] = "localhost"
    Babel(app, default_locale="en")
    app.add_url_rule("/orders/<order_no>", "patient.order", lambda order_no: order_no)
    app.add_url_rule("/fault-reports/<case_no>", "faults.case", lambda case_no: case_no)
    app.add_url_rule("/proxies", "proxies.show", lambda: "")
    app.add_url_rule("/my-products", "patient.products", lambda: "")
    app.add_url_rule("/my-products/recalls/<recall_no>", "own_recalls.show", lambda recall_no: recall_no)
    app.add_url_rule("/order/review", "patient.review", lambda: "")
    app.add_url_rule("/news/<int:news_id>", "own_news.item", str)
    with app.test_request_context(), force_locale("en"):
        yield


def _item(**changes: object) -> PrescriptionItem:
    unit = Unit(name="Diabetesmottagningen", phone="0500-00 00 00")
    values: dict[str, object] = {
        "article": Article(name="Glukossensor", variety="", plain_name=""),
        "prescription": Prescription(prescribing_unit=unit),
        "orders_remaining": 2,
        "packages_per_order": 6,
        "next_earliest_order_date": None,
    }
    return PrescriptionItem(**{**values, **changes})


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason is not Reason.ALLOWED])
def test_every_reason_but_waiting_says_what_to_do(reason: Reason) -> None:
    explanation = explain_verdict(Verdict(reason, DAY), _item())
    assert explanation.reason.endswith(".")
    assert bool(explanation.what_to_do) is (reason is not Reason.NOT_YET)
    assert explanation.next_step


def test_reasons_carry_the_date_and_the_unit() -> None:
    assert explain_verdict(Verdict(Reason.NOT_YET, DAY), _item()).text == "Can be ordered from Monday 14 December."
    assert explain_verdict(Verdict(Reason.USED_UP), _item()).text == (
        "You have used all your withdrawals. Ask Diabetesmottagningen for a new prescription."
    )
    expired = explain_verdict(Verdict(Reason.EXPIRED, date(2026, 10, 1)), _item())
    assert expired.reason == "The prescription was valid until 1 October 2026."


def test_a_prescription_that_ends_before_the_next_order_is_not_called_past() -> None:
    ending = _item(next_earliest_order_date=date(2027, 1, 10))
    assert "ends on 14 December 2026, before" in explain_verdict(Verdict(Reason.EXPIRED, DAY), ending).reason


def test_a_discontinued_article_names_its_successor() -> None:
    successor = Article(name="Glukossensor 2", variety="", plain_name="")
    item = _item(article=Article(name="Glukossensor", variety="", plain_name="", successor=successor))
    assert "replaced by Glukossensor 2" in explain_verdict(Verdict(Reason.DISCONTINUED), item).reason
    assert "replaced" not in explain_verdict(Verdict(Reason.DISCONTINUED), _item()).reason


@pytest.mark.parametrize("problem", list(QuantityProblem))
def test_every_wrong_amount_says_what_to_do_instead(problem: QuantityProblem) -> None:
    assert len({explain_quantity(problem, 6), *(explain_quantity(other, 6) for other in QuantityProblem)}) == 4
    assert explain_quantity(problem, 6).count(".") >= 1


def test_an_amount_is_said_in_the_right_number() -> None:
    assert "at most 1 package at" in explain_quantity(QuantityProblem.TOO_MUCH, 1)
    assert "at most 6 packages at" in explain_quantity(QuantityProblem.TOO_MUCH, 6)


def test_a_refused_line_says_the_rule_first_then_the_amount_then_that_it_changed() -> None:
    rule, amount = Verdict(Reason.USED_UP), QuantityProblem.TOO_MUCH
    assert "used all" in explain_line(LineProblem(1, rule, amount, True), _item())
    assert "at most 6" in explain_line(LineProblem(1, None, amount, True), _item())
    assert "you now have 2 withdrawals left" in explain_line(LineProblem(1, None, None, True), _item())
    assert "you now have 1 withdrawal left" in explain_line(LineProblem(1, None, None, True), _item(orders_remaining=1))


@pytest.mark.parametrize("kind", sorted(SENTENCES))
def test_every_message_has_a_subject_a_sentence_and_a_page(kind: str) -> None:
    text = message_text(kind, FACTS)
    assert text.subject
    assert text.body.endswith(".")
    assert "%(" not in text.subject + text.body
    assert text.url in {
        *("/orders/1000017", "/fault-reports/100016", "/proxies", "/my-products", "/order/review?item=1"),
        "/my-products/recalls/301",
        "/news/7",
    }
    assert text.link


def test_messages_say_dates_and_numbers_as_people_do() -> None:
    assert message_text("order.confirmed", FACTS).body.startswith(
        "Order 1000\N{NO-BREAK SPACE}017 comes by Tuesday 8 December."
    )
    assert "2 packages of Glukossensor are missing" in message_text("order.short", FACTS).body
    assert "1 package of Glukossensor is missing" in message_text("order.short", {**FACTS, "packages": 1}).body
    assert "as soon as we have it" in message_text("order.short", {**FACTS, "expected": None}).body
    assert "longer than 14 days. Call" in message_text("fault.declined", FACTS).body
    assert "first. Call" in message_text("renewal.declined", FACTS).body
    assert "until 30 November 2027" in message_text("renewal.renewed", FACTS).body
    assert "tracking" not in message_text("order.sent", {**FACTS, "tracking_no": None}).body


def test_a_message_of_an_unknown_kind_is_still_a_message() -> None:
    assert message_text("something.new", {}).subject == "You have a message"
