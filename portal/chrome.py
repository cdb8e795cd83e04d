"""What stands around every page: who is logged in, for whom, where one can go, and whom to call."""

from dataclasses import dataclass
from typing import Literal

Audience = Literal["public", "patient", "depot", "consultant", "service", "prescriber", "audit"]


@dataclass(frozen=True)
class NavItem:
    """One place in the menu; `badge` is a count to show beside it, 0 for none, `attention` makes it rust.

    `current` marks the section one is in, and `is_page` that its own first page is the one shown.
    """

    label: str
    url: str
    current: bool = False
    badge: int = 0
    attention: bool = False
    is_page: bool = True


@dataclass(frozen=True)
class SwitchOption:
    """One person the user may act for; choosing it posts `value` as `field_name` to `url`."""

    label: str
    url: str
    value: str
    detail: str = ""
    field_name: str = "person"
    current: bool = False


@dataclass(frozen=True)
class LanguageOption:
    """The other language, named in itself (“English”), chosen by posting `language` and `next` to `url`."""

    label: str
    code: str
    url: str
    next_url: str = ""


@dataclass(frozen=True)
class CustomerService:
    """Whom to phone and when, and what is promised of deliveries, in the reader's language, from the region's policy."""

    name: str
    phone: str
    phone_link: str
    hours: str
    promise: str = ""


@dataclass(frozen=True)
class CallBanner:
    """The call that customer service has open: whom it is about, and what may be said to whom; shown on every page."""

    about: str
    advice: str
    more_advice: str
    speakers: tuple[str, ...]
    reason: str
    is_protected: bool
    end_url: str


@dataclass(frozen=True)
class CareBanner:
    """The patient for whom a prescriber reports a fault; shown on every page of it."""

    about: str
    is_protected: bool
    end_url: str


@dataclass(frozen=True)
class PageChrome:
    """Everything `base.html` shows that is not the page itself; the app puts it in context as `chrome`."""

    product_name: str = "Hjälpmedelsportalen"
    language: str = "sv"
    audience: Audience = "public"
    home_url: str = "/"
    who: str = ""
    who_detail: str = ""
    acting_for: str = ""
    act_for_self: SwitchOption | None = None
    switch_options: tuple[SwitchOption, ...] = ()
    navigation: tuple[NavItem, ...] = ()
    languages: tuple[LanguageOption, ...] = ()
    login_url: str = ""
    logout_url: str = ""
    settings_url: str = ""
    customer_service: CustomerService | None = None
    region_name: str = ""
    accessibility_url: str = ""
    access_log_url: str = ""
    demo_notice: str = ""
    call: CallBanner | None = None
    care: CareBanner | None = None
