"""What the prescriber's pages post; amounts and days are checked against the region's policy by the service."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from flask_babel import gettext as _, lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than its stubs
from wtforms.fields.core import Field
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, StopValidation
from wtforms.widgets import CheckboxInput, ListWidget

from orders.models import Article, PrescriptionItem
from orders.prescribing import ExtendItem, Prescribe
from portal.fields import DayField, WholeNumberField, words_on_lines

# What the database's whole numbers hold; the real limits are the region's.
LARGEST = 2**31 - 1
LONGEST_REASON = 300
LONGEST_ANSWER = 500


class _ReadableOrNothing:
    """Ends the checks of a field that holds what cannot be read: that has been said already."""

    field_flags: ClassVar[dict[str, Any]] = {}

    def __call__(self, _form: FlaskForm, field: Field) -> None:
        if field.process_errors:
            raise StopValidation


def _whole_number(label: Any, missing: Any, *, default: int | None = None) -> WholeNumberField:
    return WholeNumberField(
        label,
        [
            InputRequired(missing),
            _ReadableOrNothing(),
            NumberRange(1, LARGEST, message=_l("Write a number that is 1 or more.")),
        ],
        default=default,
    )


def _last_day(label: Any) -> DayField:
    return DayField(label, [InputRequired(_l("Write the last day of the prescription.")), _ReadableOrNothing()])


class FindPatientForm(FlaskForm):
    """Whom to prescribe for, and why."""

    number = StringField(
        _l("Personal number"),
        [
            DataRequired(_l("Write the patient's personal number, 12 digits.")),
            Length(max=30, message=_l("Write the patient's personal number, 12 digits.")),
        ],
        filters=[words_on_lines],
    )
    reason = StringField(
        _l("Why do you open this patient?"),
        [Length(max=LONGEST_REASON, message=_l("Write at most 300 characters."))],
        filters=[words_on_lines],
    )

    def explain_number(self) -> None:
        """Say beside the number that it cannot be one."""
        self.number.errors = [_("That is not a personal number. Check the digits.")]

    def explain_nobody(self) -> None:
        """Say that nobody in the region has the number."""
        self.number.errors = [_("Nobody with that number is registered here. Check the digits.")]

    def explain_reason(self) -> None:
        """Ask for the reason, which somebody else's patient needs."""
        self.reason.errors = [_("Write why you open the patient. It is kept in the access log.")]


class SearchForm(FlaskForm):
    """Which of the unit's patients; sent as a form, so that no name stands in an address."""

    words = StringField(_l("Name or personal number"), [Length(max=100)], filters=[words_on_lines])


class ExtendForm(FlaskForm):
    """More withdrawals, a later last day, or both."""

    more_orders = WholeNumberField(
        _l("More withdrawals"),
        [
            InputRequired(_l("Write how many more withdrawals, 0 for none.")),
            _ReadableOrNothing(),
            NumberRange(0, LARGEST, message=_l("Write 0 or more.")),
        ],
    )
    last_valid_date = DayField(_l("Valid until"), [Optional(), _ReadableOrNothing()])
    home_region_agreed = BooleanField(_l("The patient's home region has agreed to pay"))

    def command(self, item: PrescriptionItem, key: str) -> ExtendItem:
        """Return what the form says; a last day that is the item's own changes nothing."""
        day = self.last_valid_date.data
        return ExtendItem(
            item.id,
            key,
            more_orders=self.more_orders.data or 0,
            last_valid_date=None if day == item.last_valid_date else day,
            home_region_agreed=bool(self.home_region_agreed.data) and not item.home_region_agreed,
        )


class StopForm(FlaskForm):
    """Why the prescription ends."""

    reason = TextAreaField(
        _l("Why do you stop it?"),
        [
            DataRequired(_l("Write why you stop it. It is kept in the access log.")),
            Length(max=LONGEST_REASON, message=_l("Write at most 300 characters.")),
        ],
        filters=[words_on_lines],
    )


class DeclineForm(FlaskForm):
    """Why a request is declined; the patient reads it."""

    answer = TextAreaField(
        _l("Your answer to the patient"),
        [
            DataRequired(_l("Write why. The patient reads it.")),
            Length(max=LONGEST_ANSWER, message=_l("Write at most 500 characters.")),
        ],
        filters=[words_on_lines],
    )


class PrescribeForm(FlaskForm):
    """Amount, days, times and last day of a new prescription, and the varieties it may be spread over."""

    packages = _whole_number(_l("Packages per withdrawal"), _l("Write the number of packages with digits."))
    days = _whole_number(_l("Days that one withdrawal should last"), _l("Write the number of days with digits."))
    orders = _whole_number(_l("Number of withdrawals"), _l("Write the number of withdrawals with digits."))
    valid_until = _last_day(_l("Valid until"))
    first_day = DayField(_l("First withdrawal from"), [Optional(), _ReadableOrNothing()])
    varieties = SelectMultipleField(
        _l("Varieties the patient may choose among"),
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
        coerce=int,
        validators=[InputRequired(_l("Choose at least one variety."))],
    )
    home_region_agreed = BooleanField(_l("The patient's home region has agreed to pay"))
    other_invoice = BooleanField(_l("The patient may name another address for invoices"))
    confirmed_meter = BooleanField(_l("Prescribe all the same: the patient has a meter that these fit"))
    confirmed_second = BooleanField(_l("Prescribe all the same: the patient should have both"))

    @classmethod
    def for_article(
        cls, varieties: Iterable[Article], *, asks_home_region: bool = False, **given: Any
    ) -> PrescribeForm:
        """Build the form with the questions that the article and the patient need."""
        form = cls(**given)
        choices = [SelectChoice(article.id, article.variety or article.display_name) for article in varieties]
        if choices:
            form.varieties.choices = choices
            if form.varieties.data is None and not form.is_submitted():
                form.varieties.data = [choice.value for choice in choices]
        else:
            del form.varieties
        if not asks_home_region:
            del form.home_region_agreed
        return form

    def command(self, person_id: int, article_id: int, key: str) -> Prescribe:
        """Return what the form says, once it has been validated."""
        assert self.packages.data is not None
        assert self.days.data is not None
        assert self.orders.data is not None
        assert self.valid_until.data is not None
        return Prescribe(
            person_id=person_id,
            article_id=article_id,
            packages_per_order=self.packages.data,
            orders_allowed=self.orders.data,
            days_per_order=self.days.data,
            last_valid_date=self.valid_until.data,
            idempotency_key=key,
            sub_article_ids=tuple(self.varieties.data or ()) if "varieties" in self else (),
            first_order_date=self.first_day.data,
            allow_other_invoice_address=bool(self.other_invoice.data),
            home_region_agreed=bool(self.home_region_agreed.data) if "home_region_agreed" in self else False,
            confirmed_meter=bool(self.confirmed_meter.data),
            confirmed_second=bool(self.confirmed_second.data),
        )
