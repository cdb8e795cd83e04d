"""A photo as an answer: the JPEG that we wrote, and nothing that a browser could take for something else."""

from __future__ import annotations

from flask import Response

from delivery.complaints.draft_models import Photo


def photo_answer(photo: Photo, name: str) -> Response:
    """Answer with a photo; `name` is what it is called when it is saved."""
    response = Response(photo.content, mimetype="image/jpeg")
    response.headers["Content-Disposition"] = f'inline; filename="{name}.jpg"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response
