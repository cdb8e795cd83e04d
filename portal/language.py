"""Reading in another language, from now on."""

from __future__ import annotations

from flask import session
from flask_babel import refresh

from auth.models import Commission, Person
from core.errors import NotFound
from portal.security import forget_identity, signed_in, unit_of_work

LANGUAGES = ("sv", "en")


def remember_language(language: str) -> None:
    """Read in a language from now on; kept in the session and, for who is signed in, until they change it. NotFound for no such one."""
    if language not in LANGUAGES:
        raise NotFound
    session["language"] = language
    user = signed_in()
    if user is not None:
        with unit_of_work() as database_session:
            if user.person is not None:
                database_session.get_one(Person, user.person.id).language = language
            elif user.commission is not None:
                database_session.get_one(Commission, user.commission.id).staff_member.language = language
        forget_identity()
    refresh()
