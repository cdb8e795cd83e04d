"""What every PDF needs that no page does: typefaces, and translations in the document's own language."""

from __future__ import annotations

from functools import lru_cache

from babel.support import Translations

from delivery.sheets import Fonts, Translate
from portal.assets import AssetManifest
from portal.telling import TRANSLATIONS


@lru_cache(maxsize=1)
def document_fonts() -> Fonts:
    """Return the typefaces of the documents, as the front-end build made them."""
    manifest = AssetManifest.load()
    regular, bold = (manifest.folder / manifest.names[f"document-{face}.ttf"] for face in ("regular", "bold"))
    return Fonts(regular, bold)


@lru_cache(maxsize=4)
def document_words(language: str) -> Translate:
    """Return what translates into a document's language, whatever the reader's is and also where there is no request."""
    return Translations.load(str(TRANSLATIONS), [language]).gettext
