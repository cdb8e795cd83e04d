"""The suppliers' monthly files of what they exchanged directly: upload, look, read, and send back what could not be used."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _, ngettext

from auth.permissions import Permission
from core.errors import ChangedMeanwhile
from delivery.complaints.exchange_models import ExchangeRow
from delivery.complaints.exchange_queries import (
    OpenExchangeFile,
    chain_of_serial,
    exchange_file,
    exchange_files,
    suppliers_of,
)
from delivery.complaints.exchange_reading import MOST_BYTES, ExchangeFileRefused
from delivery.complaints.exchanges import (
    FileReadBefore,
    discard_exchanges,
    mark_returned,
    preview_exchanges,
    read_exchanges,
    upload_exchanges,
)
from portal.consultant.exchanges.forms import UploadForm
from portal.consultant.exchanges.words import COLUMNS, PROBLEMS, UNIT_STATES, refusal_words
from portal.csv_download import csv_download
from portal.fields import words_on_lines
from portal.security import current_identity, requires, unit_of_work
from portal.uploads import takes_files
from portal.xlsx_download import xlsx_download

blueprint = Blueprint("exchanges", __name__)

# Of each pile; the download has them all.
MOST_SHOWN = 300
_LONGEST_FIND = 40


@blueprint.get("/exchanges")
@requires(Permission.READ_EXCHANGES)
def show() -> ResponseReturnValue:
    """The files that have been read, the form for the next one, and where a serial number is."""
    return _page()


def _page(form: UploadForm | None = None) -> str:
    serial = words_on_lines(request.args.get("serial", "")[:_LONGEST_FIND])
    page = min(request.args.get("page", 1, type=int), 10_000)
    with unit_of_work() as session:
        identity = current_identity()
        files, pages = exchange_files(session, identity, page)
        return render_template(
            "consultant/exchanges/files.html",
            form=form or UploadForm.among(suppliers_of(session, identity)),
            files=files,
            page=page,
            pages=pages,
            page_url=lambda number: url_for("exchanges.show", page=number),
            serial=serial,
            chains=chain_of_serial(session, identity, serial) if serial else (),
            unit_states=UNIT_STATES,
            columns=COLUMNS,
            megabytes=MOST_BYTES // 1024 // 1024,
        )


@blueprint.post("/exchanges")
@requires(Permission.READ_EXCHANGES)
@takes_files(4)
def upload() -> ResponseReturnValue:
    """Keep a file so that it can be looked at before it is read."""
    with unit_of_work() as session:
        form = UploadForm.among(suppliers_of(session, current_identity()))
    is_valid = form.validate()
    content = form.content()
    if is_valid and content is not None:
        name, raw = content
        try:
            with unit_of_work() as session:
                kept = upload_exchanges(session, current_identity(), int(form.supplier.data), name, raw)
            return redirect(url_for("exchanges.preview", exchange_upload_id=kept.id), 303)
        except FileReadBefore as before:
            return _led_to_earlier(before)
        except ExchangeFileRefused as refused:
            form.file.errors = [refusal_words(refused)]
    return _page(form), 422


def _led_to_earlier(before: FileReadBefore) -> ResponseReturnValue:
    flash(_("This very file has been read before. Here is what came of it; nothing was changed now."), "attention")
    return redirect(url_for("exchanges.file", exchange_file_id=before.file_id), 303)


@blueprint.get("/exchanges/uploads/<int:exchange_upload_id>")
@requires(Permission.READ_EXCHANGES)
def preview(exchange_upload_id: int) -> ResponseReturnValue:
    """What would come of the file; nothing is written yet."""
    with unit_of_work() as session:
        shown = preview_exchanges(session, current_identity(), exchange_upload_id)
        return render_template(
            "consultant/exchanges/preview.html", shown=shown, problems=PROBLEMS, most_shown=MOST_SHOWN
        )


@blueprint.post("/exchanges/uploads/<int:exchange_upload_id>/read")
@requires(Permission.READ_EXCHANGES)
def read(exchange_upload_id: int) -> ResponseReturnValue:
    """Read the file for good."""
    try:
        with unit_of_work() as session:
            file_id = read_exchanges(session, current_identity(), exchange_upload_id)
    except FileReadBefore as before:
        return _led_to_earlier(before)
    except ChangedMeanwhile:
        flash(
            _("Somebody changed one of the products at the same moment. Look at the file again, then read it."),
            "attention",
        )
        return redirect(url_for("exchanges.preview", exchange_upload_id=exchange_upload_id), 303)
    return redirect(url_for("exchanges.file", exchange_file_id=file_id), 303)


@blueprint.post("/exchanges/uploads/<int:exchange_upload_id>/discard")
@requires(Permission.READ_EXCHANGES)
def discard(exchange_upload_id: int) -> ResponseReturnValue:
    """Forget a file that was only looked at."""
    with unit_of_work() as session:
        discard_exchanges(session, current_identity(), exchange_upload_id)
    flash(_("The file was not read. Nothing was changed."), "info")
    return redirect(url_for("exchanges.show"), 303)


@blueprint.get("/exchanges/<int:exchange_file_id>")
@requires(Permission.READ_EXCHANGES)
def file(exchange_file_id: int) -> ResponseReturnValue:
    """What came of a file."""
    with unit_of_work() as session:
        opened = exchange_file(session, current_identity(), exchange_file_id)
        return render_template(
            "consultant/exchanges/file.html", opened=opened, problems=PROBLEMS, most_shown=MOST_SHOWN
        )


@blueprint.get("/exchanges/<int:exchange_file_id>/refused.csv")
@requires(Permission.READ_EXCHANGES)
def refused_csv(exchange_file_id: int) -> ResponseReturnValue:
    """The rows that go back, to send to the supplier."""
    with unit_of_work() as session:
        opened = exchange_file(session, current_identity(), exchange_file_id)
        return csv_download(f"exchanges-{opened.file.id}.csv", _refused(opened))


@blueprint.get("/exchanges/<int:exchange_file_id>/refused.xlsx")
@requires(Permission.READ_EXCHANGES)
def refused_xlsx(exchange_file_id: int) -> ResponseReturnValue:
    """The same as a workbook."""
    with unit_of_work() as session:
        opened = exchange_file(session, current_identity(), exchange_file_id)
        return xlsx_download(f"exchanges-{opened.file.id}.xlsx", _refused(opened), _("To correct"))


def _refused(opened: OpenExchangeFile) -> list[list[str]]:
    """The list as the supplier wrote it: corrected, it can be sent as the next file."""
    heading = [_("Row"), _("Old serial number"), _("New serial number"), _("Date"), _("Reason"), _("What to correct")]
    return [heading, *(_refused_row(line.row) for line in opened.refused)]


def _refused_row(row: ExchangeRow) -> list[str]:
    assert row.problem is not None
    return [str(row.line_no), row.old_serial, row.new_serial, row.stated_date, row.reason, str(PROBLEMS[row.problem])]


@blueprint.post("/exchanges/<int:exchange_file_id>/returned")
@requires(Permission.READ_EXCHANGES)
def returned(exchange_file_id: int) -> ResponseReturnValue:
    """Note that the list has gone back."""
    with unit_of_work() as session:
        count = mark_returned(session, current_identity(), exchange_file_id)
    if count:
        flash(
            ngettext(
                "Noted that %(num)s row has gone back to the supplier.",
                "Noted that %(num)s rows have gone back to the supplier.",
                count,
            ),
            "success",
        )
    return redirect(url_for("exchanges.file", exchange_file_id=exchange_file_id), 303)
