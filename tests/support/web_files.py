"""Sending files as a browser does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import TestResponse, encode_multipart


def post_files(client: FlaskClient, path: str, form: Mapping[str, Any]) -> TestResponse:
    """Post a form whose values may be (stream, name) or lists of them; the client's own way leaves large bodies in open files."""
    parts: MultiDict[str, Any] = MultiDict()
    for name, value in form.items():
        for one in value if isinstance(value, list) else [value]:
            parts.add(name, FileStorage(one[0], filename=one[1]) if isinstance(one, tuple) else one)
    boundary, body = encode_multipart(parts)
    return client.post(path, data=body, content_type=f"multipart/form-data; boundary={boundary}")
