"""The WSGI entry point: `granian --interface wsgi wsgi:app`."""

from portal.app import create_app
from portal.config import Settings

app = create_app(Settings.from_environment())
