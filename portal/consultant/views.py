"""The board of cases, the case, and its photos."""

from __future__ import annotations

from flask import Response, redirect, render_template, request, session as browser, url_for
from flask.typing import ResponseReturnValue

from auth.permissions import Permission
from core.errors import NotFound
from delivery.complaints.photos import photo_for_consultant
from delivery.complaints.queries import case_no_of
from delivery.complaints.triage import colleagues
from portal.consultant.blueprint import blueprint
from portal.consultant.board_page import REMEMBERED, board_context
from portal.consultant.case_page import show_case
from portal.security import current_identity, requires, unit_of_work


@blueprint.get("/complaints")
@requires(Permission.SEE_COMPLAINTS)
def board() -> ResponseReturnValue:
    """The cases of the region, what is most urgent first; an address without a word leads to what was looked at last."""
    remembered = browser.get(REMEMBERED)
    if remembered and not request.args:
        return redirect(url_for("consultant.board", **remembered), 303)
    with unit_of_work() as session:
        return render_template(
            "consultant/board.html",
            **board_context(session),
            case=None,
            colleagues=colleagues(session, current_identity()),
        )


@blueprint.get("/complaints/<string:case_no>")
@requires(Permission.SEE_COMPLAINTS)
def case(case_no: str) -> ResponseReturnValue:
    """One case, with the board beside it where there is room."""
    return show_case(case_no)


@blueprint.get("/complaints/<string:case_no>/photos/<int:photo_id>")
@requires(Permission.SEE_COMPLAINTS)
def photo(case_no: str, photo_id: int) -> ResponseReturnValue:
    """One photo of the case, as it was made anew when it came."""
    with unit_of_work() as session:
        found = photo_for_consultant(session, current_identity(), photo_id)
        if found.complaint_id is None or case_no_of(session, found.complaint_id) != case_no:
            raise NotFound
        content = found.content
    return Response(content, mimetype="image/jpeg")
