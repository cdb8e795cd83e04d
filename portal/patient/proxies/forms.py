"""Whom to ask to be one's proxy, for what and how long."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _, lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than its stubs
from wtforms.validators import InputRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from auth.identity import Task
from auth.proxies import AppointmentProblem, AppointmentRefused, AppointProxy
from portal.formats import day_with_year
from portal.patient.fields import DayField

TASKS: Mapping[Task, Any] = {
    Task.ORDER: _l("Order products"),
    Task.REPORT_FAULTS: _l("Report faults"),
    Task.VIEW_HISTORY: _l("See orders"),
}
TASK_DETAILS: Mapping[Task, Any] = {
    Task.ORDER: _l("Sees your products, your address and your orders. Can order and cancel."),
    Task.REPORT_FAULTS: _l("Sees what you have got sent home and your fault reports. Can report a fault."),
    Task.VIEW_HISTORY: _l("Sees what you have ordered and where the parcel is. Cannot order."),
}


class AppointForm(FlaskForm):
    """Personal number, tasks and the last day."""

    number = StringField(
        _l("The person's personal number"),
        filters=[lambda text: (text or "").replace("\x00", "").strip()],
        validators=[
            InputRequired(_l("Write the person's personal number, 12 digits.")),
            Length(max=30, message=_l("Write the person's personal number, 12 digits.")),
        ],
    )
    tasks = SelectMultipleField(
        _l("What may the person do?"),
        choices=[SelectChoice(task.value, words) for task, words in TASKS.items()],
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
        validators=[InputRequired(_l("Choose at least one thing."))],
    )
    valid_until = DayField(
        _l("Until and including"), validators=[InputRequired(_l("Write the last day the person may act for you."))]
    )

    def command(self, idempotency_key: str) -> AppointProxy:
        """Return what the form says, once it has been validated."""
        assert self.valid_until.data is not None
        return AppointProxy(
            number=self.number.data or "",
            tasks=frozenset(Task(task) for task in self.tasks.data or []),
            valid_until=self.valid_until.data,
            idempotency_key=idempotency_key,
        )

    def explain_number(self) -> None:
        """Say beside the number that it cannot be one."""
        self.number.errors = [_("That is not a personal number. Check the digits.")]

    def explain(self, refused: AppointmentRefused) -> None:
        """Put each thing that does not add up beside the question it is about."""
        words: dict[AppointmentProblem, tuple[Any, str]] = {
            AppointmentProblem.ONESELF: (
                self.number,
                _("That is your own number. Write the number of the one you want to ask."),
            ),
            AppointmentProblem.TOO_YOUNG: (self.number, _("A proxy must have turned 18.")),
            AppointmentProblem.NO_TASK: (self.tasks, _("Choose at least one thing.")),
            AppointmentProblem.ALREADY_OVER: (
                self.valid_until,
                _("That day has already been. Choose today or a later day."),
            ),
            AppointmentProblem.TOO_LONG: (
                self.valid_until,
                _("Choose %(day)s or an earlier day.", day=day_with_year(refused.latest)),
            ),
        }
        for problem in refused.problems:
            field, sentence = words[problem]
            field.errors = [*field.errors, sentence]
