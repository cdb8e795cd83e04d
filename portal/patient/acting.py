"""For whom a person acts in this session."""

from __future__ import annotations

from flask import abort, flash, redirect, url_for
from flask_babel import gettext as _

from core.errors import NotPermitted
from portal.security import ACTING_FOR_KEY, forget_identity, require_signed_in
from portal.sessions import current_session


def act_for(person_id: int | None) -> None:
    """Act for a person from now on; None or the present one changes nothing. Raises NotPermitted without a right to.

    For staff that ends in their search page: a call is about one patient.

    A form names whom it is for: sent after a switch in another tab, or after logging in again, it still means that person.
    """
    user = require_signed_in()
    if person_id is None or person_id == user.identity.subject_person_id:
        return
    if user.identity.is_staff:
        # Another call was opened in another tab: nothing is done for whoever is on the phone now.
        flash(
            _("The page that you sent belongs to an earlier call. Nothing has been done. Find the patient again."),
            "attention",
        )
        abort(redirect(url_for("service.find"), 303))
    if all(subject.person.id != person_id for subject in user.subjects):
        raise NotPermitted
    current_session()[ACTING_FOR_KEY] = person_id
    forget_identity()
