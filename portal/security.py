"""Who is asking, and may they: the identity of the request, and the decorator that every route carries exactly one of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import wraps
from typing import ParamSpec, TypeVar, cast

from flask import current_app, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from auth.calls import identity_in_call, may_in_call, person_in_call, record_end_of_call
from auth.identity import ALL_TASKS, Identity, Relation, Role
from auth.models import Commission, Person
from auth.permissions import Permission, permits
from auth.persons import staff_identity
from auth.relations import ActableSubject, Rights, identity_for, subjects_of
from core.db import Database
from core.errors import NotPermitted
from orders.care_visits import REPORTING_TASKS, identity_in_care, patient_of_visit
from portal.calls import call_of_session, take_call
from portal.care_visits import visit_of_session
from portal.sessions import Owner, current_session

P = ParamSpec("P")
R = TypeVar("R")

ACTING_FOR_KEY = "acting_for"
ACCESS_ATTRIBUTE = "portal_access"
# The only pages of a patient's that a prescriber acts on in the patient's place.
REPORTING = "faults"


@dataclass(frozen=True)
class Access:
    """What a route declares about itself; the guards read it."""

    permission: Permission | None
    public_because: str = ""


@dataclass(frozen=True)
class SignedIn:
    """The person or staff member of the request, their identity, and everybody they may act for.

    For customer service that is whom the call under way is about; `call_ran_out` says that it has just ended by itself.
    """

    identity: Identity
    language: str
    person: Person | None = None
    commission: Commission | None = None
    subjects: tuple[ActableSubject, ...] = ()
    call_ran_out: bool = False

    @property
    def is_in_call(self) -> bool:
        """Whether customer service has the patient, or somebody who may speak for them, on the phone."""
        return self.identity.relation is Relation.CALL

    @property
    def is_in_care(self) -> bool:
        """Whether a prescriber is on the fault pages of a patient of their unit."""
        return self.identity.relation is Relation.CARE

    @property
    def subject(self) -> Person:
        """The person whose data the request is about; raises NotPermitted for staff who are in no call."""
        for subject in self.subjects:
            if subject.person.id == self.identity.subject_person_id:
                return subject.person
        raise NotPermitted


def database() -> Database:
    """Return the application's database."""
    return cast(Database, current_app.extensions["database"])


@contextmanager
def unit_of_work() -> Iterator[Session]:
    """Open the request's transaction: commits once at the end of the block, rolls back whatever raised."""
    with database().unit_of_work() as session:
        yield session


def load_signed_in(owner: Owner) -> SignedIn | None:
    """Read who a session belongs to and what they may do right now; None when they may no longer be here.

    Rights are looked up at every request, so a birthday, a withdrawn proxy or an ended commission takes effect at once.
    """
    if owner.is_anonymous:
        return None
    with database().session() as session:
        if owner.commission_id is not None:
            commission = session.get(Commission, owner.commission_id)
            if commission is None or commission.ended_at is not None:
                return None
            staff = SignedIn(staff_identity(commission), commission.staff_member.language, commission=commission)
            return _in_care(session, _in_call(session, staff))
        person = session.get(Person, owner.person_id)
        if person is None or person.deceased_on is not None:
            return None
        subjects = subjects_of(session, person)
        wanted = current_session().get(ACTING_FOR_KEY)
        chosen = next((subject for subject in subjects if subject.person.id == wanted), subjects[0])
        return SignedIn(identity_for(person, chosen), person.language, person=person, subjects=tuple(subjects))


def _in_call(session: Session, staff: SignedIn) -> SignedIn:
    """Return the staff member in the call that their session keeps, if it still lasts; one that does not is ended."""
    call = call_of_session()
    if call is None or not permits(staff.identity, Permission.TAKE_CALL):
        return staff
    person = person_in_call(session, staff.identity, call)
    if person is not None:
        subject = ActableSubject(person, Rights(Relation.CALL, ALL_TASKS))
        return replace(staff, identity=identity_in_call(staff.identity, call), subjects=(subject,))
    end_call(staff.identity)
    return replace(staff, call_ran_out=True)


def _in_care(session: Session, staff: SignedIn) -> SignedIn:
    """Return the prescriber on the fault pages of the patient whom they opened them for; on every other page they are who they are."""
    visit = visit_of_session() if request.blueprint == REPORTING and staff.identity.role is Role.PRESCRIBER else None
    if visit is None:
        return staff
    person = patient_of_visit(session, staff.identity, visit)
    if person is None:
        return staff
    subject = ActableSubject(person, Rights(Relation.CARE, REPORTING_TASKS))
    return replace(staff, identity=identity_in_care(staff.identity, visit), subjects=(subject,))


def end_call(identity: Identity) -> None:
    """End the call that the session keeps and write that into the access log; of two who do it at once, one finds nothing to end."""
    call = take_call()
    if call is not None:
        with unit_of_work() as session:
            record_end_of_call(session, identity, call)


def signed_in() -> SignedIn | None:
    """Return who is signed in, read once per request, or None."""
    if "signed_in" not in g:
        g.signed_in = load_signed_in(current_session().owner)
    return cast(SignedIn | None, g.signed_in)


def require_signed_in() -> SignedIn:
    """Return who is signed in; only for views behind `requires`."""
    user = signed_in()
    if user is None:
        raise NotPermitted
    return user


def current_identity() -> Identity:
    """Return the identity of the request; only for views behind `requires`."""
    return require_signed_in().identity


def public(because: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Declare a route that anybody may reach, and why."""

    def declare(view: Callable[P, R]) -> Callable[P, R]:
        setattr(view, ACCESS_ATTRIBUTE, Access(None, because))
        return view

    return declare


def requires(permission: Permission) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Declare what a route needs; the visitor is sent to log in when nobody is signed in, and refused without the permission.

    Customer service is led to where calls begin when only a call is missing.
    """

    def declare(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            refused = refusal_of(permission)
            if refused is not None:
                return cast(R, refused)
            _tell_of_ended_call(require_signed_in())
            return view(*args, **kwargs)

        setattr(guarded, ACCESS_ATTRIBUTE, Access(permission))
        return guarded

    return declare


def refusal_of(permission: Permission) -> ResponseReturnValue | None:
    """Return where to send somebody who may not do this, None for whoever may; raises NotPermitted."""
    user = signed_in()
    if user is None:
        return cast(ResponseReturnValue, current_app.login_manager.unauthorized())  # type: ignore[attr-defined]
    if permits(user.identity, permission):
        return None
    _tell_of_ended_call(user)
    return _without_permission(user, permission)


def _tell_of_ended_call(user: SignedIn) -> None:
    if user.call_ran_out:
        flash(_("The call has ended by itself. Find the patient again to go on."), "info")


def _without_permission(user: SignedIn, permission: Permission) -> ResponseReturnValue:
    if user.is_in_call or not may_in_call(user.identity, permission):
        raise NotPermitted
    if not user.call_ran_out:
        flash(_("Find the patient first. Then their pages open."), "attention")
    return redirect(url_for("service.find"), 303)


def is_public(view: Callable[..., object]) -> bool:
    """Tell whether a view declared itself public."""
    access = getattr(view, ACCESS_ATTRIBUTE, None)
    return isinstance(access, Access) and access.permission is None


def may(permission: Permission) -> bool:
    """Tell whether the one who is signed in may; for menus and buttons."""
    user = signed_in()
    return user is not None and permits(user.identity, permission)


def forget_identity() -> None:
    """Have the identity read again within this request, after a log-in or a switch of person."""
    g.pop("signed_in", None)
