"""The WSGI entry point: `granian --interface wsgi wsgi:app`."""

import gc

from portal.app import create_app
from portal.config import Settings

app = create_app(Settings.from_environment())
# What is loaded by now stays: the collector would go through all 290,000 objects of it while callers wait, a fifth of a second each time.
gc.collect()
gc.freeze()
