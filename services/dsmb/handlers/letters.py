"""The arms' letters of a cut, held against the seal that its manifest carries of them."""

from __future__ import annotations

from services.dsmb import store
from services.dsmb.domain import Manifest
from services.dsmb.domain.manifest import coding_sha256
from shared.db import Tx
from shared.errors import Conflict


class CodingDiffers(Conflict):
    """Arms that changed sides would turn the closed report over: better none than the wrong one."""

    code = "coding-differs"
    title = "The letters of this cut are not those it was frozen with"


def letters(tx: Tx, manifest: Manifest) -> dict[str, str]:
    """Arm -> letter. Raises CodingDiffers."""
    found = store.coding(tx, manifest.cut_id)
    if coding_sha256(found.items(), manifest.salt) != manifest.coding_sha256:
        raise CodingDiffers(
            f"the stored letters of cut {manifest.cut_id} do not agree with coding_sha256 of its manifest; "
            "read no arm from them, and run tocsin audit verify"
        )
    return found
