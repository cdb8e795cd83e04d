"""News: what a supplier tells passes the consultant and goes out to prescribers, and to the patients who use the article. Handbook §7.

Lock → check → build → record; the caller commits. What has been published is withdrawn and never edited: what somebody has read must stay
what it was.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from auth.calls import inbox_readers_of_all
from auth.identity import Identity, system_identity
from auth.permissions import Permission, require
from auth.persons import Posting, post_messages
from core.audit import record
from core.clock import now, today
from core.errors import DomainError, NotFound
from core.outbox import Message, publish
from delivery.news_audience import next_patients
from delivery.news_files import MOST_FILES, AttachmentProblem, AttachmentRefused, CheckedFile
from delivery.news_models import News, NewsAttachment, NewsStatus
from orders.models import Article, Supplier

LONGEST_TITLE, LONGEST_BODY = 200, 10_000
BATCH = 300
TOLD = "news.published"


class NewsProblem(StrEnum):
    """What is wrong with a draft."""

    TITLE_MISSING = "TITLE_MISSING"
    TITLE_TOO_LONG = "TITLE_TOO_LONG"
    BODY_MISSING = "BODY_MISSING"
    BODY_TOO_LONG = "BODY_TOO_LONG"
    ENGLISH_HALF = "ENGLISH_HALF"
    ARTICLE_UNKNOWN = "ARTICLE_UNKNOWN"
    ARTICLE_MISSING = "ARTICLE_MISSING"
    SUPPLIER_UNKNOWN = "SUPPLIER_UNKNOWN"


class NewsRefused(DomainError):
    """A draft cannot be kept as it is; every problem is named."""

    def __init__(self, problems: Sequence[NewsProblem]) -> None:
        super().__init__(", ".join(problems))
        self.problems = tuple(problems)


class NotADraft(DomainError):
    """Only a draft can be changed, published or thrown away; `status` is what it is."""

    def __init__(self, status: NewsStatus) -> None:
        super().__init__(status.value)
        self.status = status


@dataclass(frozen=True)
class DraftNews:
    """What the consultant has written; English may be left out. `without` are attachments to take away."""

    title: str
    body: str
    title_en: str = ""
    body_en: str = ""
    supplier_id: int | None = None
    article_no: str = ""
    for_patients: bool = False
    files: tuple[CheckedFile, ...] = field(default=(), repr=False)
    without: frozenset[int] = frozenset()


def save_draft(session: Session, identity: Identity, draft: DraftNews, news_id: int | None = None) -> News:
    """Write a new draft, or change one; locks the news. Raises NotPermitted, NotFound, NotADraft, NewsRefused, AttachmentRefused."""
    require(identity, Permission.PUBLISH_NEWS)
    assert identity.staff_id is not None
    news = _lock_draft(session, identity, news_id) if news_id is not None else None
    article = _article(session, identity, draft.article_no)
    problems = _problems(draft, article, _knows_supplier(session, identity, draft.supplier_id))
    if problems:
        raise NewsRefused(problems)
    if news is None:
        news = News(region=identity.region, written_at=now(session), written_by_id=identity.staff_id)
        session.add(news)
    news.title, news.body = draft.title, draft.body
    news.title_en, news.body_en = draft.title_en, draft.body_en
    news.supplier_id, news.article_id = draft.supplier_id, article.id if article else None
    news.for_patients = draft.for_patients
    session.flush()
    _attach(session, news, draft)
    record(session, identity.actor, "news.written", subject_person_id=None, object_ref=f"news:{news.id}")
    return news


def discard_draft(session: Session, identity: Identity, news_id: int) -> None:
    """Throw a draft away with its attachments; locks the news. Raises NotPermitted, NotFound, NotADraft."""
    require(identity, Permission.PUBLISH_NEWS)
    news = _lock_draft(session, identity, news_id)
    session.execute(delete(NewsAttachment).where(NewsAttachment.news_id == news.id))
    session.delete(news)
    record(session, identity.actor, "news.discarded", subject_person_id=None, object_ref=f"news:{news_id}")


def publish_news(session: Session, identity: Identity, news_id: int) -> News:
    """Let prescribers read a draft from now on, and tell the patients by the outbox when it is for them; locks the news.

    Raises NotPermitted, NotFound, NotADraft.
    """
    require(identity, Permission.PUBLISH_NEWS)
    news = _lock_draft(session, identity, news_id)
    news.status = NewsStatus.PUBLISHED
    news.published_at, news.published_by_id = now(session), identity.staff_id
    record(session, identity.actor, "news.published", subject_person_id=None, object_ref=f"news:{news.id}")
    if news.for_patients:
        publish(session, "news.tell", news_id=news.id, after=0)
    return news


def withdraw_news(session: Session, identity: Identity, news_id: int) -> News:
    """Take published news back: nobody reads it any more, and patients who have not been told are not. Locks the news.

    What is withdrawn stays so. Raises NotPermitted, NotFound, NotADraft for a draft.
    """
    require(identity, Permission.PUBLISH_NEWS)
    news = _lock(session, identity, news_id)
    if news.status is NewsStatus.DRAFT:
        raise NotADraft(news.status)
    if news.status is NewsStatus.PUBLISHED:
        news.status, news.withdrawn_at = NewsStatus.WITHDRAWN, now(session)
        record(session, identity.actor, "news.withdrawn", subject_person_id=None, object_ref=f"news:{news.id}")
    return news


def tell_patients(session: Session, message: Message) -> None:
    """Tell one batch of the patients who use the article, and ask for the next; handles `news.tell`.

    Locks the news, so that withdrawing it stops what has not gone. A fixed number of statements beside those of the outbox.
    """
    news = session.scalar(
        select(News)
        .where(News.id == message.payload["news_id"])
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if news is None or news.status is not NewsStatus.PUBLISHED or news.article_id is None:
        return
    identity = system_identity(news.region, "news")
    require(identity, Permission.ROUTE_MESSAGES, region=news.region)
    after = int(message.payload["after"])
    patients = next_patients(session, news.region, news.article_id, today(session), after=after, limit=BATCH)
    readers = inbox_readers_of_all(session, patients)
    article = session.get_one(Article, news.article_id).display_name
    postings = [
        Posting(reader_id, patient.id, TOLD, {"news_id": news.id, "article": article})
        for patient in patients
        for reader_id in readers[patient.id]
    ]
    post_messages(session, postings)
    for patient in patients:
        record(session, identity.actor, "news.sent", subject_person_id=patient.id, object_ref=f"news:{news.id}")
    news.patients_told += len(patients)
    if len(patients) == BATCH:
        publish(session, "news.tell", news_id=news.id, after=patients[-1].id)


def _lock(session: Session, identity: Identity, news_id: int) -> News:
    news = session.scalar(
        select(News)
        .where(News.id == news_id, News.region == identity.region)
        .with_for_update(of=News)
        .execution_options(populate_existing=True)
    )
    if news is None:
        raise NotFound
    return news


def _lock_draft(session: Session, identity: Identity, news_id: int) -> News:
    news = _lock(session, identity, news_id)
    if news.status is not NewsStatus.DRAFT:
        raise NotADraft(news.status)
    return news


def _article(session: Session, identity: Identity, article_no: str) -> Article | None:
    return session.scalar(
        select(Article).where(Article.region == identity.region, Article.article_no == article_no.strip())
    )


def _knows_supplier(session: Session, identity: Identity, supplier_id: int | None) -> bool:
    known = select(Supplier.id).where(Supplier.id == supplier_id, Supplier.region == identity.region)
    return supplier_id is None or session.scalar(known) is not None


def _problems(draft: DraftNews, article: Article | None, knows_supplier: bool) -> list[NewsProblem]:
    wrong = {
        NewsProblem.TITLE_MISSING: not draft.title,
        NewsProblem.TITLE_TOO_LONG: max(len(draft.title), len(draft.title_en)) > LONGEST_TITLE,
        NewsProblem.BODY_MISSING: not draft.body,
        NewsProblem.BODY_TOO_LONG: max(len(draft.body), len(draft.body_en)) > LONGEST_BODY,
        NewsProblem.ENGLISH_HALF: bool(draft.title_en) != bool(draft.body_en),
        NewsProblem.ARTICLE_UNKNOWN: bool(draft.article_no.strip()) and article is None,
        NewsProblem.ARTICLE_MISSING: draft.for_patients and not draft.article_no.strip(),
        NewsProblem.SUPPLIER_UNKNOWN: not knows_supplier,
    }
    return [problem for problem, is_so in wrong.items() if is_so]


def _attach(session: Session, news: News, draft: DraftNews) -> None:
    _remove(session, news, draft.without)
    there = session.scalars(select(func.count()).where(NewsAttachment.news_id == news.id)).one()
    if there + len(draft.files) > MOST_FILES:
        raise AttachmentRefused(AttachmentProblem.TOO_MANY)
    session.add_all(
        NewsAttachment(
            news_id=news.id,
            name=file.name,
            media_type=file.media_type,
            size=len(file.content),
            content=file.content,
        )
        for file in draft.files
    )
    session.flush()
    session.expire(news, ["attachments"])


def _remove(session: Session, news: News, attachment_ids: Collection[int]) -> None:
    if attachment_ids:
        session.execute(
            delete(NewsAttachment).where(NewsAttachment.news_id == news.id, NewsAttachment.id.in_(attachment_ids))
        )
