"""Built front-end assets: plain names to the content-hashed names that browsers may keep for ever."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

ASSET_FOLDER = Path(__file__).resolve().parent.parent / "build" / "assets"
REQUIRED = ("app.css", "app.js", "camera-worker.js", "icons.svg", "mark.svg", "inter-latin.woff2")


class AssetsNotBuilt(RuntimeError):
    """The front-end assets are missing or incomplete; says which command builds them."""


@dataclass(frozen=True)
class AssetManifest:
    """What the front-end build produced, read once at boot."""

    folder: Path
    names: Mapping[str, str]
    url_prefix: str = "/assets/"

    @classmethod
    def load(cls, folder: Path = ASSET_FOLDER) -> "AssetManifest":
        """Read manifest.json; raises AssetsNotBuilt when a needed file is missing."""
        manifest = folder / "manifest.json"
        try:
            found = json.loads(manifest.read_text(encoding="utf-8"))
        except (OSError, ValueError) as problem:
            raise AssetsNotBuilt(_advice(f"{manifest} cannot be read")) from problem
        names = {str(plain): str(hashed) for plain, hashed in found.items()}
        missing = [name for name in REQUIRED if name not in names or not (folder / names[name]).is_file()]
        if missing:
            raise AssetsNotBuilt(_advice(f"{', '.join(missing)} missing in {folder}"))
        return cls(folder=folder, names=MappingProxyType(names))

    def asset_url(self, name: str) -> str:
        """Address of a built file by its plain name, for instance ``app.css``; raises KeyError when unknown."""
        return self.url_prefix + self.names[name]


def _advice(what: str) -> str:
    return f"Front-end assets are not built: {what}. Run: npm ci && node build.mjs, in portal/frontend."
