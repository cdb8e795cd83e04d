"""The pages of claims: sums, packs, answers, credit notes, from a case and back; every form without JavaScript."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from core.db import Database
from delivery.complaints.claim_answers import answer_lines
from delivery.complaints.claim_models import ClaimOutcome, ClaimPack, ClaimStatus
from delivery.complaints.claims import claim_case
from delivery.complaints.models import ComplaintState
from tests.support.claim_pages import Desk
from tests.support.claims import YES
from tests.support.statements import counted
from tests.support.web import make_app, sign_in


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database, make_app(database, mail_url="smtp://localhost:1"))


def test_the_way_from_a_case_to_the_last_ore(desk: Desk) -> None:
    first, second = desk.case(), desk.case(packages=2)
    page = desk.get(f"/complaints/{first}/claim")
    assert "450.00" in page
    assert "A new claim to the supplier is begun." in page
    answer = desk.post(f"/complaints/{first}/claim")
    assert (answer.status_code, answer.location) == (303, f"/complaints/{first}")
    claim_no = desk.line(first).pack.claim_no
    assert "joins claim" in desk.get(f"/complaints/{second}/claim")
    answer = desk.post(f"/claims/suppliers/{desk.supplier.id}/claim-all")
    assert answer.location == f"/claims/{claim_no}"
    page = desk.get(f"/claims/{claim_no}")
    assert 'value="reklamation@sensorbolaget.example"' in page
    assert "Astrid" not in page
    # To a wrong address it is not sent; what was typed stands there.
    refused = desk.post(f"/claims/{claim_no}/send", email="nobody")
    assert refused.status_code == 422
    assert 'value="nobody"' in refused.text
    assert desk.post(f"/claims/{claim_no}/send", email="a@sensorbolaget.example").status_code == 303
    assert "has not left yet" in desk.get(f"/claims/{claim_no}")
    lines = {case: desk.line(case).id for case in (first, second)}
    wrong = desk.post(
        f"/claims/{claim_no}/answer", **{f"outcome-{lines[second]}": "REJECTED", "outcome-rest": "ACCEPTED"}
    )
    assert wrong.status_code == 422
    assert "supplier&#39;s reason" in wrong.text
    assert 'value="REJECTED" selected' in wrong.text
    desk.post(f"/claims/{claim_no}/answer", **{f"outcome-{lines[first]}": "ACCEPTED"})
    desk.post(f"/claims/{claim_no}/answer", **{"outcome-rest": "ACCEPTED"})
    assert desk.pack(claim_no).status is ClaimStatus.ANSWERED
    page = desk.get(f"/claims/suppliers/{desk.supplier.id}/credit?claim={claim_no}")
    assert 'value="450,00"' in page
    assert 'value="900,00"' in page
    short = desk.credit_form(claim_no, {first: "450,00", second: "900,00"}, amount="1 350,01 kr")
    assert short.status_code == 422
    assert "0.01 of the note is not shared out yet" in short.text
    done = desk.credit_form(claim_no, {first: "450", second: "900.00"}, amount="1.350,00")
    assert done.status_code == 303
    assert "1,350.00" in desk.get(done.location)
    assert desk.state(second) is ComplaintState.CREDITED
    page = desk.get(f"/claims/{claim_no}")
    assert "KF-1" in page
    desk.post(f"/claims/{claim_no}/close")
    assert desk.state(first) is ComplaintState.CLOSED
    assert "Closed" in desk.get(f"/claims/{claim_no}")
    for pile in ("open", "sent", "late", "answered", "closed", "nonsense"):
        desk.get(f"/claims?show={pile}&page=3")


def test_an_answer_noted_by_mistake_is_undone_on_the_claim(desk: Desk) -> None:
    first, second = desk.case(), desk.case()
    claim_no = desk.sent(first, second)
    page = f"/claims/{claim_no}"
    assert "Undo the answer" not in desk.get(page)
    desk.post(f"{page}/answer", **{f"outcome-{desk.line(first).id}": "ACCEPTED"})
    assert desk.get(page).count("Undo the answer about case") == 1
    desk.post(f"{page}/undo-answer", case_no=first)
    shown = desk.get(page)
    assert "waits for the supplier&#39;s answer again" in shown
    assert "Undo the answer" not in shown
    desk.post(f"{page}/undo-answer", case_no=first)
    assert "has no answer. Nothing was changed." in desk.get(page)
    assert "it had been noted by mistake" in desk.get(f"/complaints/{first}")
    desk.post(f"{page}/answer", **{"outcome-rest": "ACCEPTED"})
    desk.credit_form(claim_no, {first: "450"}, amount="450")
    desk.post(f"{page}/undo-answer", case_no=first)
    assert "Undo the credit note first." in desk.get(page)


def test_an_empty_first_page_says_what_will_fill_it(desk: Desk) -> None:
    page = desk.get("/claims")
    assert "No supplier owes anything" in page
    desk.case()
    assert "Claim 1 case" in desk.get("/claims")


def test_a_thrown_product_asks_once_more(desk: Desk) -> None:
    case_no = desk.case(is_kept=False)
    page = desk.get(f"/complaints/{case_no}/claim")
    assert "thrown away" in page
    asked = desk.post(f"/complaints/{case_no}/claim")
    assert asked.status_code == 422
    assert desk.state(case_no) is ComplaintState.REPLACEMENT_ORDERED
    done = desk.post(f"/complaints/{case_no}/claim", even_if_thrown="y", then="claim")
    assert done.location == f"/claims/{desk.line(case_no).pack.claim_no}"


def test_what_cannot_be_claimed_says_why(desk: Desk) -> None:
    received = desk.case(state=ComplaintState.RECEIVED)
    assert "cannot be claimed where it is now" in desk.get(f"/complaints/{received}/claim")
    answer = desk.post(f"/complaints/{received}/claim")
    assert answer.location == f"/complaints/{received}/claim"
    claimed = desk.case()
    desk.claim(claimed)
    desk.sent(desk.case())
    assert "already" in desk.get(f"/complaints/{claimed}/claim")


def test_a_case_is_taken_out_from_the_page(desk: Desk) -> None:
    first, second = desk.case(), desk.case()
    claim_no = desk.claim(first, second)
    assert desk.post(f"/claims/{claim_no}/take-out", case_no=first).location == f"/claims/{claim_no}"
    assert desk.post(f"/claims/{claim_no}/take-out", case_no=first).status_code == 404
    assert desk.post(f"/claims/{claim_no}/take-out", case_no=second).location == "/claims"
    assert desk.client.get(f"/claims/{claim_no}").status_code == 404


def test_sent_by_hand_and_reminded_by_phone(desk: Desk) -> None:
    claim_no = desk.claim(desk.case())
    desk.post(f"/claims/{claim_no}/sent")
    assert "Some other way than by e-mail" in desk.get(f"/claims/{claim_no}")
    desk.database.clock.set(desk.database.clock.now().replace(year=2027, month=1, day=8))  # type: ignore[attr-defined]
    # So long a session has ended: somebody logs in again.
    desk.client = sign_in(desk.client.application.test_client(), desk.commissions[0])
    assert "Nobody has reminded the supplier yet" in desk.get(f"/claims/{claim_no}")
    assert "late since" in desk.get("/claims?show=late")
    desk.post(f"/claims/{claim_no}/chased")
    assert "reminded 1 time" in desk.get(f"/claims/{claim_no}")


def test_a_refused_address_is_shown_and_corrected_or_given_up(desk: Desk) -> None:
    claim_no = desk.sent(desk.case())
    with desk.database.unit_of_work() as session:
        pack = session.scalars(select(ClaimPack)).one()
        pack.address_refused_at = pack.sent_at
    assert "The e-mail did not arrive" in desk.get(f"/claims/{claim_no}")
    assert "refused" in desk.get("/claims?show=sent")
    assert desk.post(f"/claims/{claim_no}/send-again", email="").status_code == 422
    desk.post(f"/claims/{claim_no}/send-again", email="b@sensorbolaget.example")
    assert desk.pack(claim_no).sent_to == "b@sensorbolaget.example"
    desk.post(f"/claims/{claim_no}/sent-otherwise")
    assert (desk.pack(claim_no).sent_to, desk.pack(claim_no).address_refused_at) == ("", None)


def test_without_mail_only_the_download_is_offered(database: Database) -> None:
    desk = Desk(database, make_app(database))
    claim_no = desk.claim(desk.case())
    page = desk.get(f"/claims/{claim_no}")
    assert f"/claims/{claim_no}/send" not in page
    assert f"/claims/{claim_no}/sent" in page
    desk.post(f"/claims/{claim_no}/send", email="a@sensorbolaget.example")
    assert desk.pack(claim_no).status is ClaimStatus.OPEN


def test_the_files_are_downloaded(desk: Desk) -> None:
    case_no = desk.case()
    claim_no = desk.claim(case_no)
    pdf = desk.client.get(f"/claims/{claim_no}/document")
    assert (pdf.mimetype, pdf.data[:5], pdf.headers["Cache-Control"]) == ("application/pdf", b"%PDF-", "no-store")
    table = desk.client.get(f"/claims/{claim_no}/table")
    assert (table.mimetype, table.headers["Cache-Control"]) == ("text/csv", "no-store")
    label = desk.client.get(f"/complaints/{case_no}/return-label")
    assert label.data[:5] == b"%PDF-"
    for path in (f"/claims/{claim_no}0/document", "/claims/x/table", "/complaints/1/return-label", "/claims/credits/9"):
        assert desk.client.get(path).status_code == 404


def test_writing_off_needs_a_reason(desk: Desk) -> None:
    claim_no = desk.accepted(desk.case())
    assert "written off" in desk.get(f"/claims/{claim_no}")
    assert desk.post(f"/claims/{claim_no}/close", reason="").status_code == 422
    assert desk.post(f"/claims/{claim_no}/close", reason="Bolaget finns inte.").status_code == 303
    assert desk.pack(claim_no).status is ClaimStatus.CLOSED


def test_an_act_too_late_is_told_what_happened(desk: Desk) -> None:
    claim_no = desk.sent(desk.case())
    desk.post(f"/claims/{claim_no}/send", email="a@sensorbolaget.example")
    assert "Eva Konsulent sent the claim" in desk.get(f"/claims/{claim_no}")
    desk.post(f"/claims/{claim_no}/close", reason="x")
    assert "Nothing was changed" in desk.get(f"/claims/{claim_no}")
    assert desk.pack(claim_no).status is ClaimStatus.SENT


def test_pages_take_as_many_statements_for_many_cases_as_for_few(desk: Desk, database: Database) -> None:
    def used() -> list[int]:
        claim_no = desk.line(cases[-1]).pack.claim_no
        found = []
        for path in (
            "/claims",
            f"/claims/{claim_no}",
            f"/claims/{claim_no}/table",
            f"/claims/suppliers/{desk.supplier.id}/credit",
            f"/complaints/{cases[0]}/claim",
        ):
            with counted(database) as statements:
                assert desk.client.get(path).status_code == 200
            found.append(len(statements))
        return found

    cases = [desk.case() for _ in range(2)]
    desk.accepted(*cases)
    # The first one opens connections.
    used()
    few = used()
    cases = [desk.case() for _ in range(9)]
    desk.accepted(*cases)
    assert used() == few
    assert max(few) <= 24


def test_answers_of_somebody_elses_claim_are_not_found(desk: Desk) -> None:
    mine, other = desk.sent(desk.case()), desk.case(desk.needle)
    theirs: Any = desk.do(claim_case, desk.per, other)
    assert theirs.claim_no != mine
    answer = desk.post(f"/claims/{mine}/answer", **{f"outcome-{desk.line(other).id}": "ACCEPTED"})
    assert answer.status_code == 404
    desk.do(answer_lines, desk.eva, mine, {}, YES)
    assert desk.line(other).outcome is not ClaimOutcome.ACCEPTED
