"""A claim pack as a PDF for the supplier: the cases in a table, each one by itself, and the photos by number. Reads no database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from io import BytesIO

from babel.dates import format_date
from babel.numbers import format_currency
from PIL import Image

from delivery.complaints.claim_papers import ClaimPapers, PaperLine
from delivery.complaints.incident_papers import Paper, grouped
from delivery.complaints.incident_words import faults
from delivery.sheets import Fonts, Translate, printable

# What an e-mail server takes with its own encoding on top, and what a browser shows without waiting.
MOST_PHOTO_BYTES_MAILED = 6 * 1024 * 1024
MOST_PHOTO_BYTES_PRINTED = 30 * 1024 * 1024
# A photo is half the paper's width: more pixels are not seen.
LONG_SIDE = 1000
_PHOTO_WIDTH, _PHOTO_HEIGHT = 82, 88

LoadPhoto = Callable[[int], bytes]


def claim_document(
    papers: ClaimPapers, load_photo: LoadPhoto, fonts: Fonts, _: Translate, *, language: str, photo_bytes: int
) -> bytes:
    """Return the pack as a PDF of A4 pages; photos that do not fit into `photo_bytes` are named and left out, the last ones first."""
    claim = _("Claim")
    number = f"{claim} {grouped(papers.claim_no)}"
    pdf = Paper(fonts, language, f"{papers.sender[0] if papers.sender else ''}  ·  {number}", papers.written_at)
    pdf.set_title(number)
    for own in papers.sender:
        pdf.line_of(own, 10)
    pdf.ln(4)
    pdf.line_of(number, 20, bold=True, after=2)
    pdf.facts(
        (
            (_("Supplier"), papers.supplier),
            (_("Agreement"), papers.agreement_no),
            (_("Contact"), papers.contact),
            (_("Sent"), _day(papers.sent_on, language)),
            (_("Answer by"), _day(papers.answer_due_on, language)),
            (_("Claimed"), money(papers.value, language)),
        )
    )
    pdf.ln(2)
    pdf.line_of(
        _(
            "Answer case by case: accepted, or rejected and why. State the claim number and the case numbers on the credit note."
        ),
        10.5,
        after=3,
    )
    _table(pdf, papers, language, _)
    numbers = photo_numbers(papers)
    for place, line in enumerate(papers.lines, start=1):
        _case(pdf, place, line, numbers, language, _)
    _photos(pdf, papers, numbers, load_photo, photo_bytes, _)
    return bytes(pdf.output())


def money(amount: Decimal, language: str) -> str:
    """Write SEK with öre."""
    return format_currency(amount, "SEK", locale=language)


def photo_words(line: PaperLine, numbers: dict[int, int]) -> str:
    """Return the numbers of a case's photos: "3–5", which always follow each other."""
    own = [numbers[photo] for photo in line.photos]
    if len(own) < 2:
        return "".join(map(str, own))
    return f"{own[0]}–{own[-1]}"


def photo_numbers(papers: ClaimPapers) -> dict[int, int]:
    """Return each photo's number in the pack: as they stand, from one."""
    return {photo: place for place, photo in enumerate((one for line in papers.lines for one in line.photos), start=1)}


def _table(pdf: Paper, papers: ClaimPapers, language: str, _: Translate) -> None:
    pdf.set_font("text", size=9.5)
    with pdf.table(
        col_widths=(22, 62, 30, 25, 31),
        borders_layout="HORIZONTAL_LINES",
        line_height=4.8,
        padding=1.1,
        text_align=("LEFT", "LEFT", "LEFT", "RIGHT", "RIGHT"),
    ) as table:
        heads = (_("Case"), _("Product"), _("Lot"), _("Packages"), _("Value"))
        rows = [
            (
                grouped(line.case_no),
                f"{line.article}\n{line.article_no}",
                line.lot_no or "–",
                str(line.packages),
                money(line.value, language),
            )
            for line in papers.lines
        ]
        packages = str(sum(line.packages for line in papers.lines))
        for cells in (heads, *rows, (_("Sum"), "", "", packages, money(papers.value, language))):
            row = table.row()
            for cell in cells:
                row.cell(printable(cell))


def _case(pdf: Paper, place: int, line: PaperLine, numbers: dict[int, int], language: str, _: Translate) -> None:
    # The heading with what is wrong below it, or overleaf.
    if pdf.will_page_break(48):
        pdf.add_page()
    case = _("Case")
    pdf.heading(f"{place}. {case} {grouped(line.case_no)}: {line.article}")
    pdf.facts(
        (
            (_("What is wrong"), str(faults(_)[line.kind])),
            (_("Error code"), line.error_code),
            (_("In the reporter's words"), line.description),
            *line.answers,
            (_("Article number"), line.article_no),
            (_("UDI-DI (GTIN)"), line.gtin),
            (_("Lot"), line.lot_no),
            (_("Serial number"), ", ".join(line.serials)),
            (_("Use by"), _day(line.expires_on, language)),
            (_("Delivered"), _day(line.delivered_on, language)),
            (_("Put on"), _day(line.applied_on, language)),
            (_("Failed"), _day(line.failed_on, language)),
            (_("Reported"), _day(line.reported_on, language)),
            (_("Faulty packages"), str(line.packages)),
            (_("Value"), money(line.value, language)),
            (_("Product kept"), _("Yes") if line.is_kept else _("No")),
            (_("Reported by"), line.reporter),
            (_("Phone"), line.phone),
            (_("Photos"), photo_words(line, numbers)),
        )
    )


def _photos(
    pdf: Paper, papers: ClaimPapers, numbers: dict[int, int], load_photo: LoadPhoto, room: int, _: Translate
) -> None:
    if not numbers:
        return
    pdf.add_page()
    pdf.line_of(_("Photos"), 16, bold=True, after=2)
    photo_word, case_word = _("Photo"), _("Case")
    left_out: list[int] = []
    column, top = 0, pdf.get_y()
    for line in papers.lines:
        for photo in line.photos:
            content = _smaller(load_photo(photo)) if not left_out else None
            if content is None or len(content) > room:
                left_out.append(numbers[photo])
                continue
            room -= len(content)
            if top + _PHOTO_HEIGHT + 8 > pdf.h - pdf.b_margin:
                pdf.add_page()
                column, top = 0, pdf.get_y()
            x = pdf.l_margin + column * (_PHOTO_WIDTH + 6)
            caption = f"{photo_word} {numbers[photo]}  ·  {case_word} {grouped(line.case_no)}"
            pdf.image(
                BytesIO(content),
                x=x,
                y=top + 5,
                w=_PHOTO_WIDTH,
                h=_PHOTO_HEIGHT - 6,
                keep_aspect_ratio=True,
                alt_text=printable(caption),
            )
            pdf.set_xy(x, top)
            pdf.set_font("text", "B", 9.5)
            pdf.cell(_PHOTO_WIDTH, 4.5, printable(caption))
            column += 1
            if column == 2:
                column, top = 0, top + _PHOTO_HEIGHT + 4
    if left_out:
        pdf.set_xy(pdf.l_margin, min(top + (_PHOTO_HEIGHT + 4 if column else 0), pdf.h - pdf.b_margin - 12))
        missing = _("Left out so that the file is not too large: photos %(first)s–%(last)s. Ask us for them.")
        pdf.line_of(missing % {"first": left_out[0], "last": left_out[-1]}, 10)


def _smaller(content: bytes) -> bytes:
    """The photo as JPEG with no more pixels than the paper shows."""
    with Image.open(BytesIO(content)) as photo:
        if max(photo.size) <= LONG_SIDE and photo.format == "JPEG":
            return content
        photo.draft("RGB", (LONG_SIDE, LONG_SIDE))
        small = photo.convert("RGB")
        small.thumbnail((LONG_SIDE, LONG_SIDE))
        written = BytesIO()
        small.save(written, "JPEG", quality=78)
        return written.getvalue()


def _day(day: date | None, language: str) -> str:
    return format_date(day, "d MMMM y", locale=language) if day is not None else ""
