"""A consultant's day with forty cases: the keyboard, several at once, a question and its answer, and the same board on a phone."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import select

from auth.models import InboxMessage
from core.outbox import Message
from core.policy import Policies, use_policies
from delivery.complaints.models import Complaint, ComplaintState, FaultKind
from delivery.complaints.routing import route_fault_report
from delivery.complaints.services import report_fault
from orders.models import ProductKind
from portal.config import PACKAGED_POLICIES
from tests.browser.support import DESKTOP, PHONE, RunningDemo, User
from tests.integration.test_fault_reports import REPORT
from tests.support.builders import add_article, add_item, add_person, patient_identity
from tests.support.deliveries import add_delivered

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

LOT = "DAG40"
CASES = 40


@pytest.fixture(scope="module")
def forty(demo: RunningDemo) -> list[str]:
    """Forty reports of eight people and five articles, filed and routed by the services; two are red flags."""
    use_policies(Policies.load(PACKAGED_POLICIES))
    with demo.database() as database:
        numbers: list[str] = []
        ids: list[int] = []
        with database.unit_of_work() as session:
            articles = [
                add_article(session, kind=ProductKind.INFUSION_SET, name=f"Infusionsset prov {number}")
                for number in range(5)
            ]
            for place in range(CASES // len(articles)):
                person = add_person(session, name=f"Prov{place} Testsson")
                for number, article in enumerate(articles):
                    add_item(session, person, article)
                    picked = add_delivered(session, person, article=article, lot_no=LOT)
                    command = replace(
                        REPORT,
                        picked_lot_id=picked.id,
                        kind=FaultKind.BLOCKED,
                        was_harmed=place == 0 and number < 2,
                        wants_replacement=False,
                        applied_on=None,
                        failed_on=None,
                        idempotency_key=f"{place}-{number}",
                        description=f"Stopp i slangen, rapport {place}-{number}.",
                    )
                    complaint = report_fault(session, patient_identity(person), command)
                    numbers.append(complaint.case_no)
                    ids.append(complaint.id)
        # The workers would do it, each in its turn; what they find done they leave.
        for complaint_id in ids:
            with database.unit_of_work() as session:
                route_fault_report(session, Message(1, "fault.reported", {"complaint_id": complaint_id}))
    return numbers


def _states(demo: RunningDemo, numbers: list[str]) -> dict[str, ComplaintState]:
    with demo.database() as database, database.session() as session:
        found = select(Complaint.case_no, Complaint.state).where(Complaint.case_no.in_(numbers))
        return dict(session.execute(found).all())


def test_a_consultants_day(demo: RunningDemo, browser: Browser, forty: list[str]) -> None:
    began = datetime.now(UTC)
    user = User(browser, demo, "en", DESKTOP)
    page = user.page
    user.log_in("Birgitta Ekelöv")
    user.go("/complaints?show=open")
    # The two red flags are in the menu before anybody has opened them.
    expect(page.locator("header nav a", has_text="Complaints").locator(".count-pill")).to_have_text(re.compile(r"\d+"))

    # Find the lot without the mouse.
    page.keyboard.press("/")
    page.keyboard.type(LOT)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(rf"find={LOT}"))
    user.look()
    rows = page.locator("[data-board-list] .board-row")
    expect(rows).to_have_count(CASES)

    # Next, next, and back; then two are chosen and looked at at once.
    for key in ("j", "j", "k", "x", "j", "x"):
        page.keyboard.press(key)
    expect(page.locator("[data-chosen]")).to_have_text("2 chosen")
    user.look()
    page.keyboard.press("?")
    expect(page.locator("dialog[data-keys]")).to_be_visible()
    user.look()
    page.keyboard.press("Escape")
    page.locator("#bulk-words").fill("Same fault in the whole lot.")
    user.press("Have looked at")
    user.sees("Done with 2 cases.")
    # What was searched for is still there.
    expect(rows).to_have_count(CASES)

    # Open one and replace it; the other keys lead to the next.
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/complaints/\d+"))
    user.look()
    replaced = _case_no(user)
    page.keyboard.press("r")
    expect(page.locator("#replace input[name=packages]")).to_be_focused()
    page.locator("#replace input[name=packages]").fill("1")
    page.keyboard.press("Enter")
    user.sees("The depot has the replacement.")
    user.look()

    page.locator("h1").click()
    page.keyboard.press("j")
    page.wait_for_url(lambda url: replaced not in url)
    declined = _case_no(user)
    page.keyboard.press("d")
    expect(page.locator("#decline textarea")).to_be_focused()
    page.keyboard.type("It was used for longer than three days.")
    user.press("Decline with this reason")
    user.sees("Declined, with this reason")

    page.locator("h1").click()
    page.keyboard.press("j")
    page.wait_for_url(lambda url: declined not in url)
    asked = _case_no(user)
    page.locator("summary", has_text="Ask the reporter").click()
    page.get_by_label("What do you need to know?").fill("How long had it been on?")
    user.press("Send the question")
    user.sees("Waiting for an answer")
    page.locator("summary", has_text="They answered in another way").click()
    page.get_by_label("What did they answer?").fill("Two days.")
    user.press("Write down the answer")
    user.sees("The answer is written down")

    # Thirty at once: looked at, then closed.
    user.go(f"/complaints?find={LOT}")
    _choose(user, 30, skip={replaced, declined, asked})
    page.locator("#bulk-words").fill("Reported to the supplier.")
    user.press("Have looked at")
    user.sees("Done with 30 cases.")
    chosen = _choose(user, 30, skip={replaced, declined, asked})
    page.locator("#bulk-words").fill("One claim for all of them.")
    user.press("Close")
    user.sees("Done with 30 cases.")

    # A red flag is closed only after a look; the others that nobody looked at stay where they are.
    states = _states(demo, forty)
    assert {states[number] for number in chosen} == {ComplaintState.CLOSED}
    assert (states[replaced], states[declined]) == (ComplaintState.REPLACEMENT_ORDERED, ComplaintState.DECLINED)
    assert states[asked] in {ComplaintState.RECEIVED, ComplaintState.TRIAGED}
    with demo.database() as database, database.session() as session:
        told = select(InboxMessage).where(
            InboxMessage.kind == "fault.asked", InboxMessage.facts["case_no"].astext == asked
        )
        assert session.scalars(told).all()
    assert (datetime.now(UTC) - began).total_seconds() < 240

    # The keys can be turned off, and then they are letters.
    page.locator("[data-keys-show]").click()
    page.get_by_role("button", name="Turn the keys off").click()
    page.keyboard.press("Escape")
    page.locator("h1").click()
    before = page.url
    page.keyboard.press("?")
    expect(page.locator("dialog[data-keys]")).to_be_hidden()
    assert page.url == before
    user.close()


def test_the_same_board_on_a_phone(demo: RunningDemo, browser: Browser, forty: list[str]) -> None:
    user = User(browser, demo, "sv", PHONE)
    page = user.page
    user.log_in("Birgitta Ekelöv")
    user.go(f"/complaints?show=open&find={LOT}")
    page.locator("[data-board-list] a").first.click()
    page.wait_for_url(re.compile(r"/complaints/\d+"))
    user.look()
    # List, then case: never both on a small screen.
    expect(page.locator("[data-board-list]")).to_be_hidden()
    expect(page.locator(".board-case h1")).to_be_visible()
    page.locator("a.back").click()
    page.wait_for_url(re.compile(rf"find={LOT}"))
    user.look()
    expect(page.locator("[data-board-list]")).to_be_visible()
    user.close()


def _case_no(user: User) -> str:
    return re.search(r"/complaints/(\d+)", user.page.url)[1]  # type: ignore[index]


def _choose(user: User, count: int, skip: set[str]) -> list[str]:
    """Choose the first `count` cases of the list but those to skip, with their boxes."""
    chosen: list[str] = []
    for box in user.page.locator("input.board-choose").all():
        number = box.get_attribute("value") or ""
        if len(chosen) < count and number not in skip:
            box.check()
            chosen.append(number)
    return chosen
