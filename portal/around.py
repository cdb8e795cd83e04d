"""What stands around a page: fills the chrome for whoever is asking."""

from __future__ import annotations

from flask import Flask, g, request, url_for
from flask_babel import get_locale, gettext as _

from auth.identity import Role
from auth.permissions import Permission
from core.policy import policy_of
from delivery.complaints.board import untriaged_red_flags
from delivery.complaints.signals import open_signals
from delivery.news_queries import unread_news
from delivery.warehouse_parts import is_elsewhere
from orders.policy import CustomerServicePolicy
from portal.call_banner import call_banner
from portal.chrome import Audience, CareBanner, CustomerService, LanguageOption, NavItem, PageChrome, SwitchOption
from portal.patient.inbox import unread_count
from portal.security import SignedIn, may, signed_in, unit_of_work
from portal.urls import home_endpoint

# Pages that belong to a section whose address they do not begin with.
_SECTION_OF = {
    "/order": "patient.products",
    "/depot/picks": "depot.pick_list",
    "/depot/packing": "depot.parcels",
    "/depot/hand-over": "depot.parcels",
    "/depot/returns": "depot.stock",
    "/recall-calls": "recalls.board",
    "/prescriber/items": "prescriber.patients",
    "/incidents": "consultant.board",
}
LANGUAGES = {"sv": "Svenska", "en": "English"}
_AUDIENCES: dict[Role, Audience] = {
    Role.PATIENT: "patient",
    Role.DEPOT: "depot",
    Role.CONSULTANT: "consultant",
    Role.CUSTOMER_SERVICE: "service",
    Role.PRESCRIBER: "prescriber",
    Role.COST_RESPONSIBLE: "prescriber",
    Role.AUDITOR: "audit",
}


def current_language() -> str:
    """Return the language of the request: one that the portal speaks."""
    locale = get_locale()
    return locale.language if locale is not None and locale.language in LANGUAGES else "sv"


def customer_service(region: str, language: str) -> CustomerService:
    """Return whom to call in a region, in the reader's language."""
    policy = policy_of(region).section(CustomerServicePolicy)
    return CustomerService(
        name=_("Customer service"),
        phone=policy.phone,
        phone_link="".join(character for character in policy.phone if character.isdigit()),
        hours=policy.hours_en if language == "en" else policy.hours_sv,
        promise=policy.promise_en if language == "en" else policy.promise_sv,
    )


def build_chrome(default_region: str) -> PageChrome:
    """Build the chrome of this request; without a database, what can be said to anybody."""
    language = current_language()
    if g.get("database_is_away"):
        return PageChrome(
            language=language,
            customer_service=customer_service(default_region, language),
            region_name=policy_of(default_region).section(CustomerServicePolicy).region_name,
        )
    user = signed_in()
    region = user.identity.region if user else default_region
    other = "en" if language == "sv" else "sv"
    next_url = request.full_path.rstrip("?") if request.method == "GET" else "/"
    common = {
        "language": language,
        "languages": (LanguageOption(LANGUAGES[other], other, url_for("public.set_language"), next_url),),
        "customer_service": customer_service(region, language),
        "region_name": policy_of(region).section(CustomerServicePolicy).region_name,
        "accessibility_url": url_for("public.accessibility"),
    }
    if user is None:
        return PageChrome(**common, home_url="/", login_url=url_for("login.show"))  # type: ignore[arg-type]
    subject = user.subject if user.person or user.is_in_call else None
    return PageChrome(
        **common,  # type: ignore[arg-type]
        audience="patient" if user.is_in_call else _AUDIENCES.get(user.identity.role, "public"),
        home_url=url_for(home_endpoint(user)),
        who=_short_name(user),
        who_detail=_whole_name(user),
        acting_for=subject.given_name if subject and user.identity.acts_for_another else "",
        act_for_self=_switch_to_self(user),
        switch_options=_switch_options(user),
        navigation=_navigation(user),
        logout_url=url_for("login.log_out"),
        settings_url=url_for("settings.show") if may(Permission.CHOOSE_SETTINGS) else "",
        access_log_url=url_for("own_log.show") if may(Permission.SEE_WHO_LOOKED) else "",
        call=call_banner(user) if user.is_in_call else None,
        care=_care_banner(user) if user.is_in_care else None,
    )


def _care_banner(user: SignedIn) -> CareBanner:
    person = user.subject
    name = "" if person.is_protected else person.full_name
    about = _("You report for %(name)s", name=name) if name else _("You report for a patient with protected identity")
    return CareBanner(about, person.is_protected, url_for("prescriber.close_reporting"))


def _short_name(user: SignedIn) -> str:
    """A phone's top line has room for one name."""
    if user.person is None:
        return user.identity.label.split(" ")[0]
    return user.person.given_name or _("You")


def _whole_name(user: SignedIn) -> str:
    if user.commission is not None:
        return f"{user.identity.label}, {user.commission.unit.name}"
    return user.person.full_name if user.person else ""


def _switch_options(user: SignedIn) -> tuple[SwitchOption, ...]:
    if len(user.subjects) < 2:
        return ()
    return tuple(
        SwitchOption(
            label=subject.person.full_name or _("Yourself"),
            url=url_for("patient.switch_person"),
            value=str(subject.person.id),
            detail=_("Yourself") if subject.person.id == user.identity.person_id else "",
            current=subject.person.id == user.identity.subject_person_id,
        )
        for subject in user.subjects
    )


def _switch_to_self(user: SignedIn) -> SwitchOption | None:
    if not user.identity.acts_for_another:
        return None
    return SwitchOption(_("Back to my own page"), url_for("patient.switch_person"), str(user.identity.person_id))


def _navigation(user: SignedIn) -> tuple[NavItem, ...]:
    places: list[tuple[str, str, Permission]] = [
        (_("My products"), "patient.products", Permission.SEE_PRODUCTS),
        (_("Orders"), "patient.orders", Permission.SEE_ORDERS),
        (_("Report a fault"), "faults.choose", Permission.REPORT_FAULT),
        (_("My reports"), "faults.cases", Permission.SEE_OWN_CASES),
        (_("Inbox"), "patient.inbox", Permission.READ_INBOX),
        (_("My proxies"), "proxies.show", Permission.SEE_PROXIES),
        (_("Today"), "depot.today", Permission.SEE_DEPOT),
        (_("Pick list"), "depot.pick_list", Permission.PICK),
        (_("Parcels"), "depot.parcels", Permission.SHIP),
        (_("Goods in"), "depot.receiving", Permission.RECEIVE_GOODS),
        (_("Stock"), "depot.stock", Permission.SEE_STOCK),
        (_("Warehouse"), "depot.warehouse", Permission.SEE_DEPOT),
        (_("Complaints"), "consultant.board", Permission.SEE_COMPLAINTS),
        (_("Signals"), "signals.board", Permission.SEE_SIGNALS),
        (_("Recalls"), "recalls.board", Permission.RECALL),
        (_("Claims"), "claims.overview", Permission.CLAIM),
        (_("Exchange files"), "exchanges.show", Permission.READ_EXCHANGES),
        (_("News"), "news.show", Permission.PUBLISH_NEWS),
        (_("Statistics"), "statistics.show", Permission.SEE_STATISTICS),
        (_("Find the patient"), "service.find", Permission.TAKE_CALL),
        (_("News"), "own_news.show", Permission.TAKE_CALL),
        # For consultants the list to phone is a part of the recall.
        (_("Recalls to phone about"), "recall_calls.lists", Permission.TAKE_CALL),
        (_("Needs you"), "prescriber.start", Permission.SEE_UNIT_PATIENTS),
        (_("Patients"), "prescriber.patients", Permission.SEE_UNIT_PATIENTS),
        (_("Find in the region"), "prescriber.find", Permission.PRESCRIBE),
        (_("News"), "prescriber.news", Permission.SEE_UNIT_PATIENTS),
        (_("The unit's store"), "store.show", Permission.SEE_STORE),
        (_("Costs"), "payers.basis", Permission.SEE_PAYERS),
        (_("Access log"), "audit.log", Permission.READ_ACCESS_LOG),
    ]
    badges = _badges(user)
    if may(Permission.SEE_DEPOT) and not is_elsewhere(user.identity.region):
        places = [place for place in places if place[1] != "depot.warehouse"]
    shown = [(label, endpoint, url_for(endpoint)) for label, endpoint, permission in places if may(permission)]
    section = _section(request.path, {endpoint: url for _label, endpoint, url in shown})
    return tuple(
        NavItem(
            label,
            url,
            current=endpoint == section,
            is_page=url == request.path,
            badge=badges.get(endpoint, 0),
            attention=True,
        )
        for label, endpoint, url in shown
    )


def _badges(user: SignedIn) -> dict[str, int]:
    """The numbers beside the menu's places: what waits for whoever looks."""
    counts: dict[str, int] = {}
    with unit_of_work() as session:
        if user.person is not None:
            counts["patient.inbox"] = unread_count(session, user)
        if may(Permission.SEE_SIGNALS):
            counts["signals.board"] = open_signals(session, user.identity)
        if may(Permission.SEE_COMPLAINTS):
            counts["consultant.board"] = untriaged_red_flags(session, user.identity)
        if may(Permission.SEE_UNIT_PATIENTS):
            counts["prescriber.news"] = unread_news(session, user.identity)
    return counts


def _section(path: str, urls: dict[str, str]) -> str | None:
    """Return the endpoint of the section that a page is in: the longest address that its own begins with."""
    roots = [(url, endpoint) for endpoint, url in urls.items()]
    roots += [(root, endpoint) for root, endpoint in _SECTION_OF.items() if endpoint in urls]
    around = [(len(root), endpoint) for root, endpoint in roots if path == root or path.startswith(f"{root}/")]
    return max(around)[1] if around else None


def init_around(app: Flask, default_region: str) -> None:
    """Put `chrome` into every template."""

    @app.context_processor
    def add_chrome() -> dict[str, PageChrome]:
        return {"chrome": build_chrome(default_region)}
