"""What a person chooses for themselves."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from flask_babel import gettext as _, lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import RadioField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than its stubs
from wtforms.validators import InputRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from auth.models import NotifyBy
from auth.settings import LONGEST_EMAIL, ContactChoice, ContactProblem
from orders.kinds import ReminderKind

WAYS: Mapping[NotifyBy, Any] = {
    NotifyBy.NONE: _l("Not at all, I look in the inbox"),
    NotifyBy.EMAIL: _l("By e-mail"),
    NotifyBy.SMS: _l("By SMS"),
}
REMINDERS: Mapping[ReminderKind, Any] = {
    ReminderKind.CAN_ORDER: _l("When I can order again"),
    ReminderKind.RUNS_OUT: _l("When something is about to run out"),
    ReminderKind.PRESCRIPTION_ENDS: _l("When a prescription is about to end"),
}
REMINDER_DETAILS: Mapping[ReminderKind, Any] = {
    ReminderKind.CAN_ORDER: _l("On the first day that the product can be ordered."),
    ReminderKind.RUNS_OUT: _l("About ten days before. What is on its way to you is counted."),
    ReminderKind.PRESCRIPTION_ENDS: _l("30 days before, so that there is time to renew it."),
}


def _clean(text: str | None) -> str:
    return (text or "").replace("\x00", "").strip()


class SettingsForm(FlaskForm):
    """How to be told, where, what to be reminded of, and the language."""

    notify_by = RadioField(
        _l("How do you want to know that there is a new message?"),
        validators=[InputRequired(_l("Choose how you want to know."))],
    )
    email = StringField(
        _l("E-mail address"),
        filters=[_clean],
        validators=[Length(max=LONGEST_EMAIL, message=_l("The e-mail address is too long."))],
    )
    mobile = StringField(
        _l("Mobile number"),
        filters=[_clean],
        validators=[Length(max=40, message=_l("Write the mobile number with digits, for example 070-123 45 67."))],
    )
    reminders = SelectMultipleField(
        _l("What do you want to be reminded of?"),
        choices=[SelectChoice(kind.value, words) for kind, words in REMINDERS.items()],
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
    )
    language = RadioField(
        _l("Which language do you want to read?"), validators=[InputRequired(_l("Choose a language."))]
    )

    def offer(self, ways: Collection[NotifyBy], languages: Mapping[str, str]) -> None:
        """Say what can be chosen here."""
        self.notify_by.choices = [SelectChoice(way.value, WAYS[way]) for way in ways]
        self.language.choices = [SelectChoice(code, name) for code, name in languages.items()]

    def choice(self) -> ContactChoice:
        """Return what the form says, once it has been validated."""
        return ContactChoice(
            notify_by=NotifyBy(self.notify_by.data),
            email=self.email.data or "",
            mobile=self.mobile.data or "",
            reminders=frozenset(self.reminders.data or ()),
            language=self.language.data,
        )

    def explain(self, problem: ContactProblem) -> None:
        """Put what is wrong beside the field that it is about."""
        words = {
            ContactProblem.EMAIL_MISSING: (self.email, _("Write the e-mail address that we are to write to.")),
            ContactProblem.EMAIL_MALFORMED: (
                self.email,
                _("That is not an e-mail address. Check it, for example anna@example.se."),
            ),
            ContactProblem.MOBILE_MISSING: (self.mobile, _("Write the mobile number that we are to send to.")),
            ContactProblem.MOBILE_MALFORMED: (
                self.mobile,
                _("That is not a mobile number. Check it, for example 070-123 45 67."),
            ),
        }
        field, sentence = words[problem]
        field.errors = [*field.errors, sentence]
