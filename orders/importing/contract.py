"""Reads GetMedicalSupplyPrescriptions responses of the national contract, versions 1.0 and 2.0 (handbook §13).

A file holds one response, bare or in a SOAP envelope, or several anywhere in a wrapper. Elements of other namespaces are extensions
and are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from lxml import etree

from auth.numbers import MalformedNumber, parse_number
from core.importing import FileRefused, Refusal, RowRefused
from core.xml import HasDocumentType, NotWellFormed, parse_xml
from orders.importing.contract_nodes import Node, line_of
from orders.importing.parsed import (
    AREAS,
    METHODS,
    NO_PROVIDER,
    NOTIFICATIONS,
    STATUSES,
    Alternative,
    ItemKey,
    ParsedFile,
    ParsedItem,
    PastWithdrawal,
    Prescriber,
    ToldArticle,
    check_alternatives,
    check_amounts,
)
from orders.kinds import ProductArea

CONTRACT = "urn:riv:crm:selfservice:medicalsupply"
RESPONSE = "GetMedicalSupplyPrescriptionsResponse"
VERSIONS = ("1", "2")
_LONGEST = 4000
_RESPONDER = re.compile(re.escape(CONTRACT) + r":GetMedicalSupplyPrescriptionsResponder:(.+)")


def parse_responses(raw: bytes, today: date) -> ParsedFile:
    """Read every response in the file; a response is the full delivery of its sources for its person. Raise FileRefused."""
    responses = list(_responses(_parse(raw)))
    if not responses:
        raise FileRefused(f"no {RESPONSE} of {CONTRACT} 1.0 or 2.0 in the file")
    parsed = ParsedFile()
    for response in responses:
        try:
            _read_response(parsed, response, today)
        except RowRefused as refusal:
            parsed.refusals.append(Refusal(response.line, refusal.reason))
    return parsed


def _parse(raw: bytes) -> etree._Element:
    try:
        # Some senders leave white space within the quotation marks of a namespace.
        return parse_xml(raw, tidies_namespaces=True)
    except NotWellFormed as problem:
        raise FileRefused("not well-formed XML", problem.line) from None
    except HasDocumentType as problem:
        raise FileRefused(str(problem)) from None


def _responses(root: etree._Element) -> Iterator[Node]:
    for element in root.iter(etree.Element):
        name = etree.QName(element)
        match = _RESPONDER.fullmatch(name.namespace or "")
        if name.localname == RESPONSE and match:
            if match[1] not in VERSIONS:
                raise FileRefused("only versions 1.0 and 2.0 of the contract are read", line_of(element))
            yield Node(element, frozenset({match[0], f"{CONTRACT}:{match[1]}"}))


def _read_response(parsed: ParsedFile, response: Node, today: date) -> None:
    result = response.text("ResultCode", 10)
    if result not in ("OK", "INFO"):
        raise RowRefused("the source answered with an error instead of prescriptions")
    node = response.child("SubjectOfCareType")
    if node is None:
        parsed.names_nobody = result == "OK"
        raise RowRefused("the answer names no person")
    try:
        number = parse_number(node.text("SubjectOfCareId", 20), today)
    except MalformedNumber:
        raise RowRefused("SubjectOfCareId is not a personal or co-ordination number") from None
    subject = parsed.subject(number, node.line)
    items = list(node.children("PrescriptionItem"))
    # An answer with a reservation (INFO) and nothing in it is no proof that everything is gone.
    subject.is_empty_answer |= not items and result == "OK"
    for item_node in items:
        key = None
        try:
            key = ItemKey(
                item_node.text("Source", 60),
                item_node.text("PrescriptionId", 80),
                item_node.text("PrescriptionItemId", 80),
            )
            subject.full_sources.add(key.source)
            parsed.take(subject, _read_item(item_node, key))
        except RowRefused as refusal:
            parsed.refusals.append(Refusal(item_node.line, refusal.reason))
            if key is None:
                subject.is_readable = False
            else:
                subject.mentioned.add(key)
    seen = {past.order_item_id for past in subject.history}
    for past_node in node.children("OrderItem"):
        try:
            past = _read_past(past_node)
            if past.order_item_id in seen:
                raise RowRefused("the same OrderItemId is on an earlier line")
            seen.add(past.order_item_id)
            subject.history.append(past)
        except RowRefused as refusal:
            parsed.refusals.append(Refusal(past_node.line, refusal.reason))
            subject.is_history_readable = False


def _read_item(node: Node, key: ItemKey) -> ParsedItem:
    article, subs = node.required("Article"), list(node.children("SubArticle"))
    sub_nos = tuple(sub.text("ArticleNo", 40) for sub in subs)
    if len(set(sub_nos)) != len(sub_nos):
        raise RowRefused("the same SubArticle is there twice")
    allowed, remaining = node.whole("NoOfOrders", least=1), node.whole("NoOfRemainingOrders", least=0)
    pieces, packages = node.whole("NoOfArticlesPerOrder", least=1), node.whole("NoOfPackagesPerOrder", least=0)
    check_amounts(allowed, remaining, pieces, packages)
    status = node.text("Status", 20)
    if status not in STATUSES:
        raise RowRefused("Status is not one of the contract's")
    alternatives = tuple(_read_alternative(child) for child in node.children("DeliveryAlternative"))
    if not alternatives:
        raise RowRefused("DeliveryAlternative is missing")
    return ParsedItem(
        line=node.line,
        key=key,
        article_no=article.text("ArticleNo", 40),
        package_sizes=tuple(
            (part.text("ArticleNo", 40), part.whole("PackageSize", least=1)) for part in (article, *subs)
        ),
        product_area=_area(article),
        sub_article_nos=sub_nos,
        orders_allowed=allowed,
        orders_remaining=remaining,
        pieces_per_order=pieces,
        packages_per_order=packages,
        days_per_order=None,
        next_earliest_order_date=node.optional_day("NextEarliestOrderDate"),
        last_valid_date=node.day("LastValidDate"),
        status=STATUSES[status],
        prescriber=_read_prescriber(node.required("Prescriber"), node.required("PrescribingOrganization")),
        alternatives=check_alternatives(alternatives),
        allow_other_invoice_address=node.flag("AllowOtherInvoiceAddress"),
        articles=tuple(_read_article(part) for part in (article, *subs)),
    )


def _read_article(node: Node) -> ToldArticle:
    def words(name: str, longest: int) -> str:
        # A name that is too long for us is still a name.
        return node.text(name, _LONGEST, required=False)[:longest].strip()

    return ToldArticle(
        article_no=node.text("ArticleNo", 40),
        name=words("ArticleName", 200),
        package_size=node.whole("PackageSize", least=1),
        unit=words("PackageSizeUnit", 20),
        product_area=_area(node),
        is_orderable=words("IsOrderable", 10) in ("true", "1"),
        variety=words("Variety", 100),
    )


def _area(article: Node) -> ProductArea | None:
    return next((AREAS[word] for word in article.coded("ProductArea") if word in AREAS), None)


def _read_prescriber(prescriber: Node, unit: Node) -> Prescriber:
    return Prescriber(
        prescriber_id=prescriber.text("PrescriberId", 40),
        name=prescriber.text("PrescriberName", 200),
        title=prescriber.text("PrescriberTitle", 100, required=False),
        code=prescriber.text("PrescriberCode", 40, required=False),
        unit_id=unit.text("PrescribingOrganizationId", 31),
        unit_name=unit.text("PrescribingOrganizationName", 200),
    )


def _read_alternative(node: Node) -> Alternative:
    method = node.text("DeliveryMethod", 20)
    if method not in METHODS:
        raise RowRefused("DeliveryMethod is not one of the contract's")
    providers = node.coded("ServicePointProvider")
    if providers and len(providers[0]) > 20:
        raise RowRefused("ServicePointProvider is longer than 20 characters")
    words = [child.own_text for child in node.children("DeliveryNotificationMethod")]
    if not all(word in NOTIFICATIONS for word in words):
        raise RowRefused("DeliveryNotificationMethod is not one of the contract's")
    return Alternative(
        method_id=node.text("DeliveryMethodId", 40),
        name=node.text("DeliveryMethodName", 100),
        method=METHODS[method],
        provider=providers[0] if providers else NO_PROVIDER,
        # Spelt so in the contract (handbook §13).
        allow_choice_of_delivery_points=node.flag("AllowChioceOfDeliveryPoints"),
        notifications=tuple(dict.fromkeys(NOTIFICATIONS[word] for word in words)),
        allow_delivery_comment=node.flag("AllowDeliveryComment"),
        allow_contact_person=node.flag("AllowContactPerson"),
    )


def _read_past(node: Node) -> PastWithdrawal:
    return PastWithdrawal(
        line=node.line,
        order_item_id=node.text("OrderItemId", 80),
        item_id=node.text("PrescriptionItemId", 80),
        article_no=node.required("Article").text("ArticleNo", 40),
        pieces=node.whole("NoOfPcs", least=1),
        order_date=node.day("OrderDate"),
        delivered_date=node.optional_day("DeliveredDate"),
    )
