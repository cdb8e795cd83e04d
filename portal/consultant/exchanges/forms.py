"""Which supplier's file is to be read."""

from __future__ import annotations

import re
from collections.abc import Iterable

from flask_babel import gettext as _, lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.datastructures import FileStorage
from wtforms import FileField, SelectField
from wtforms.validators import InputRequired

from delivery.complaints.exchange_reading import MOST_BYTES
from orders.models import Supplier
from portal.fields import words_on_lines

_LONGEST_NAME = 200


class UploadForm(FlaskForm):
    """The supplier and its file; suppliers of serialised products are few, so they are all shown."""

    supplier = SelectField(_l("Supplier"), coerce=str, validators=[InputRequired(_l("Choose whose file it is."))])
    file = FileField(_l("File"))

    @classmethod
    def among(cls, suppliers: Iterable[Supplier]) -> UploadForm:
        """Build the form with the region's suppliers."""
        form = cls()
        form.supplier.choices = [("", _("Choose")), *((str(one.id), one.name) for one in suppliers)]
        return form

    def content(self) -> tuple[str, bytes] | None:
        """Return the file's name and bytes, one more than may be read at most; None, with words beside the field, when there is none."""
        given = self.file.data
        raw = given.stream.read(MOST_BYTES + 1) if isinstance(given, FileStorage) else b""
        if not isinstance(given, FileStorage) or not given.filename:
            self.file.errors = [_("Choose the file that the supplier sent.")]
            return None
        return file_name(given.filename), raw


def file_name(stated: str) -> str:
    """Return the last part of a file's name as it can be shown and kept."""
    name = words_on_lines(re.split(r"[/\\]", stated)[-1]).replace("\n", " ")
    return name[-_LONGEST_NAME:] or "–"
