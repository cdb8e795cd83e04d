"""Every route, every role: who may come in is written down here, and whatever is not listed fails."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from auth.identity import Role
from auth.permissions import TABLE, Permission
from core.db import Database
from portal.security import ACCESS_ATTRIBUTE, Access
from tests.guards.route_table import ROUTES, Visitor
from tests.support.builders import add_person, add_staff
from tests.support.web import sign_in

STAFF = {
    Visitor.DEPOT: Role.DEPOT,
    Visitor.CONSULTANT: Role.CONSULTANT,
    Visitor.CUSTOMER_SERVICE: Role.CUSTOMER_SERVICE,
    Visitor.CALL: Role.CUSTOMER_SERVICE,
    Visitor.PRESCRIBER: Role.PRESCRIBER,
    Visitor.AUDITOR: Role.AUDITOR,
    Visitor.COST_RESPONSIBLE: Role.COST_RESPONSIBLE,
}
METHODS = ("GET", "POST")
SIGNED = frozenset({"contract.call", "tracking.receive", "warehouse.receive"})
# A form that means somebody: an empty one is refused as if it meant a stranger.
FORMS = {"patient.switch_person": {"person": "self"}}


@dataclass(frozen=True)
class Visit:
    """One method of one route."""

    endpoint: str
    method: str
    path: str


def _visits(app: Flask) -> Iterator[Visit]:
    # Ending the call and logging out come last, or the rest of the walk would be done by nobody.
    last = ("service.close_call", "login.log_out")
    for rule in sorted(
        app.url_map.iter_rules(), key=lambda rule: rule.endpoint in last and 1 + last.index(rule.endpoint)
    ):
        for method in METHODS:
            if method in (rule.methods or ()):
                yield Visit(rule.endpoint, method, _path(app, rule))


def _path(app: Flask, rule: Rule) -> str:
    # A thing that does not exist: a visitor who may come in gets 404, one who may not gets 403 before anything is looked up.
    values: dict[str, object] = {
        name: 987654321 if type(converter).__name__ == "IntegerConverter" else "987654321"
        for name, converter in rule._converters.items()
    }
    with app.test_request_context():
        return app.url_map.bind("localhost").build(
            rule.endpoint, values, method=next(iter(set(METHODS) & (rule.methods or set())))
        )


def _clients(app: Flask, database: Database) -> dict[Visitor, FlaskClient]:
    with database.unit_of_work() as session:
        patient = add_person(session)
        staff = {visitor: add_staff(session, role) for visitor, role in STAFF.items()}
    clients = {visitor: sign_in(app.test_client(), commission) for visitor, commission in staff.items()}
    clients[Visitor.PATIENT] = sign_in(app.test_client(), patient)
    clients[Visitor.NOBODY] = app.test_client()
    sign_in(clients[Visitor.CALL], staff[Visitor.CALL], in_call_about=patient)
    return clients


def test_every_route_is_listed_and_every_listed_route_exists(app: Flask) -> None:
    assert {rule.endpoint for rule in app.url_map.iter_rules()} == set(ROUTES)


def test_every_view_declares_what_it_needs_and_the_list_agrees(app: Flask) -> None:
    for endpoint, view in app.view_functions.items():
        access = getattr(view, ACCESS_ATTRIBUTE, None)
        assert isinstance(access, Access), f"{endpoint} declares neither @public nor @requires"
        assert bool(access.public_because) != (access.permission is not None), endpoint
        assert ROUTES[endpoint] == access.permission, endpoint


def test_every_route_admits_exactly_the_roles_it_is_for(app: Flask, database: Database) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    clients = _clients(app, database)
    walked = 0
    for visit in _visits(app):
        permission = ROUTES[visit.endpoint]
        for visitor, client in clients.items():
            response = client.open(visit.path, method=visit.method, data=FORMS.get(visit.endpoint))
            walked += 1
            where = f"{visit.method} {visit.path} as {visitor}: {response.status_code}"
            if permission is None:
                assert response.status_code not in {401, 403}, where
            elif visitor is Visitor.NOBODY:
                assert response.status_code == 303, where
                assert response.location.startswith("/log-in"), where
            elif _may(visitor, permission):
                assert response.status_code not in {401, 403}, where
                is_led_back = visitor is Visitor.CALL and _is_led_back(response)
                assert not is_led_back or visit.endpoint == "service.close_call", where
            elif visitor is Visitor.CUSTOMER_SERVICE and _may(Visitor.CALL, permission):
                # Only a call is missing: no dead end.
                assert _is_led_back(response), where
            else:
                assert response.status_code == 403, where
            assert response.status_code < 500 or visit.endpoint in {"login.start", "health.ready"}, where
    assert walked >= len(ROUTES) * len(clients)


# The only tasks that staff ever have are those of a call.
HAS_TASKS = frozenset({Visitor.PATIENT, Visitor.CALL})


def _may(visitor: Visitor, permission: Permission) -> bool:
    rule = TABLE[permission]
    role = Role.PATIENT if visitor is Visitor.PATIENT else STAFF[visitor]
    return role in rule.roles and (visitor in HAS_TASKS or not rule.tasks)


def _is_led_back(response: TestResponse) -> bool:
    return response.status_code == 303 and response.location == "/customer-service"


def test_every_post_without_a_csrf_token_is_refused(app: Flask, database: Database) -> None:
    clients = _clients(app, database)
    for visit in _visits(app):
        if visit.method == "POST":
            for visitor, client in clients.items():
                response = client.post(visit.path)
                # A machine has no token: what it sends unsigned, or from nowhere, is refused instead.
                refusals = {401, 404} if visit.endpoint in SIGNED else {303, 400, 403}
                assert response.status_code in refusals, f"{visit.path} as {visitor}: {response.status_code}"


def test_paths_are_kebab_case_and_parameters_typed(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        if rule.endpoint == "assets":
            continue
        fixed = re.sub(r"<[^>]+>", "x", rule.rule)
        assert re.fullmatch(r"(/[a-z0-9.-]*)+", fixed), rule.rule
        assert "<path:" not in rule.rule, rule.rule


@pytest.mark.parametrize("permission", list(Permission))
def test_every_permission_is_in_the_table_and_given_to_somebody(permission: Permission) -> None:
    assert TABLE[permission].roles
