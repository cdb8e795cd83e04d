"""News as it is read: plain paragraphs in the reader's language where it has been written, and attachments that are only ever saved."""

from __future__ import annotations

import re
from dataclasses import dataclass
from io import BytesIO

from flask import Response, send_file

from delivery.news_models import News, NewsAttachment


@dataclass(frozen=True)
class NewsText:
    """A title, paragraphs of lines, and the language that they are in; a reader of another one is told by `lang`."""

    title: str
    paragraphs: tuple[tuple[str, ...], ...]
    language: str


def news_text(news: News, language: str) -> NewsText:
    """Return the news in the reader's language; in Swedish when it has not been written in that."""
    if language == "en" and news.title_en:
        return NewsText(news.title_en, paragraphs(news.body_en), "en")
    return NewsText(news.title, paragraphs(news.body), "sv")


def paragraphs(text: str) -> tuple[tuple[str, ...], ...]:
    """Return the lines of each paragraph; an empty line is between two."""
    return tuple(tuple(part.split("\n")) for part in re.split(r"\n[ \t]*\n\s*", text.strip()) if part.strip())


def attachment_answer(attachment: NewsAttachment) -> Response:
    """Answer with an attachment to save: no browser shows it on our address, whatever it holds."""
    response = send_file(
        BytesIO(attachment.content),
        mimetype=attachment.media_type,
        as_attachment=True,
        download_name=attachment.name,
        etag=False,
        max_age=None,
    )
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "no-store"
    return response
