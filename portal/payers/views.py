"""The basis of a unit's invoice: one month's sums per article, on a page and as a file."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue

from auth.permissions import Permission
from core.clock import today
from delivery.payer_basis import basis_of_unit, total_of
from portal.csv_download import csv_download
from portal.payers.words import basis_table, kind_words, money, month_words
from portal.security import current_identity, requires, unit_of_work

blueprint = Blueprint("payers", __name__)

MONTHS_BACK = 24


@blueprint.get("/payers")
@requires(Permission.SEE_PAYERS)
def basis() -> ResponseReturnValue:
    """What left the depot in a month at the unit's cost, per article."""
    with unit_of_work() as session:
        months = _months(today(session))
        month = _chosen(months)
        return render_template(
            "payers/basis.html",
            basis=basis_of_unit(session, current_identity(), month),
            months=[(one.strftime("%Y-%m"), month_words(one)) for one in months],
            chosen=month.strftime("%Y-%m"),
            month_name=month_words(month),
            download_url=url_for("payers.download", month=month.strftime("%Y-%m")),
            money=money,
            kind_words=kind_words,
            total_of=total_of,
        )


@blueprint.get("/payers/download")
@requires(Permission.SEE_PAYERS)
def download() -> Response:
    """The same as a file for the spreadsheet."""
    with unit_of_work() as session:
        month = _chosen(_months(today(session)))
        found = basis_of_unit(session, current_identity(), month, download=True)
    return csv_download(f"payers-{month:%Y-%m}.csv", basis_table(found))


def _months(day: date) -> list[date]:
    """This month and those before it, the newest first."""
    numbers = [day.year * 12 + day.month - 1 - back for back in range(MONTHS_BACK)]
    return [date(number // 12, number % 12 + 1, 1) for number in numbers]


def _chosen(months: list[date]) -> date:
    wanted = request.args.get("month", "")
    return next((month for month in months if month.strftime("%Y-%m") == wanted), months[0])
