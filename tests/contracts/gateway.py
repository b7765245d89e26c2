"""What every way to a recipient's computer must do: a file goes out whole under its number, answers come in and stay until kept.

A subclass gives `gateway()`, `taken()` (what the other side holds), `put(name, content)` (an answer it gives), and its troubles.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from deploy.dev.mailcatcher import MailCatcher
from services.sae_notifier.channels import Gateway, HandoverFailed, Parcel
from services.sae_notifier.channels.gateway import MOST_ANSWERS

NUMBER = "VN-VINMEC-2026-000001-v1-di_adr-x1"
XML = '<?xml version="1.0" encoding="UTF-8"?>\n<MCCI_IN200100UV01>Trẻ sốt cao ≥ 39,5 °C\r\n.\n</MCCI_IN200100UV01>'.encode()
ACK = '<?xml version="1.0" encoding="UTF-8"?>\n<MCCI_IN200101UV01>từ chối</MCCI_IN200101UV01>\n'.encode()


@dataclass(frozen=True)
class Held:
    """One delivery as the other side has it."""

    number: str
    content: bytes


class GatewayContract:
    @pytest.fixture(autouse=True)
    def _place(self, catcher: MailCatcher, tmp_path: Path) -> None:
        self.catcher, self.tmp = catcher, tmp_path
        self.prepare()

    def prepare(self) -> None:
        """What the other side needs before anything is sent."""

    def gateway(self) -> Gateway:
        raise NotImplementedError

    def to_nobody(self) -> Gateway:
        """A way whose other side is not there."""
        raise NotImplementedError

    def taken(self) -> list[Held]:
        raise NotImplementedError

    def put(self, name: str, content: bytes) -> None:
        raise NotImplementedError

    def refuse(self) -> None:
        raise NotImplementedError

    def be_slow(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Shorten this way's bound to 0.3 s and make the other side take two."""
        raise NotImplementedError

    secrets: tuple[str, ...] = ()
    """What no failure may say, besides the file's own words."""

    def parcel(self, content: bytes = XML, number: str = NUMBER) -> Parcel:
        return Parcel(number, content, sha256(content).hexdigest())

    async def test_the_file_is_there_to_the_byte_under_its_number(self) -> None:
        handed = await self.gateway().hand_over(self.parcel())
        assert handed.said, "what the other side said is kept"
        assert self.taken() == [Held(NUMBER, XML)]

    async def test_large_and_strange_files_arrive_whole(self) -> None:
        content = b"<x>" + "độc tính ".encode() * 120_000 + b"\r\n.\r\n\r</x>"
        await self.gateway().hand_over(self.parcel(content))
        assert [one.content for one in self.taken()] == [content]

    async def test_a_repeat_carries_the_same_number_and_the_same_bytes(self) -> None:
        """After a crash between sending and writing it down, the file goes out again."""
        for _ in range(2):
            await self.gateway().hand_over(self.parcel())
        assert set(map(tuple, [(one.number, one.content) for one in self.taken()])) == {(NUMBER, XML)}

    async def test_refused_is_failed_and_nothing_is_held(self) -> None:
        self.refuse()
        with pytest.raises(HandoverFailed):
            await self.gateway().hand_over(self.parcel())
        assert self.taken() == []

    async def test_nobody_there_is_failed(self) -> None:
        with pytest.raises(HandoverFailed):
            await self.to_nobody().hand_over(self.parcel())
        with pytest.raises(HandoverFailed):
            await self.to_nobody().answers()

    async def test_slow_is_failed_within_its_bound(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.be_slow(monkeypatch)
        begun = time.monotonic()
        with pytest.raises(HandoverFailed):
            await self.gateway().hand_over(self.parcel())
        assert time.monotonic() - begun < 1.9

    async def test_a_failure_says_nothing_of_the_file_or_the_address(self) -> None:
        """Its text goes to the log and to a page."""
        with pytest.raises(HandoverFailed) as failed:
            await self.to_nobody().hand_over(self.parcel())
        self.refuse()
        with pytest.raises(HandoverFailed) as refused:
            await self.gateway().hand_over(self.parcel())
        for said in (str(failed.value), str(refused.value)):
            assert not [word for word in ("Trẻ", "sốt", str(self.tmp), *self.secrets) if word in said], said

    async def test_no_answer_is_no_answer(self) -> None:
        assert await self.gateway().answers() == []

    async def test_an_answer_comes_to_the_byte_and_stays_until_it_is_kept(self) -> None:
        self.put("one.ack", ACK)
        for _ in range(2):
            [waiting] = await self.gateway().answers()
            assert waiting.content == ACK, "asked again it is the same: we may have died before keeping it"
        await self.gateway().done_with(waiting.name)
        assert await self.gateway().answers() == []
        await self.gateway().done_with(waiting.name)

    async def test_answers_come_oldest_first_and_a_bounded_number_at_a_time(self) -> None:
        wanted = [b"<a>%03d</a>" % number for number in range(MOST_ANSWERS + 3)]
        for number, content in enumerate(wanted):
            self.put(f"{number:03}.ack", content)
        first = await self.gateway().answers()
        assert [one.content for one in first] == wanted[:MOST_ANSWERS]
        for one in first:
            await self.gateway().done_with(one.name)
        assert [one.content for one in await self.gateway().answers()] == wanted[MOST_ANSWERS:]

    async def test_what_is_no_answer_comes_too(self) -> None:
        """A person must see it: what is thrown away here nobody ever sees."""
        self.put("odd.xml", b"\x00\xff not xml at all")
        [waiting] = await self.gateway().answers()
        assert waiting.content == b"\x00\xff not xml at all"
