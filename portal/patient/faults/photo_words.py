"""Photos on their way in, and what is said about those that are not taken."""

from __future__ import annotations

from flask import request
from flask_babel import gettext as _

from delivery.complaints.photos import CleanPhoto, PhotoProblem, PhotoRefused
from portal.adapters.photos import LARGEST_BYTES, reencode

# Several photos at once, where no script sends them one by one.
LARGEST_REQUEST_MEGABYTES = 64
LARGEST_PHOTO_MEGABYTES = LARGEST_BYTES // (1024 * 1024)


def taken_photos(most: int) -> tuple[list[CleanPhoto], list[PhotoProblem]]:
    """Return the photos of the request, written anew, and what is wrong with those that are not taken; at most `most` are looked at."""
    photos: list[CleanPhoto] = []
    problems: list[PhotoProblem] = []
    sent = [upload for upload in request.files.getlist("photos") if upload.filename]
    for upload in sent[:most]:
        try:
            photos.append(reencode(upload.stream))
        except PhotoRefused as refused:
            problems.append(refused.problem)
    if len(sent) > most:
        problems.append(PhotoProblem.TOO_MANY)
    return photos, problems


def photo_words(problem: PhotoProblem) -> str:
    """Say why a photo was not taken, and what to do."""
    match problem:
        case PhotoProblem.NOT_A_PHOTO:
            return _("That is not a photo. Choose a picture from the phone.")
        case PhotoProblem.TOO_LARGE:
            return _(
                "The photo is too large: at most %(size)s MB. Choose a smaller one, or take a new one.",
                size=LARGEST_PHOTO_MEGABYTES,
            )
        case PhotoProblem.TOO_MANY_PIXELS:
            return _("The photo is too large to open. Take a new one in the phone's usual size.")
        case PhotoProblem.BROKEN:
            return _(
                "The photo could not be opened: perhaps only half of it came. Choose it once more, or take a new one."
            )
        case PhotoProblem.TOO_MANY:
            return _("There is no room for more photos. Remove one first.")
