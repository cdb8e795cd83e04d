"""Who reads which news, and who has: for prescribers, patients, customer service, and the consultant who published it. Handbook §7."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, joinedload, selectinload, undefer

from auth.identity import Identity, Role
from auth.models import Commission, InboxMessage, StaffMember, Unit
from auth.permissions import Permission, require
from core.clock import now, today
from core.errors import NotFound
from delivery.news import TOLD
from delivery.news_audience import count_patients
from delivery.news_models import News, NewsAttachment, NewsReceipt, NewsStatus
from orders.models import Supplier

PAGE_SIZE = 50
# Whoever begins to work here is not asked to read what was new long ago.
UNREAD_WITHIN = timedelta(days=90)


@dataclass(frozen=True)
class ListedNews:
    """One piece of news in a reader's list."""

    news: News
    is_read: bool


def news_for(session: Session, identity: Identity, about: Collection[int] = ()) -> list[ListedNews]:
    """Return the published news that the identity may read, the latest first; `about` are the persons whose messages they may read.

    One statement. Raises NotPermitted.
    """
    require(identity, Permission.READ_NEWS)
    rows = session.execute(
        select(News, NewsReceipt.id)
        .outerjoin(NewsReceipt, (NewsReceipt.news_id == News.id) & _own_receipt(identity))
        .where(_readable(identity, about), News.status == NewsStatus.PUBLISHED)
        .options(joinedload(News.supplier), joinedload(News.article))
        .order_by(News.published_at.desc(), News.id.desc())
        .limit(PAGE_SIZE)
    )
    return [ListedNews(news, receipt_id is not None) for news, receipt_id in rows]


def read_news(session: Session, identity: Identity, news_id: int, about: Collection[int] = ()) -> News:
    """Return one piece of news and note that a prescriber or a patient's reader has read it; withdrawn news is returned as such.

    Raises NotPermitted, NotFound.
    """
    require(identity, Permission.READ_NEWS)
    news = _one(session, identity, news_id, about)
    if news.status is NewsStatus.PUBLISHED and _leaves_receipt(identity):
        session.execute(
            insert(NewsReceipt)
            .values(
                news_id=news.id,
                person_id=identity.person_id,
                staff_id=identity.staff_id if identity.person_id is None else None,
                read_at=now(session),
            )
            .on_conflict_do_nothing()
        )
    return news


def news_attachment(
    session: Session, identity: Identity, news_id: int, attachment_id: int, about: Collection[int] = ()
) -> NewsAttachment:
    """Return one attachment of news that the identity may read and that has not been withdrawn. Raises NotPermitted, NotFound."""
    require(identity, Permission.READ_NEWS)
    news = _one(session, identity, news_id, about)
    if news.status is not NewsStatus.PUBLISHED:
        raise NotFound
    return _attachment(session, news.id, attachment_id)


def unread_news(session: Session, identity: Identity) -> int:
    """Return how much lately published news a prescriber has not read; one statement."""
    if identity.role is not Role.PRESCRIBER:
        return 0
    read = select(NewsReceipt.id).where(NewsReceipt.news_id == News.id, _own_receipt(identity)).exists()
    return session.scalars(
        select(func.count())
        .select_from(News)
        .where(
            News.region == identity.region,
            News.status == NewsStatus.PUBLISHED,
            News.published_at >= now(session) - UNREAD_WITHIN,
            ~read,
        )
    ).one()


def _one(session: Session, identity: Identity, news_id: int, about: Collection[int]) -> News:
    news = session.scalar(
        select(News)
        .where(News.id == news_id, _readable(identity, about), News.status != NewsStatus.DRAFT)
        .options(joinedload(News.supplier), joinedload(News.article), selectinload(News.attachments))
    )
    if news is None:
        raise NotFound
    return news


def _readable(identity: Identity, about: Collection[int]) -> ColumnElement[bool]:
    if identity.is_staff:
        return News.region == identity.region
    # A patient reads what they, or those they act for now, were told of.
    told = select(InboxMessage.facts["news_id"].as_integer()).where(
        InboxMessage.receiver_id == identity.person_id,
        InboxMessage.kind == TOLD,
        InboxMessage.about_person_id.in_(about),
    )
    return News.id.in_(told)


def _own_receipt(identity: Identity) -> ColumnElement[bool]:
    if identity.person_id is not None:
        return NewsReceipt.person_id == identity.person_id
    return NewsReceipt.staff_id == identity.staff_id


def _leaves_receipt(identity: Identity) -> bool:
    return identity.person_id is not None or identity.role is Role.PRESCRIBER


def _attachment(session: Session, news_id: int, attachment_id: int) -> NewsAttachment:
    found = session.scalar(
        select(NewsAttachment)
        .where(NewsAttachment.id == attachment_id, NewsAttachment.news_id == news_id)
        .options(undefer(NewsAttachment.content))
    )
    if found is None:
        raise NotFound
    return found


@dataclass(frozen=True)
class DeskNews:
    """One piece of news on the consultant's list, with how many prescribers have read it."""

    news: News
    readers: int


@dataclass(frozen=True)
class Reader:
    """One prescriber and when they first read it; None when they have not."""

    name: str
    unit_name: str
    read_at: datetime | None


@dataclass(frozen=True)
class OpenNews:
    """One piece of news with who has read it: prescribers by name, patients as numbers. `patients` use the article now."""

    news: News
    written_by: str
    published_by: str
    prescribers: tuple[Reader, ...]
    patients: int
    patient_readers: int

    @property
    def have_read(self) -> tuple[Reader, ...]:
        """The prescribers who have, the first reader first."""
        read = [(reader.read_at, reader.name, place) for place, reader in enumerate(self.prescribers) if reader.read_at]
        return tuple(self.prescribers[place] for _read_at, _name, place in sorted(read))

    @property
    def have_not(self) -> tuple[Reader, ...]:
        """The prescribers who have not, by name."""
        return tuple(reader for reader in self.prescribers if reader.read_at is None)


def desk(session: Session, identity: Identity) -> tuple[list[DeskNews], int]:
    """Return the region's latest news with how many prescribers have read each, and how many prescribers there are; two statements.

    Raises NotPermitted.
    """
    require(identity, Permission.PUBLISH_NEWS)
    prescribers = _prescribers(identity.region).subquery()
    readers = (
        select(func.count())
        .select_from(NewsReceipt)
        .join(prescribers, prescribers.c.staff_id == NewsReceipt.staff_id)
        .where(NewsReceipt.news_id == News.id)
        .correlate(News)
        .scalar_subquery()
    )
    rows = session.execute(
        select(News, readers)
        .where(News.region == identity.region)
        .options(joinedload(News.supplier), joinedload(News.article))
        .order_by(News.id.desc())
        .limit(PAGE_SIZE)
    )
    listed = [DeskNews(news, count) for news, count in rows]
    return listed, session.scalars(select(func.count()).select_from(prescribers)).one()


def open_news(session: Session, identity: Identity, news_id: int) -> OpenNews:
    """Return one piece of news as whoever publishes it sees it, in a fixed number of statements. Raises NotPermitted, NotFound."""
    require(identity, Permission.PUBLISH_NEWS)
    news = session.scalar(
        select(News)
        .where(News.id == news_id, News.region == identity.region)
        .options(joinedload(News.supplier), joinedload(News.article), selectinload(News.attachments))
    )
    if news is None:
        raise NotFound
    names = session.execute(
        select(StaffMember.id, StaffMember.name).where(
            StaffMember.id.in_([news.written_by_id, news.published_by_id or 0])
        )
    )
    by_id = dict(names.all())
    is_draft_for_patients = news.status is NewsStatus.DRAFT and news.for_patients and news.article_id is not None
    return OpenNews(
        news=news,
        written_by=by_id.get(news.written_by_id, ""),
        published_by=by_id.get(news.published_by_id or 0, ""),
        prescribers=_readers(session, news),
        patients=count_patients(session, news.region, news.article_id or 0, today(session))
        if is_draft_for_patients
        else 0,
        patient_readers=session.scalars(
            select(func.count()).where(NewsReceipt.news_id == news.id, NewsReceipt.person_id.is_not(None))
        ).one(),
    )


def desk_attachment(session: Session, identity: Identity, news_id: int, attachment_id: int) -> NewsAttachment:
    """Return one attachment, whatever has become of the news. Raises NotPermitted, NotFound."""
    require(identity, Permission.PUBLISH_NEWS)
    if session.scalar(select(News.id).where(News.id == news_id, News.region == identity.region)) is None:
        raise NotFound
    return _attachment(session, news_id, attachment_id)


def suppliers_to_name(session: Session, identity: Identity) -> Sequence[Supplier]:
    """Return the region's suppliers by name. Raises NotPermitted."""
    require(identity, Permission.PUBLISH_NEWS)
    return session.scalars(
        select(Supplier).where(Supplier.region == identity.region).order_by(Supplier.name, Supplier.id)
    ).all()


def _prescribers(region: str) -> Select[int, str]:
    """The region's prescribers, one row for each however many units they work at."""
    return (
        select(Commission.staff_id, func.min(Unit.name).label("unit_name"))
        .join(Unit, Commission.unit_id == Unit.id)
        .where(Unit.region == region, Commission.role == Role.PRESCRIBER, Commission.ended_at.is_(None))
        .group_by(Commission.staff_id)
    )


def _readers(session: Session, news: News) -> tuple[Reader, ...]:
    prescribers = _prescribers(news.region).subquery()
    rows = session.execute(
        select(StaffMember.name, prescribers.c.unit_name, NewsReceipt.read_at)
        .join(prescribers, prescribers.c.staff_id == StaffMember.id)
        .outerjoin(NewsReceipt, (NewsReceipt.staff_id == StaffMember.id) & (NewsReceipt.news_id == news.id))
        .order_by(StaffMember.name, StaffMember.id)
    )
    return tuple(Reader(name, unit_name, read_at) for name, unit_name, read_at in rows)
