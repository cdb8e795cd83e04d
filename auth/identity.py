"""Who is acting, for whom, with which rights: values only, no database and no web."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from core.audit import Actor, ActorKind


class Role(StrEnum):
    """What an identity may be. A person is always a patient or somebody who acts for one.

    CONTRACT is another system that has logged the person in itself and asks for them by the national contract.
    """

    PATIENT = "PATIENT"
    DEPOT = "DEPOT"
    CUSTOMER_SERVICE = "CUSTOMER_SERVICE"
    CONSULTANT = "CONSULTANT"
    PRESCRIBER = "PRESCRIBER"
    AUDITOR = "AUDITOR"
    COST_RESPONSIBLE = "COST_RESPONSIBLE"
    CONTRACT = "CONTRACT"
    SYSTEM = "SYSTEM"


class Task(StrEnum):
    """What one person may do for another (or for themselves). Handbook §4."""

    ORDER = "order"
    REPORT_FAULTS = "report_faults"
    VIEW_HISTORY = "view_history"


class Relation(StrEnum):
    """How the one who acts stands to the subject of care.

    CALL is customer service with the patient on the phone, CARE a prescriber whose unit prescribes for the patient.
    """

    SELF = "SELF"
    GUARDIAN = "GUARDIAN"
    PROXY = "PROXY"
    CALL = "CALL"
    CARE = "CARE"


ALL_TASKS = frozenset(Task)


@dataclass(frozen=True)
class Identity:
    """An actor as every service sees it, built anew for each request and job.

    `subject_person_id` is the person whose data a request is about: a patient's, a relative's, or customer service's during a call.
    `tasks` is what the actor may do for them, `reason` why staff has opened their pages; it goes into the access log.
    """

    role: Role
    region: str
    person_id: int | None = None
    staff_id: int | None = None
    unit_id: int | None = None
    label: str = field(default="", repr=False)
    subject_person_id: int | None = None
    relation: Relation | None = None
    tasks: frozenset[Task] = frozenset()
    reason: str = ""

    @property
    def is_staff(self) -> bool:
        """Whether somebody at work is acting."""
        return self.staff_id is not None

    @property
    def acts_for_another(self) -> bool:
        """Whether a person acts for somebody else."""
        return self.person_id is not None and self.person_id != self.subject_person_id

    @property
    def actor(self) -> Actor:
        """The identity as the access log keeps it."""
        if self.person_id is not None:
            return Actor(ActorKind.PERSON, self.person_id, self.region)
        if self.staff_id is not None:
            return Actor(ActorKind.STAFF, self.staff_id, self.region, self.unit_id, self.label, self.reason)
        return Actor(ActorKind.SYSTEM, None, self.region, label=self.label)


def system_identity(region: str, label: str) -> Identity:
    """The identity of a worker or an import; `label` names it in the access log."""
    return Identity(role=Role.SYSTEM, region=region, label=label)
