"""Recalls in words: what is asked for, how far it has come, how somebody was told and answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import force_locale, get_locale, gettext as _, lazy_gettext as _l, ngettext

from core.errors import DomainError
from delivery.complaints import recall_errors as errors
from delivery.complaints.recall_models import RecallAnswer, RecallStatus, ToldBy, WhatToDo
from delivery.complaints.recall_queries import Numbers

WHAT_TO_DO: Mapping[WhatToDo, Any] = {
    WhatToDo.STOP_AND_RETURN: _l("Stop using it and send it back"),
    WhatToDo.STOP_AND_DISCARD: _l("Stop using it and throw it away"),
    WhatToDo.CHECK_AND_GO_ON: _l("Check it, then go on using it"),
}
STATUSES: Mapping[RecallStatus, Any] = {
    RecallStatus.OPEN: _l("Stopped, nobody told yet"),
    RecallStatus.TOLD: _l("Under way"),
    RecallStatus.CLOSED: _l("Closed"),
    RecallStatus.UNDONE: _l("Taken back"),
}
TONES: Mapping[RecallStatus, str] = {
    RecallStatus.OPEN: "attention",
    RecallStatus.TOLD: "accent",
    RecallStatus.CLOSED: "success",
    RecallStatus.UNDONE: "neutral",
}
TOLD_BY: Mapping[ToldBy, Any] = {
    ToldBy.INBOX: _l("Inbox"),
    ToldBy.LETTER: _l("Letter"),
    ToldBy.PHONE: _l("Phone"),
}
ANSWERS: Mapping[RecallAnswer, Any] = {
    RecallAnswer.CLICK: _l("Clicked"),
    RecallAnswer.PHONE: _l("On the phone"),
    RecallAnswer.RETURN: _l("Sent it back"),
}


def template_text(what_to_do: WhatToDo, language: str) -> str:
    """Return what to say unless somebody writes something else, in the language of those who are told."""
    with force_locale(language):
        # Translators: what patients are asked to do; the consultant may change it before it is sent.
        feel_unwell = _(
            "If you feel unwell, or have no other product to use, call your unit or 1177. Call 112 if it is urgent."
        )
        match what_to_do:
            case WhatToDo.STOP_AND_RETURN:
                text = _(
                    "The supplier calls this product back. Stop using it now, even if it seems to work. Do not throw it away: put it in a"
                    " bag and send it back to the depot."
                )
            case WhatToDo.STOP_AND_DISCARD:
                text = _(
                    "The supplier calls this product back. Stop using it now, even if it seems to work, and throw away what you have left"
                    " of it."
                )
            case WhatToDo.CHECK_AND_GO_ON:
                text = _(
                    "The supplier has found something that you need to check before you go on using this product. You do not need to send"
                    " it back."
                )
        return f"{text} {feel_unwell}"


def reading_language() -> str:
    """Return the language of the one who reads: one that recalls are written in."""
    locale = get_locale()
    return "en" if locale is not None and locale.language == "en" else "sv"


def short_text(what_to_do: WhatToDo) -> str:
    """What to do, in one sentence."""
    return f"{WHAT_TO_DO[what_to_do]}."


def conclusion(numbers: Numbers) -> str:
    """Say how far a recall has come, in one sentence."""
    if not numbers.affected:
        return _("Nobody has been sent any of it. What is at the depot stays there.")
    if numbers.alive and numbers.answered == numbers.alive:
        return _("Everybody has answered.")
    return ngettext(
        "%(answered)s of %(num)s has answered, and %(reached)s have been reached.",
        "%(answered)s of %(num)s have answered, and %(reached)s have been reached.",
        numbers.alive,
        answered=numbers.answered,
        reached=numbers.reached,
    )


def problem_words(problem: DomainError) -> str:
    """Say why something about a recall was refused."""
    match problem:
        case errors.AlreadyTold():
            return _(
                "People have been told, so it can no longer be taken back. Close it instead when the work is done."
            )
        case errors.TextMissing():
            return _("Write what they are to do.")
        case errors.NoteTooShort():
            return _("Write who answered and what they said.")
    return _("Somebody else has gone on with this recall. Look at it again.")
