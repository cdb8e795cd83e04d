"""Photos with a report: taken in, kept with the case, seen by those who may see the case and by nobody else."""

from __future__ import annotations

import io
import re

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from auth.identity import Role, Task
from auth.models import ProxyAppointment
from auth.persons import staff_identity
from core.audit import AccessLogEntry
from core.db import Database
from core.errors import NotFound
from core.idempotency import new_key
from delivery.complaints.draft_models import FaultDraft, Photo
from delivery.complaints.photos import MOST_PHOTOS, photo_for_consultant, photos_of_case
from portal.patient.faults.photo_words import LARGEST_REQUEST_MEGABYTES
from portal.patient.faults.rescue import READ_BYTES
from tests.integration.test_fault_pages import ANSWERS, Reporter
from tests.support.builders import NOON, add_person, add_staff
from tests.support.pages import check_page
from tests.support.photos import MAKER, taken_photo
from tests.support.web import sign_in, token_of

JSON = {"Accept": "application/json"}


@pytest.fixture
def reporter(database: Database) -> Reporter:
    return Reporter(database)


def _send(
    reporter: Reporter, *photos: bytes, key: str = "", do: str = "", json: bool = False, **changes: str
) -> TestResponse:
    data: dict[str, object] = {**ANSWERS, **changes, "do": do, "idempotency_key": key or new_key()}
    data["csrf_token"] = token_of(reporter.client, reporter.page)
    data["photos"] = [(io.BytesIO(photo), f"IMG_{number}.HEIC") for number, photo in enumerate(photos)]
    return reporter.client.post(
        reporter.page, data=data, content_type="multipart/form-data", headers=JSON if json else {}
    )


def _photos(reporter: Reporter) -> list[Photo]:
    with reporter.database.session() as session:
        return list(session.scalars(select(Photo).order_by(Photo.id)))


def test_photos_go_with_the_form_itself(reporter: Reporter) -> None:
    answer = _send(reporter, taken_photo(), taken_photo("HEIF"))
    assert answer.status_code == 303
    first, second = _photos(reporter)
    assert first.complaint_id == second.complaint_id is not None
    receipt = reporter.client.get(answer.location)
    check_page(receipt)
    assert "2 photos came with it." in receipt.text
    page = reporter.client.get("/fault-reports/100016")
    check_page(page)
    seen = reporter.client.get(f"/fault-reports/photos/{first.id}")
    assert f'src="/fault-reports/photos/{first.id}"' in page.text
    assert seen.mimetype == "image/jpeg"
    assert seen.data.startswith(b"\xff\xd8\xff")
    assert MAKER not in seen.data
    assert seen.headers["X-Content-Type-Options"] == "nosniff"
    assert seen.headers["Content-Disposition"] == f'inline; filename="photo-{first.id}.jpg"'
    assert "sandbox" in seen.headers["Content-Security-Policy"]
    assert seen.headers["Cache-Control"] == "no-store"
    with reporter.database.session() as session:
        looked = session.scalars(select(AccessLogEntry).where(AccessLogEntry.action == "photo.seen")).one()
        assert (looked.subject_person_id, looked.object_ref) == (reporter.patient.id, "case:100016")


def test_one_by_one_and_one_taken_away_again(reporter: Reporter) -> None:
    kept_photos: list[dict[str, int]] = []
    for count in (1, 2, 3):
        answer = _send(reporter, taken_photo(), do="keep", json=True)
        assert answer.json is not None
        kept_photos = answer.json["photos"]
        assert len(kept_photos) == count
    unwanted = kept_photos[1]["id"]
    kept = _send(reporter, do=f"remove-{unwanted}", json=True)
    assert kept.json is not None
    assert kept.json["photos"] == [kept_photos[0], kept_photos[2]]
    assert _send(reporter).status_code == 303
    assert [photo.complaint_id is not None for photo in _photos(reporter)] == [True, True]


def test_without_a_script_a_photo_is_added_and_removed_with_what_was_typed_kept(reporter: Reporter) -> None:
    answer = _send(reporter, taken_photo(), do="keep", description="Så här långt")
    assert (answer.status_code, answer.location) == (303, f"{reporter.page}#photos")
    page = reporter.client.get(reporter.page)
    check_page(page)
    assert "Så här långt" in page.text
    found = re.search(r'name="do" value="(remove-\d+)"', page.text)
    assert found
    assert page.text.index('aria-hidden="true">Report the fault') < page.text.index(found[0]), (
        "Enter would remove the photo"
    )
    assert _send(reporter, do=found[1]).status_code == 303
    assert _photos(reporter) == []


def test_a_refused_form_keeps_its_photos(reporter: Reporter) -> None:
    answer = _send(reporter, taken_photo(), kind="")
    assert answer.status_code == 422
    check_page(answer)
    (photo,) = _photos(reporter)
    assert f'value="remove-{photo.id}"' in answer.text
    assert _send(reporter).status_code == 303
    assert _photos(reporter)[0].complaint_id is not None


def test_what_is_no_photo_is_said_and_nothing_is_sent(reporter: Reporter) -> None:
    answer = _send(reporter, taken_photo(), b"<html><script>alert(1)</script>", description="Kvar <b>")
    assert answer.status_code == 422
    check_page(answer)
    assert "That is not a photo." in answer.text
    assert "Kvar &lt;b&gt;" in answer.text
    assert reporter.cases() == 0
    assert len(_photos(reporter)) == 1


def test_there_is_room_for_five(reporter: Reporter) -> None:
    answer = _send(reporter, *[taken_photo()] * (MOST_PHOTOS + 1))
    assert answer.status_code == 422
    assert "There is no room for more photos." in answer.text
    assert len(_photos(reporter)) == MOST_PHOTOS
    again = _send(reporter, taken_photo(), do="keep", json=True)
    assert again.json is not None
    assert "no room" in again.json["problem"]
    assert len(again.json["photos"]) == len(_photos(reporter)) == MOST_PHOTOS


def test_pressed_twice_with_photos_is_one_case_with_each_photo_once(reporter: Reporter) -> None:
    key = new_key()
    places = {_send(reporter, taken_photo(), key=key).location for _ in range(2)}
    assert len(places) == reporter.cases() == len(_photos(reporter)) == 1
    with reporter.database.session() as session:
        assert session.scalars(select(FaultDraft)).all() == []


@pytest.mark.parametrize("megabytes", [LARGEST_REQUEST_MEGABYTES + 1, 200])
@pytest.mark.parametrize("json", [True, False])
def test_what_is_too_large_is_turned_away_hardly_read(reporter: Reporter, megabytes: int, json: bool) -> None:
    class HardlyRead(io.RawIOBase):
        left = READ_BYTES

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
            self.left -= len(buffer)
            assert self.left >= 0, "all of it was read"
            return len(buffer)

    answer = reporter.client.post(
        reporter.page,
        environ_overrides={
            "wsgi.input": HardlyRead(),
            "CONTENT_TYPE": "multipart/form-data; boundary=x",
            "CONTENT_LENGTH": str(megabytes * 1024 * 1024),
        },
        headers=JSON if json else {},
    )
    assert answer.status_code == 413
    if json:
        assert answer.json is not None
        assert "at most 30 MB" in answer.json["problem"]
    else:
        check_page(answer)
        assert f'href="{reporter.page}"' in answer.text
    # Elsewhere a form is a form.
    assert reporter.client.post("/fault-reports/new", data={"scan": "9" * 300_000}).status_code == 413


def test_a_photo_is_seen_by_those_who_may_see_the_case(reporter: Reporter) -> None:
    _send(reporter, taken_photo())
    (photo,) = _photos(reporter)
    with reporter.database.unit_of_work() as session:
        other, stranger = add_person(session, name="Olle Ombudsson"), add_person(session)
        session.add(
            ProxyAppointment(
                patient_id=reporter.patient.id,
                proxy_id=other.id,
                tasks=[task.value for task in Task],
                valid_from=NOON.date(),
                valid_until=NOON.date().replace(year=2027),
                accepted_at=NOON,
            )
        )
        here = staff_identity(add_staff(session, Role.CONSULTANT))
        elsewhere = staff_identity(add_staff(session, Role.CONSULTANT, region="norrbotten"))
        depot = add_staff(session, Role.DEPOT)
    url, app = f"/fault-reports/photos/{photo.id}", reporter.app
    assert sign_in(app.test_client(), reporter.patient).get(url).status_code == 200
    assert sign_in(app.test_client(), other, acting_for=reporter.patient).get(url).status_code == 404
    assert sign_in(app.test_client(), reporter.proxy).get(url).status_code == 404
    assert sign_in(app.test_client(), stranger).get(url).status_code == 404
    assert sign_in(app.test_client(), depot).get(url).status_code == 403
    assert app.test_client().get(url).status_code == 303
    with reporter.database.unit_of_work() as session:
        assert photo_for_consultant(session, here, photo.id).content.startswith(b"\xff\xd8")
        assert photo.complaint_id is not None
        assert [one.id for one in photos_of_case(session, photo.complaint_id)] == [photo.id]
        with pytest.raises(NotFound):
            photo_for_consultant(session, elsewhere, photo.id)


def test_a_photo_of_a_draft_is_its_reporters_alone(reporter: Reporter) -> None:
    _send(reporter, taken_photo(), do="keep")
    (photo,) = _photos(reporter)
    url = f"/fault-reports/photos/{photo.id}"
    assert reporter.client.get(url).status_code == 200
    assert sign_in(reporter.app.test_client(), reporter.patient).get(url).status_code == 404
    with reporter.database.unit_of_work() as session:
        consultant = staff_identity(add_staff(session, Role.CONSULTANT))
        with pytest.raises(NotFound):
            photo_for_consultant(session, consultant, photo.id)


def test_what_was_typed_beside_a_photo_that_is_too_large_is_kept(reporter: Reporter) -> None:
    page = reporter.client.get(reporter.page).text
    assert page.rindex("<input") == page.index('<input type="file"'), "the photos come last"
    fields = {
        **ANSWERS,
        "description": "Kvar, fast fotot inte gick",
        "csrf_token": token_of(reporter.client, reporter.page),
    }
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
    ]
    photo = '--x\r\nContent-Disposition: form-data; name="photos"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    body = ("".join(parts) + photo).encode() + b"\xff\xd8" * 200_000

    def send(content: bytes) -> TestResponse:
        sent = {
            "wsgi.input": io.BytesIO(content),
            "CONTENT_TYPE": "multipart/form-data; boundary=x",
            "CONTENT_LENGTH": str(200 * 1024 * 1024),
        }
        return reporter.client.post(reporter.page, environ_overrides=sent)

    assert send(body.replace(fields["csrf_token"].encode(), b"forged")).status_code == 413
    assert "Kvar, fast" not in reporter.client.get(reporter.page).text
    answer = send(body)
    assert answer.status_code == 413
    check_page(answer)
    shown = reporter.client.get(reporter.page)
    check_page(shown)
    assert "Kvar, fast fotot inte gick" in shown.text
    assert reporter.cases() == 0
