"""Pages for anybody: the start, the language, and how accessible this site is."""

from portal.public.views import blueprint

__all__ = ["blueprint"]
