"""Two languages, Vietnamese first: small TOML catalogues, one per language, of the shared pages and of each service."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from starlette.requests import HTTPConnection

from shared.telemetry import get_logger

log = get_logger(__name__)

LANGUAGES = ("vi", "en")
COOKIE = "tocsin_lang"
ONE = "_one"
"""Ends the name of the sentence for exactly one; Vietnamese needs none."""
_SHARED = Path(__file__).parent / "i18n"


class Catalogue:
    """`vi.toml` and `en.toml` of every directory given, later ones winning; nested tables give dotted keys."""

    def __init__(self, *directories: Path) -> None:
        self._texts: dict[str, dict[str, str]] = {language: {} for language in LANGUAGES}
        for directory in (_SHARED, *directories):
            for language in LANGUAGES:
                path = directory / f"{language}.toml"
                if path.exists():
                    self._texts[language] |= _flat(tomllib.loads(path.read_text(encoding="utf-8")), path)

    def text(self, language: str, key: str, /, **values: object) -> str:
        """The sentence with `{name}` filled in; a missing one is logged and shown in the other language, or as its key.

        `<key>_one`, where a language has it, is the sentence for a `count` of one.
        """
        one = ONE if values.get("count") == 1 else ""
        for tongue in (language, *LANGUAGES):
            texts = self._texts.get(tongue, {})
            found = texts.get(key + one, texts.get(key))
            if found is None:
                log.error("i18n.missing", name=key, kind=tongue)
                continue
            return found.format_map(values) if values else found
        return key

    def has(self, key: str) -> bool:
        return any(key in texts for texts in self._texts.values())

    def keys(self, language: str) -> frozenset[str]:
        """Without the sentences for exactly one."""
        return frozenset(key for key in self._texts[language] if not key.endswith(ONE))


def _flat(table: Mapping[str, object], path: Path, prefix: str = "") -> dict[str, str]:
    texts: dict[str, str] = {}
    for name, value in table.items():
        if isinstance(value, Mapping):
            texts |= _flat(value, path, f"{prefix}{name}.")
        elif isinstance(value, str):
            texts[prefix + name] = value
        else:
            raise ValueError(f"{path}: {prefix}{name} must be a text")
    return texts


def language_of(request: HTTPConnection) -> str:
    """`?lang=`, then the cookie, then Accept-Language, then Vietnamese."""
    for asked in (request.query_params.get("lang"), request.cookies.get(COOKIE)):
        if asked in LANGUAGES:
            return asked
    for part in request.headers.get("accept-language", "").split(","):
        tongue = part.split(";")[0].strip().lower().split("-")[0]
        if tongue in LANGUAGES:
            return tongue
    return LANGUAGES[0]
