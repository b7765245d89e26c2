"""The schema package is installed whole and unchanged, or not at all."""

from __future__ import annotations

import io
import zipfile

import pytest

from services.sae_notifier.e2b import package
from services.sae_notifier.e2b.package import NotThePackage, manifest, unpacked, verified

FILES = {"coreschemas/a.xsd": b"<a/>\n", "multicacheschemas/b.xsd": b"<b>\n</b>\n"}


@pytest.fixture(autouse=True)
def small_manifest(monkeypatch: pytest.MonkeyPatch) -> None:
    import hashlib

    found = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}
    monkeypatch.setattr(package, "manifest", lambda: found)


def zipped(files: dict[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return held.getvalue()


def test_it_is_found_wherever_it_lies_and_whatever_its_line_ends() -> None:
    inside = {f"IG v1/4_ICH_ICSR_Schema_Files/{name}": body.replace(b"\n", b"\r\n") for name, body in FILES.items()}
    assert set(unpacked(zipped({"readme.txt": b"x", **inside}))) == set(FILES)


def test_of_two_with_one_name_the_published_one_is_taken() -> None:
    files = {"old/coreschemas/a.xsd": b"<old/>", **{f"new/{name}": content for name, content in FILES.items()}}
    assert unpacked(zipped(files))["coreschemas/a.xsd"] == b"<a/>\n"


def test_a_changed_file_is_refused() -> None:
    with pytest.raises(NotThePackage, match="SHA-256"):
        unpacked(zipped(FILES | {"coreschemas/a.xsd": b"<evil/>"}))


def test_a_missing_file_is_refused() -> None:
    with pytest.raises(NotThePackage, match="missing"):
        unpacked(zipped({"coreschemas/a.xsd": b"<a/>\n"}))


@pytest.mark.parametrize("data", [b"", b"no zip", b"PK\x03\x04 broken"])
def test_what_is_no_zip_is_refused(data: bytes) -> None:
    with pytest.raises(NotThePackage):
        unpacked(data)


def test_a_bomb_is_not_unpacked() -> None:
    with pytest.raises(NotThePackage):
        unpacked(zipped(FILES | {"coreschemas/a.xsd": b"\0" * 50_000_000}))


def test_a_file_is_verified_by_its_hash() -> None:
    assert verified("coreschemas/a.xsd", b"\xef\xbb\xbf<a/>\r\n")
    assert not verified("coreschemas/a.xsd", b"<a />\n")


def test_the_shipped_manifest_names_both_messages() -> None:
    names = set(manifest())
    assert {"multicacheschemas/MCCI_IN200100UV01.xsd", "multicacheschemas/MCCI_IN200101UV01.xsd"} <= names
    assert len(names) == 55
