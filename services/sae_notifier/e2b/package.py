"""The ICH schema package: which files we need, and the proof that they are the published ones."""

from __future__ import annotations

import hashlib
import io
import zipfile
from functools import cache
from importlib.resources import files

from shared.errors import Refused

MOST_FILE_BYTES = 5_000_000


class NotThePackage(Refused):
    code = "e2b-not-the-package"
    title = "These are not the E2B(R3) schema files of the ICH package"


@cache
def manifest() -> dict[str, str]:
    """Path inside the package -> SHA-256 of the file with line ends as LF: everything the two messages include."""
    text = (files("services.sae_notifier.e2b") / "data" / "schemas.sha256").read_text(encoding="ascii")
    return {name: digest for digest, name in (line.split("  ") for line in text.splitlines())}


def unpacked(archive: bytes) -> dict[str, bytes]:
    """The needed files out of a zip, wherever they lie in it. Raises NotThePackage when one is missing or differs."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as package:
            found = {name: _file(package, name) for name in manifest()}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise NotThePackage(f"the file is no zip that can be read ({error})") from None
    return found


def verified(name: str, content: bytes) -> bool:
    """Whether this is the published file, but for its line ends."""
    plain = content.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")
    return hashlib.sha256(plain).hexdigest() == manifest()[name]


def _file(package: zipfile.ZipFile, name: str) -> bytes:
    same = [one for one in package.infolist() if f"/{one.filename}".endswith(f"/{name}")]
    for one in same:
        if one.file_size <= MOST_FILE_BYTES:
            content = package.read(one)
            if verified(name, content):
                return content
    why = "is not the published one (SHA-256 differs)" if same else "is missing"
    raise NotThePackage(f"{name} {why}; nothing was installed")
