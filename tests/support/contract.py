"""Responses of the national contract for tests, written by hand from the schemas."""

from __future__ import annotations

from dataclasses import dataclass

CONTRACT = "urn:riv:crm:selfservice:medicalsupply"


@dataclass(frozen=True)
class Item:
    """A prescription item of a response; the defaults make a valid one."""

    item_id: str = "I1"
    article_no: str = "21001"
    package_size: int = 1
    allowed: object = 4
    remaining: object = 3
    pieces: object = 6
    packages: object = 6
    next_earliest: str = ""
    last_valid: str = "2027-05-01"
    status: str = "AKTIV"
    prescription_id: str = "P1"
    source: str = "JOURNAL"
    sub_article_nos: tuple[str, ...] = ()
    notification: str = "E-POST"
    unit_id: str = "SE2321000131-E000000000901"
    extra: str = ""


@dataclass(frozen=True)
class Past:
    """A line of a response's history."""

    order_item_id: str
    item_id: str = "I1"
    article_no: str = "21001"
    pieces: object = 6
    order_date: str = "2026-09-01"
    delivered: str = "<c:DeliveredDate>2026-09-05</c:DeliveredDate>"


def response(number: str, *items: Item, version: int = 2, history: tuple[Past, ...] = (), result: str = "OK") -> str:
    """Write one bare response."""
    responder = f"{CONTRACT}:GetMedicalSupplyPrescriptionsResponder:{version}"
    return (
        f'<r:GetMedicalSupplyPrescriptionsResponse xmlns:r="{responder}" xmlns:c="{CONTRACT}:{version}"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<r:SubjectOfCareType>\n<c:SubjectOfCareId>{number}</c:SubjectOfCareId>\n"
        + "".join(_item(item, version) for item in items)
        + "".join(_past(past, version) for past in history)
        + f"</r:SubjectOfCareType><r:ResultCode>{result}</r:ResultCode></r:GetMedicalSupplyPrescriptionsResponse>\n"
    )


def in_envelope(body: str) -> str:
    """Put a response into a SOAP envelope."""
    return (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header/>'
        f"<s:Body>{body}</s:Body></s:Envelope>"
    )


def _coded(name: str, word: str, version: int) -> str:
    inner = f"<c:code>{word}</c:code><c:codeSystem>1.2.3</c:codeSystem>" if version == 2 else word
    return f"<c:{name}>{inner}</c:{name}>"


def _article(name: str, number: str, size: int, version: int) -> str:
    return (
        f"<c:{name}><c:ArticleNo>{number}</c:ArticleNo><c:ArticleName>Namn</c:ArticleName>"
        f"<c:PackageSize>{size}</c:PackageSize>{_coded('ProductArea', 'DIABETES', version)}"
        "<c:IsOrderable>true</c:IsOrderable><c:ArticleImage><c:Original>https://example.se/stor.png</c:Original>"
        "<c:Thumbnail>\n  https://example.se/liten.png\n</c:Thumbnail></c:ArticleImage>"
        f'<x:Shelf xmlns:x="urn:example:extension"><x:ArticleNo>99999</x:ArticleNo></x:Shelf></c:{name}>'
    )


def _item(item: Item, version: int) -> str:
    earliest = f"<c:NextEarliestOrderDate>{item.next_earliest}</c:NextEarliestOrderDate>" if item.next_earliest else ""
    subs = "".join(_article("SubArticle", number, item.package_size, version) for number in item.sub_article_nos)
    return (
        f"<c:PrescriptionItem><c:PrescriptionItemId>{item.item_id}</c:PrescriptionItemId>"
        f"{_article('Article', item.article_no, item.package_size, version)}"
        f"<c:NoOfOrders>{item.allowed}</c:NoOfOrders><c:NoOfRemainingOrders>{item.remaining}</c:NoOfRemainingOrders>"
        f"<c:NoOfArticlesPerOrder>{item.pieces}</c:NoOfArticlesPerOrder>"
        f"<c:NoOfPackagesPerOrder>{item.packages}</c:NoOfPackagesPerOrder>{subs}"
        "<c:DeliveryAlternative><c:DeliveryMethodId>HOME</c:DeliveryMethodId><c:DeliveryMethodName>Hem</c:DeliveryMethodName>"
        f"<c:DeliveryMethod>HEMLEVERANS</c:DeliveryMethod>{_coded('ServicePointProvider', 'INGEN', version)}"
        "<c:AllowChioceOfDeliveryPoints>false</c:AllowChioceOfDeliveryPoints></c:DeliveryAlternative>"
        "<c:DeliveryAlternative><c:DeliveryMethodId>D1</c:DeliveryMethodId><c:DeliveryMethodName>Ombud</c:DeliveryMethodName>"
        f"<c:DeliveryMethod>UTLÄMNINGSSTÄLLE</c:DeliveryMethod>{_coded('ServicePointProvider', 'POSTNORD', version)}"
        "<c:AllowChioceOfDeliveryPoints>true</c:AllowChioceOfDeliveryPoints>"
        f"<c:DeliveryNotificationMethod>{item.notification}</c:DeliveryNotificationMethod>"
        "<c:AllowContactPerson>1</c:AllowContactPerson></c:DeliveryAlternative>"
        f"{earliest}<c:PrescriptionId>{item.prescription_id}</c:PrescriptionId><c:Source>{item.source}</c:Source>"
        "<c:Prescriber><c:PrescriberId>SE2321000131-P1</c:PrescriberId><c:PrescriberName>Karin Vestlind</c:PrescriberName>"
        "</c:Prescriber><c:PrescribingOrganization>"
        f"<c:PrescribingOrganizationId>{item.unit_id}</c:PrescribingOrganizationId>"
        "<c:PrescribingOrganizationName>Mottagningen</c:PrescribingOrganizationName></c:PrescribingOrganization>"
        f"<c:LastValidDate>{item.last_valid}</c:LastValidDate><c:Status>{item.status}</c:Status>{item.extra}"
        "</c:PrescriptionItem>\n"
    )


def _past(past: Past, version: int) -> str:
    return (
        f"<c:OrderItem><c:OrderItemId>{past.order_item_id}</c:OrderItemId>"
        f"<c:PrescriptionItemId>{past.item_id}</c:PrescriptionItemId><c:DeliveryChoice>"
        "<c:DeliveryMethodId>HOME</c:DeliveryMethodId><c:DeliveryMethod>HEMLEVERANS</c:DeliveryMethod></c:DeliveryChoice>"
        f"{_article('Article', past.article_no, 1, version)}<c:NoOfPcs>{past.pieces}</c:NoOfPcs>"
        f"<c:OrderDate>{past.order_date}</c:OrderDate>{past.delivered}</c:OrderItem>\n"
    )
