"""What each of the contract's services does: one transaction, the same rules and services as the web's."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import cast

from flask import current_app
from lxml import etree
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from auth.identity import ALL_TASKS, Identity, Role
from auth.models import Person
from auth.numbers import MalformedNumber, parse_number
from auth.persons import find_person_by_number
from core.clock import today
from orders.contract.answers import order_answer, subject_answer
from orders.contract.asked import read_order, read_points, read_subject, request_node
from orders.contract.names import ResultCode, Service, Version
from orders.contract.ordering import AskedRefused, command_of
from orders.contract.writing import Values
from orders.errors import DeliveryRefused, NothingChosen, OrderRefused
from orders.locking import find_and_lock_person, lock_named_items
from orders.models import Article, Prescription, PrescriptionItem
from orders.services import place_order
from portal.adapters.service_points import ServicePoints
from portal.api.contract import words
from portal.security import unit_of_work

_POSTAL_CODE = re.compile(r"[1-9][0-9]{4}", re.ASCII)


def answer(service: Service, version: Version, body: etree._Element, region: str, caller: str) -> Values:
    """Return what a service answers to a request of a region; raise Malformed for a request that is none of the contract's."""
    return _SERVICES[service](body, version, region, caller)


def _error(comment: str) -> Values:
    return {"ResultCode": ResultCode.ERROR, "comment": comment}


def _identity(region: str, caller: str, person: Person) -> Identity:
    """The calling system, for the one person that it speaks for in this call: who may log in as whom it has checked itself."""
    return Identity(role=Role.CONTRACT, region=region, label=caller, subject_person_id=person.id, tasks=ALL_TASKS)


def _find_person(session: Session, region: str, number: str) -> Person | None:
    person = find_person_by_number(session, parse_number(number, today(session)))
    return person if person is not None and person.region == region else None


def _prescriptions(body: etree._Element, version: Version, region: str, caller: str) -> Values:
    asked = read_subject(request_node(body, Service.PRESCRIPTIONS, version))
    with unit_of_work() as session:
        try:
            person = _find_person(session, region, asked)
        except MalformedNumber:
            return _error(words.malformed_number())
        if person is None:
            # Nobody's prescriptions are nothing to report an error about, and the same for everybody unknown.
            return {"SubjectOfCareType": {"SubjectOfCareId": asked}, "ResultCode": ResultCode.OK}
        found = subject_answer(session, _identity(region, caller, person), person, version)
    return {"SubjectOfCareType": found, "ResultCode": ResultCode.OK}


def _points(body: etree._Element, version: Version, region: str, caller: str) -> Values:
    asked = read_points(request_node(body, Service.POINTS, version))
    if not _POSTAL_CODE.fullmatch(asked.postal_code):
        return _error(words.malformed_postal_code())
    points = cast(ServicePoints, current_app.extensions["service_points"]).near(asked.provider, asked.postal_code)
    if points.is_down and not points.points:
        return _error(words.points_are_away())
    return {
        "DeliveryPoint": [
            {
                "DeliveryPointId": point.point_id,
                "DeliveryPointName": point.name,
                "DeliveryPointAddress": point.street,
                "DeliveryPointPostalCode": point.postal_code,
                "DeliveryPointCity": point.city,
                "CountryCode": "SE",
            }
            for point in points.points
        ],
        "ResultCode": ResultCode.OK,
    }


def _order(body: etree._Element, version: Version, region: str, caller: str) -> Values:
    asked = read_order(request_node(body, Service.ORDER, version))
    try:
        with unit_of_work() as session:
            person = find_and_lock_person(session, region, parse_number(asked.subject, today(session)))
            if person is None:
                return _error(words.unknown_person())
            locked = lock_named_items(session, person, [row.item_id for row in asked.rows])
            command = command_of(locked, asked)
            order = place_order(session, _identity(region, caller, person), command, locked=locked)
            return {"Order": order_answer(session, order, version), "ResultCode": ResultCode.OK}
    except MalformedNumber:
        return _error(words.malformed_number())
    except AskedRefused as refused:
        return _error(words.refused_row(refused))
    except DeliveryRefused as refused:
        return _error(words.refused_delivery(refused))
    except NothingChosen:
        return _error(words.nothing_chosen())
    except OrderRefused as refused:
        with unit_of_work() as session:
            return _error(words.refused_order(refused, _items(session, refused)))


def _items(session: Session, refused: OrderRefused) -> dict[int, PrescriptionItem]:
    found = session.scalars(
        select(PrescriptionItem)
        .where(PrescriptionItem.id.in_([problem.prescription_item_id for problem in refused.problems]))
        .options(
            selectinload(PrescriptionItem.article).joinedload(Article.successor),
            joinedload(PrescriptionItem.prescription).joinedload(Prescription.prescribing_unit),
        )
    )
    return {item.id: item for item in found}


_SERVICES: Mapping[Service, Callable[[etree._Element, Version, str, str], Values]] = {
    Service.PRESCRIPTIONS: _prescriptions,
    Service.POINTS: _points,
    Service.ORDER: _order,
}
