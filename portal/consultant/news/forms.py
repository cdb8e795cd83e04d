"""What the consultant writes, to whom it goes, and the files that go with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flask import request
from flask_babel import gettext as _, lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, MultipleFileField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from delivery.news import LONGEST_BODY, LONGEST_TITLE, DraftNews, NewsProblem
from delivery.news_files import (
    MOST_BYTES,
    MOST_FILES,
    AttachmentProblem,
    AttachmentRefused,
    CheckedFile,
    check_file,
)
from delivery.news_models import News, NewsAttachment
from orders.models import Supplier
from portal.fields import words_on_lines

_MEGABYTE = 1024 * 1024


def _one_line(text: str | None) -> str:
    return " ".join(words_on_lines(text).split())


def _title_limit() -> Length:
    return Length(max=LONGEST_TITLE, message=_l("Write at most 200 characters."))


def _body_limit() -> Length:
    return Length(max=LONGEST_BODY, message=_l("Write at most 10,000 characters. Put the rest in an attachment."))


class NewsForm(FlaskForm):
    """A piece of news; no field holds anything but plain text."""

    title = StringField(
        _l("Heading"), [DataRequired(_l("Write a heading that says what is new.")), _title_limit()], filters=[_one_line]
    )
    body = TextAreaField(
        _l("Text"),
        [DataRequired(_l("Write what is new, and what the reader should do.")), _body_limit()],
        filters=[words_on_lines],
    )
    title_en = StringField(_l("Heading in English"), [_title_limit()], filters=[_one_line])
    body_en = TextAreaField(_l("Text in English"), [_body_limit()], filters=[words_on_lines])
    supplier = SelectField(_l("Supplier"), coerce=lambda value: str(value or ""), validate_choice=False)
    article_no = StringField(_l("Article number"), [Length(max=20)], filters=[_one_line])
    for_patients = BooleanField(_l("Tell the patients who use the article too"))
    files = MultipleFileField(_l("Attach files"))
    without = SelectMultipleField(
        _l("Take away attachments"),
        coerce=str,
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
        validate_choice=False,
    )

    offered: frozenset[int] = frozenset()

    @classmethod
    def of(
        cls, suppliers: Sequence[Supplier], news: News | None = None, parked: MultiDict[str, str] | None = None
    ) -> NewsForm:
        """Build the form, with what was typed before a new log-in, or else what the draft says when nothing has been typed yet."""
        given: dict[str, object] = {}
        if news is not None:
            given = {
                "title": news.title,
                "body": news.body,
                "title_en": news.title_en,
                "body_en": news.body_en,
                "supplier": str(news.supplier_id or ""),
                "article_no": news.article.article_no if news.article else "",
                "for_patients": news.for_patients,
            }
        form = cls(data=given) if parked is None else cls(formdata=parked)
        form.supplier.choices = [("", _("No supplier")), *((str(one.id), one.name) for one in suppliers)]
        form.offered = frozenset(one.id for one in suppliers)
        form.offer_attachments(news.attachments if news else ())
        return form

    def offer_attachments(self, attachments: Iterable[NewsAttachment]) -> None:
        """Offer to take away what is attached; without any, ask nothing."""
        choices = [(str(one.id), one.name) for one in attachments]
        if choices:
            self.without.choices = choices
        else:
            del self.without

    def checked_files(self) -> tuple[CheckedFile, ...]:
        """Return the chosen files; raise AttachmentRefused."""
        given = [one for one in request.files.getlist("files") if one.filename]
        if len(given) > MOST_FILES:
            raise AttachmentRefused(AttachmentProblem.TOO_MANY)
        return tuple(check_file(one.filename or "", one.stream.read(MOST_BYTES + 1)) for one in given)

    def draft(self, files: tuple[CheckedFile, ...]) -> DraftNews:
        """Return what the form says."""
        without = (self.without.data or ()) if "without" in self else ()
        return DraftNews(
            title=self.title.data or "",
            body=self.body.data or "",
            title_en=self.title_en.data or "",
            body_en=self.body_en.data or "",
            supplier_id=self._supplier_id(),
            article_no=self.article_no.data or "",
            for_patients=bool(self.for_patients.data),
            files=files,
            without=frozenset(int(one) for one in without if one.isascii() and one.isdigit() and len(one) < 19),
        )

    def _supplier_id(self) -> int | None:
        """The chosen supplier; what was not offered is no supplier of ours."""
        if not self.supplier.data:
            return None
        return next((one for one in self.offered if str(one) == self.supplier.data), 0)

    def explain(self, problems: Iterable[NewsProblem]) -> None:
        """Put each problem beside its question."""
        words = {
            NewsProblem.TITLE_MISSING: (self.title, _("Write a heading that says what is new.")),
            NewsProblem.TITLE_TOO_LONG: (self.title, _("Write at most 200 characters.")),
            NewsProblem.BODY_MISSING: (self.body, _("Write what is new, and what the reader should do.")),
            NewsProblem.BODY_TOO_LONG: (
                self.body,
                _("Write at most 10,000 characters. Put the rest in an attachment."),
            ),
            NewsProblem.ENGLISH_HALF: (
                self.title_en,
                _("Write both heading and text in English, or neither. Without them everybody reads Swedish."),
            ),
            NewsProblem.ARTICLE_UNKNOWN: (
                self.article_no,
                _("No article in the region has that number. Check the five digits."),
            ),
            NewsProblem.ARTICLE_MISSING: (
                self.article_no,
                _("Write the article number: it decides which patients are told."),
            ),
            NewsProblem.SUPPLIER_UNKNOWN: (self.supplier, _("Choose a supplier from the list.")),
        }
        for problem in problems:
            field, said = words[problem]
            field.errors = [*field.errors, said]

    def explain_file(self, refused: AttachmentRefused) -> None:
        """Say beside the files which one cannot go with the news."""
        match refused.problem:
            case AttachmentProblem.EMPTY:
                said = _("%(name)s is empty. Choose another.", name=refused.name)
            case AttachmentProblem.TOO_LARGE:
                said = _("%(name)s is larger than %(size)s MB.", name=refused.name, size=MOST_BYTES // _MEGABYTE)
            case AttachmentProblem.NOT_OF_A_KIND:
                said = _("%(name)s is no PDF, PNG or JPEG. Save it as a PDF and choose it again.", name=refused.name)
            case AttachmentProblem.TOO_MANY:
                said = _("Attach at most %(most)s files.", most=MOST_FILES)
        self.files.errors = [said]
