"""Which product a report is about: one that was sent to the subject, or one whose code or numbers they have in their hand. Handbook §7."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from urllib.parse import parse_qs, urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.identity import Identity
from auth.permissions import Permission, require
from core.audit import record
from core.errors import NotFound
from delivery.came_elsewhere import came_elsewhere
from delivery.goods_models import SerialisedUnit
from delivery.history import DeliveredProduct, delivered_products, find_delivered
from delivery.models import Lot
from delivery.receiving import article_of
from delivery.udi import NotACode, ScannedCode, read_code
from orders.models import Article

LONGEST_NUMBER = 20
LONGEST_CODE = 300
_KEY = re.compile(r"lot:(\d{1,18})|article:(\d{1,18}):([^:]{0,20}):([^:]{0,20})", re.ASCII)
_SSCC = re.compile(r"(?:\(00\)|00)?(\d{18})", re.ASCII)


@dataclass(frozen=True)
class ProductRef:
    """The product of a report: a picked lot, or an article with the lot and serial number that the reporter states."""

    picked_lot_id: int | None = None
    article_id: int | None = None
    lot_no: str = ""
    serial_no: str = ""

    @property
    def key(self) -> str:
        """The product in one word, under which its draft is kept."""
        if self.picked_lot_id is not None:
            return f"lot:{self.picked_lot_id}"
        return f"article:{self.article_id}:{self.lot_no}:{self.serial_no}"

    @classmethod
    def of_key(cls, key: str) -> ProductRef:
        """Return the product that a key names; raise NotFound for what is none."""
        found = _KEY.fullmatch(key)
        if found is None:
            raise NotFound
        if found[1]:
            return cls(picked_lot_id=int(found[1]))
        return cls(article_id=int(found[2]), lot_no=found[3], serial_no=found[4])


@dataclass(frozen=True)
class ReportedProduct:
    """What is known of the product of a report; what was not sent to the subject has no day, no packages and maybe no lot of ours.

    `came_on` is the day on which such an article came last from elsewhere; an earlier one of it may be meant.
    """

    ref: ProductRef
    article: Article
    lot: Lot | None
    delivered: DeliveredProduct | None = None
    came_on: date | None = None

    @property
    def lot_no(self) -> str:
        """The lot as we know it, or as it was stated."""
        return self.lot.lot_no if self.lot is not None else self.ref.lot_no

    @property
    def packages(self) -> int | None:
        """How many came; None when we do not know."""
        return self.delivered.packages if self.delivered is not None else None

    @property
    def arrived_on(self) -> date | None:
        """The day it was delivered or sent; None when we do not know."""
        return self.delivered.arrived_on if self.delivered is not None else None


def stated_number(text: str) -> str:
    """Return a lot or serial number as it was stated, without what could not stand in one; at most 20 characters."""
    return "".join(text.replace("\x00", "").replace(":", "").split())[:LONGEST_NUMBER]


def find_product(session: Session, identity: Identity, ref: ProductRef) -> ReportedProduct:
    """Return the product that a report is to be about; raise NotFound. The caller checks and logs.

    Whoever reports may state any article of the subject's region; only what was sent to the subject is told anything about.
    """
    if ref.picked_lot_id is not None:
        delivered = find_delivered(session, identity.subject_person_id, ref.picked_lot_id)
        return ReportedProduct(ref, delivered.article, delivered.lot, delivered)
    article = session.scalar(
        select(Article).where(Article.id == ref.article_id, Article.region == identity.region).limit(1)
    )
    if article is None:
        raise NotFound
    lot = session.scalar(select(Lot).where(Lot.article_id == article.id, Lot.lot_no == ref.lot_no))
    came = came_elsewhere(session, identity.region, identity.subject_person_id)
    return ReportedProduct(
        ref, article, lot, came_on=next((one.came_on for one in came if one.article.id == article.id), None)
    )


def see_product(session: Session, identity: Identity, ref: ProductRef) -> ReportedProduct:
    """Return the product that is about to be reported and log the look; raise NotPermitted, NotFound."""
    require(identity, Permission.REPORT_FAULT)
    product = find_product(session, identity, ref)
    record(
        session,
        identity.actor,
        "deliveries.seen",
        subject_person_id=identity.subject_person_id,
        manner="LOOK",
        object_ref=f"picked-lot:{product.delivered.id}"
        if product.delivered
        else f"article:{product.article.article_no}",
    )
    return product


@dataclass(frozen=True)
class Read:
    """What a code led to: a parcel, one product, or an article with those of it that were sent (`stated` when none is the very one).

    `asks_lot` is an article that came from elsewhere, and whose code says nothing of the lot.
    """

    parcel_sscc: str = ""
    product: ProductRef | None = None
    stated: ProductRef | None = None
    article: Article | None = None
    delivered: tuple[DeliveredProduct, ...] = ()
    asks_lot: Article | None = None


class UnknownArticle(NotFound):
    """The code is whole, but no article of the region has it."""


def read_product(session: Session, identity: Identity, text: str, article_id: int | None = None) -> Read:
    """Find what a code is about: of the delivery note, of the package, or its numbers as typed; logs the look.

    `article_id` is what the reader has chosen already, of what came from elsewhere: a source names articles without their codes, so a code
    that nothing has is its. Raises NotPermitted, NotACode for what cannot be read, UnknownArticle.
    """
    require(identity, Permission.REPORT_FAULT)
    parcel = _parcel_of(text)
    if parcel:
        return Read(parcel_sscc=parcel)
    code = read_code(text)
    elsewhere = [one.article for one in came_elsewhere(session, identity.region, identity.subject_person_id)]
    article = article_of(session, identity.region, code) or next(
        (one for one in elsewhere if one.id == article_id and one.gtin is None), None
    )
    if article is None:
        raise UnknownArticle
    same = tuple(product for product in delivered_products(session, identity) if product.article.id == article.id)
    lot_no, serial_no = stated_number(code.lot_no or ""), stated_number(code.serial_no or "")
    found = _the_very_one(session, same, code, article)
    if found is not None:
        return Read(product=ProductRef(picked_lot_id=found.id, serial_no=serial_no), article=article)
    stated = ProductRef(article_id=article.id, lot_no=lot_no, serial_no=serial_no)
    if not same and any(one.id == article.id for one in elsewhere):
        return Read(product=stated, article=article) if lot_no or serial_no else Read(asks_lot=article)
    return Read(stated=stated, article=article, delivered=same)


def _the_very_one(
    session: Session, same: tuple[DeliveredProduct, ...], code: ScannedCode, article: Article
) -> DeliveredProduct | None:
    if code.lot_no is None and code.serial_no is None:
        return same[0] if len(same) == 1 else None
    if code.serial_no is not None:
        picked = session.scalar(
            select(SerialisedUnit.picked_lot_id).where(
                SerialisedUnit.article_id == article.id, SerialisedUnit.serial_no == code.serial_no
            )
        )
        by_serial = next((product for product in same if picked in product.picked_lot_ids), None)
        if by_serial is not None or code.lot_no is None:
            return by_serial
    wanted = stated_number(code.lot_no or "").upper()
    return next((product for product in same if stated_number(product.lot.lot_no).upper() == wanted), None)


def _parcel_of(text: str) -> str:
    """Return the parcel that a delivery note's code or its number names; "" for what is something else."""
    text = text.strip()
    if len(text) > LONGEST_CODE:
        raise NotACode("too long")
    if text.lower().startswith(("http://", "https://")):
        try:
            parcels = parse_qs(urlsplit(text).query).get("parcel", [])
        except ValueError:
            return ""
        return next((parcel for parcel in parcels if parcel.isascii() and parcel.isdigit() and len(parcel) == 18), "")
    found = _SSCC.fullmatch(text)
    return found[1] if found else ""
