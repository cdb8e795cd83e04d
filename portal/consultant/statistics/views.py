"""Complaints counted: per supplier, article, lot, fault, unit and month, on a page and as files."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Any, TypeVar

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from auth.permissions import Permission
from core.clock import today
from delivery.complaints.statistics import Asked, By, Counted, Statistics, statistics_of
from orders.models import ProductArea
from portal.charts import bars
from portal.consultant.statistics import words
from portal.csv_download import csv_stream
from portal.security import current_identity, requires, unit_of_work
from portal.xlsx_download import xlsx_download

blueprint = Blueprint("statistics", __name__)

# The page shows what is most; the files have all of it.
LINES_SHOWN, BARS_SHOWN = 100, 12
EARLIEST = date(2000, 1, 1)
LARGEST_ID = 2**63 - 1

_Choice = TypeVar("_Choice", bound=StrEnum)


@blueprint.get("/statistics")
@requires(Permission.SEE_STATISTICS)
def show() -> ResponseReturnValue:
    """What was counted, as a picture and as a table."""
    with unit_of_work() as session:
        found = statistics_of(session, current_identity(), _asked(session))
        drawn = [line for line in found.lines if line.cases] if found.asked.by is not By.MONTH else list(found.lines)
        drawn = drawn[-BARS_SHOWN:] if found.asked.by is By.MONTH else drawn[:BARS_SHOWN]
        return render_template(
            "consultant/statistics/show.html",
            found=found,
            asked=found.asked,
            lines=found.lines[-LINES_SHOWN:] if found.asked.by is By.MONTH else found.lines[:LINES_SHOWN],
            drawn=list(zip(drawn, bars([line.cases for line in drawn]), strict=True)),
            say=words,
            tabs=[(by, words.BY[by], url_for("statistics.show", **_query(found.asked, by=by))) for by in By],
            csv_url=url_for("statistics.csv_file", **_query(found.asked)),
            xlsx_url=url_for("statistics.xlsx_file", **_query(found.asked)),
            without_choice=url_for("statistics.show", **_query(found.asked, supplier_id=None, article_id=None)),
            deeper=lambda line: _deeper(found.asked, line),
        )


@blueprint.get("/statistics/csv")
@requires(Permission.SEE_STATISTICS)
def csv_file() -> Response:
    """The same as text for a spreadsheet."""
    found = _found()
    # Written out here: its words are those of the request's language.
    return csv_stream(_filename(found, "csv"), list(words.text_table(found)))


@blueprint.get("/statistics/xlsx")
@requires(Permission.SEE_STATISTICS)
def xlsx_file() -> Response:
    """The same as an Excel workbook."""
    found = _found()
    return xlsx_download(_filename(found, "xlsx"), words.table(found), str(words.BY[found.asked.by]))


def _found() -> Statistics:
    with unit_of_work() as session:
        return statistics_of(session, current_identity(), _asked(session), download=True)


def _filename(found: Statistics, ending: str) -> str:
    return f"complaints-by-{found.asked.by}-{found.asked.first}-{found.asked.last}.{ending}"


def _asked(session: Session) -> Asked:
    """Read what is asked for; what cannot be read is as if it was not said."""
    day = today(session)
    last = min(_day("until", day), day)
    first = min(_day("from", date(last.year - 1 + last.month // 12, last.month % 12 + 1, 1)), day)
    return Asked(
        by=_choice(By, "by") or By.SUPPLIER,
        first=max(EARLIEST, min(first, last)),
        last=max(first, last),
        area=_choice(ProductArea, "area"),
        supplier_id=_id("supplier"),
        article_id=_id("article"),
    )


def _query(
    asked: Asked, by: By | None = None, supplier_id: int | None = -1, article_id: int | None = -1
) -> dict[str, Any]:
    """Return the address's question; -1 keeps what was asked."""
    supplier_id = asked.supplier_id if supplier_id == -1 else supplier_id
    article_id = asked.article_id if article_id == -1 else article_id
    chosen = {
        "by": (by or asked.by).value,
        "from": asked.first.isoformat(),
        "until": asked.last.isoformat(),
        "area": asked.area.value if asked.area else None,
        "supplier": supplier_id,
        "article": article_id,
    }
    return {name: value for name, value in chosen.items() if value is not None}


def _deeper(asked: Asked, line: Counted) -> str:
    """Return the address that shows what a line consists of; empty when there is none."""
    if not isinstance(line.key, int):
        return ""
    match asked.by:
        case By.SUPPLIER:
            return url_for("statistics.show", **_query(asked, by=By.ARTICLE, supplier_id=line.key))
        case By.ARTICLE:
            return url_for("statistics.show", **_query(asked, by=By.LOT, article_id=line.key))
        case By.LOT:
            return url_for("signals.lot", lot_id=line.key)
        case _:
            return ""


def _day(name: str, default: date) -> date:
    try:
        return max(EARLIEST, date.fromisoformat(request.args.get(name, "")))
    except ValueError:
        return default


def _choice(kind: type[_Choice], name: str) -> _Choice | None:
    try:
        return kind(request.args.get(name, ""))
    except ValueError:
        return None


def _id(name: str) -> int | None:
    found = request.args.get(name, type=int)
    return found if found is not None and 0 < found <= LARGEST_ID else None
