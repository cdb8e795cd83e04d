"""What the checklist, the severities and the faults are called in documents and on the consultant's pages, in the language of `_`."""

from __future__ import annotations

from collections.abc import Mapping

from delivery.complaints.incident_models import DocumentKind, Severity
from delivery.complaints.incident_rules import Answer, Question
from delivery.complaints.models import FaultKind
from delivery.sheets import Translate


def questions(_: Translate) -> Mapping[Question, str]:
    """Return the checklist's questions."""
    return {
        Question.CAUSE: _("Could the product have been the cause, or part of it?"),
        Question.DEATH: _("Has somebody died?"),
        Question.DETERIORATION: _("Did somebody become seriously worse?"),
        Question.CARE: _("Was hospital care or treatment needed?"),
        Question.UNANTICIPATED: _("Was it unexpected that they became worse?"),
        Question.COULD_HAVE_LED: _("Could it have led to death or serious harm?"),
        Question.PUBLIC_HEALTH: _("Are many people in danger right now?"),
    }


def explanations(_: Translate) -> Mapping[Question, str]:
    """Return what each question means."""
    return {
        Question.CAUSE: _(
            "How it works, what it is made of, its labels or its instructions. Answer no only if you know that it was something else."
        ),
        Question.DEATH: _("The patient, whoever used the product, or somebody else."),
        Question.DETERIORATION: _(
            "Danger to life, lasting harm, or harm that took treatment to stop. For instance ketoacidosis or unconsciousness."
        ),
        Question.CARE: _("Admitted, kept longer, an ambulance, or treated so that no lasting harm came of it."),
        Question.UNANTICIPATED: _(
            "Answer no only if the product's instructions warn of exactly this. Is asked only when somebody became worse."
        ),
        Question.COULD_HAVE_LED: _(
            "With less luck, or if nobody had noticed in time. Is asked only when nobody died or became worse."
        ),
        Question.PUBLIC_HEALTH: _(
            "The same fault in many products, with such danger that others must be protected at once."
        ),
    }


def answers(_: Translate) -> Mapping[Answer, str]:
    """Return the answers."""
    return {Answer.YES: _("Yes"), Answer.NO: _("No"), Answer.UNKNOWN: _("Not known yet")}


def severities(_: Translate) -> Mapping[Severity, str]:
    """Return what the severities are called."""
    return {
        Severity.PUBLIC_HEALTH_THREAT: _("Threat to public health"),
        Severity.DEATH_OR_UNANTICIPATED: _("Death or unexpected serious harm"),
        Severity.OTHER_SERIOUS: _("Other serious incident"),
        Severity.NOT_SERIOUS: _("Not a serious incident"),
    }


def kinds(_: Translate) -> Mapping[DocumentKind, str]:
    """Return what the documents are called."""
    return {
        DocumentKind.AUTHORITY_REPORT: _("Report to Läkemedelsverket"),
        DocumentKind.MANUFACTURER_LETTER: _("Letter to the manufacturer"),
    }


def faults(_: Translate) -> Mapping[FaultKind, str]:
    """Return what happened, as one writes to an authority."""
    return {
        FaultKind.STOPPED_WORKING: _("Does not work or stopped working"),
        FaultKind.WRONG_READING: _("Shows wrong values"),
        FaultKind.ERROR_CODE: _("Error code or no contact"),
        FaultKind.CAME_LOOSE: _("Came loose"),
        FaultKind.LEAKS: _("Leaks"),
        FaultKind.BLOCKED: _("Blocked"),
        FaultKind.BROKEN_PACKAGE: _("Broken or wrong when it was opened"),
        FaultKind.SKIN_REACTION: _("Skin reaction"),
        FaultKind.TASTE_OR_SPOILED: _("Wrong taste or spoiled"),
        FaultKind.OTHER: _("Something else"),
    }
