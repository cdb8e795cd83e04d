"""The demo's recall: a lot of sensors that went to the crowd, told of, half answered, a few sent back."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.models import Person
from delivery.adjusting import TakeBack, take_back
from delivery.complaints.recall_answers import acknowledge, note_call
from delivery.complaints.recall_models import RecallItem, RecallRecipient, WhatToDo
from delivery.complaints.recall_telling import Texts, note_letters_posted, tell
from delivery.complaints.recall_trace import affected_by
from delivery.complaints.recalls import OpenRecall, open_recall
from delivery.models import Lot
from portal.demo.region.acting import acting_for

LOT, ARTICLE = "L25402", "21002"
TEXT_SV = (
    "Leverantören har sett att sensorer i den här batchen kan visa för låga värden de första timmarna. Sluta använda dem, även om de verkar"
    " fungera. Lägg dem i en påse och skicka dem till depån. Mår du dåligt, ring din mottagning eller 1177. Ring 112 om det är bråttom."
)
TEXT_EN = (
    "The supplier has seen that sensors of this lot may show too low values for the first hours. Stop using them, even if they seem to"
    " work. Put them in a bag and send them to the depot. If you feel unwell, call your unit or 1177. Call 112 if it is urgent."
)
# How many answered themselves, were phoned without an answer, answered on the phone, and sent something back.
CLICKED, NOT_THERE, PHONED, RETURNED = 9, 2, 3, 4


def call_a_lot_back(
    session: Session,
    consultant: Identity,
    service: Identity,
    depot: Identity,
    at: Callable[[int, int], None],
    work: Callable[[], None],
) -> None:
    """Open a recall four days ago, tell of it, and let some answer; `at` sets the clock, `work` does what the workers would."""
    at(4, 9)
    lot_id = session.scalars(select(Lot.id).where(Lot.lot_no == LOT)).one()
    recall = open_recall(
        session,
        consultant,
        OpenRecall(
            what=LOT,
            typed_count=affected_by(session, [lot_id], []).recipients,
            title="Sensorer som kan visa för låga värden",
            what_to_do=WhatToDo.STOP_AND_RETURN,
            text_sv=TEXT_SV,
            text_en=TEXT_EN,
            article_no=ARTICLE,
            notice_ref="FSN-2231-B",
        ),
    )
    at(4, 10)
    tell(session, consultant, recall.recall_no, Texts(TEXT_SV, TEXT_EN))
    work()
    at(4, 14)
    note_letters_posted(session, consultant, recall.recall_no)
    recipients = session.scalars(
        select(RecallRecipient).where(RecallRecipient.recall_id == recall.id).order_by(RecallRecipient.id)
    ).all()
    for number, recipient in enumerate(recipients):
        session.get_one(Person, recipient.person_id).phone = f"070-000 02 {number:02d}"
    clicking, rest = recipients[:CLICKED], recipients[CLICKED:]
    for number, recipient in enumerate(clicking):
        at(3 - number // 4, 8 + number)
        acknowledge(session, _themselves(session, recipient), recall.recall_no)
    at(1, 10)
    for recipient in rest[:PHONED]:
        note_call(
            session,
            service,
            recall.recall_no,
            recipient.id,
            has_answered=True,
            note="Pratade med patienten själv. Skickar tillbaka det som är kvar.",
        )
    for recipient in rest[PHONED : PHONED + NOT_THERE]:
        note_call(session, service, recall.recall_no, recipient.id, has_answered=False, note="Inget svar. Ringer igen.")
    at(1, 13)
    for recipient in recipients[:RETURNED]:
        item = session.scalars(select(RecallItem).where(RecallItem.recipient_id == recipient.id)).first()
        if item is not None:
            take_back(session, depot, TakeBack(item.picked_lot_id, 2, "Återkallad"))


def _themselves(session: Session, recipient: RecallRecipient) -> Identity:
    person = session.get_one(Person, recipient.person_id)
    return acting_for(session, person, person)
