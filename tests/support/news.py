"""A consultant who writes news, prescribers who read it, and an article that patients use."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select

from auth.identity import Identity, Role
from auth.models import InboxMessage
from auth.persons import staff_identity
from core.db import Database
from core.outbox import OutboxMessage
from delivery.news import TOLD, DraftNews, publish_news, save_draft
from delivery.news_files import CheckedFile
from delivery.news_models import NewsAttachment
from portal.jobs import run_message
from tests.support.builders import add_article, add_staff

TEXT = DraftNews("Ny programvara i sensorn", "Uppdatera appen före den 15 januari.\n\nRing oss om det inte går.")


class Desk:
    """A consultant, prescribers, an article and whoever uses it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        with database.unit_of_work() as session:
            self.commission = add_staff(session, Role.CONSULTANT, name="Eva Konsulent")
            self.eva = staff_identity(self.commission)
            self.nurses = [add_staff(session, Role.PRESCRIBER, name=name) for name in ("Anna Sköterska", "Bo Läkare")]
            self.anna, self.bo = (staff_identity(one) for one in self.nurses)
            self.article = add_article(session, name="Glukossensor")

    def draft(self, draft: DraftNews = TEXT, **changes: object) -> int:
        """Write a draft and return its id."""
        with self.database.unit_of_work() as session:
            return save_draft(session, self.eva, replace(draft, **changes)).id  # type: ignore[arg-type]

    def published(self, **changes: object) -> int:
        """Write and publish news and return its id."""
        news_id = self.draft(**changes)  # type: ignore[arg-type]
        with self.database.unit_of_work() as session:
            publish_news(session, self.eva, news_id)
        return news_id

    def for_patients(self) -> int:
        """Publish news for the patients who use the article."""
        return self.published(for_patients=True, article_no=self.article.article_no)

    def work(self, most: int = 50) -> int:
        """Do what the workers would; returns how many batches there were."""
        done = 0
        while done < most:
            with self.database.session() as session:
                waiting = session.scalars(
                    select(OutboxMessage.id).where(OutboxMessage.kind == "news.tell", OutboxMessage.done_at.is_(None))
                ).all()
            if not waiting:
                return done
            for message_id in waiting:
                assert run_message(self.database, message_id)
                done += 1
        return done

    def told(self) -> list[tuple[int, int]]:
        """Who has been told about whom."""
        with self.database.session() as session:
            rows = session.execute(
                select(InboxMessage.receiver_id, InboxMessage.about_person_id)
                .where(InboxMessage.kind == TOLD)
                .order_by(InboxMessage.id)
            )
            return [(receiver, about) for receiver, about in rows]


def add_news(database: Database, identity: Identity) -> dict[str, object]:
    """Publish news with an attachment in the identity's region; returns the values of the routes' parameters."""
    with database.unit_of_work() as session:
        draft = DraftNews(
            "Regionens nyhet", "Läs bilagan.", files=(CheckedFile("brev.pdf", "application/pdf", b"%PDF-"),)
        )
        news = save_draft(session, identity, draft)
        publish_news(session, identity, news.id)
        attachment_id = session.scalars(select(NewsAttachment.id).where(NewsAttachment.news_id == news.id)).one()
        return {"news_id": news.id, "news_attachment_id": attachment_id}
