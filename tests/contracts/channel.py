"""What every channel must do, whatever carries it: handed over means the other side holds it, everything else is a failure.

A subclass gives `channel`, `address`, `arrivals()` (what the other side took) and `refuse(how)`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import pytest

from deploy.dev.mailcatcher import MailCatcher
from deploy.dev.ports import free_ports
from services.sae_notifier.channels import Channel, HandoverFailed, Message

NUMBER = "<0199c0de-call-1@tocsin.invalid>"


@dataclass(frozen=True)
class Arrival:
    """One delivery as the other side sees it."""

    message_id: str
    text: str
    data: dict[str, str]


class ChannelContract:
    @pytest.fixture(autouse=True)
    def _caught(self, catcher: MailCatcher) -> None:
        self.catcher = catcher

    def channel(self) -> Channel:
        raise NotImplementedError

    def channel_to_nobody(self, port: int) -> tuple[Channel, str]:
        """A channel whose other side does not listen, and an address there."""
        raise NotImplementedError

    def address(self) -> str:
        raise NotImplementedError

    def arrivals(self) -> list[Arrival]:
        raise NotImplementedError

    refusals: tuple[int, ...] = ()

    def refuse(self, code: int) -> None:
        raise NotImplementedError

    def shorten(self, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
        """Make the bound of this channel shorter than its 10 s."""
        raise NotImplementedError

    def message(self, text: str = "Biến cố nghiêm trọng mới\nNew serious adverse event") -> Message:
        return Message(
            message_id=NUMBER,
            to=self.address(),
            subject="[Tocsin] VN-VINMEC-2026-000001: Biến cố nghiêm trọng mới / New serious adverse event",
            text=text,
            data={
                "alert_id": "a-1",
                "case_number": "VN-VINMEC-2026-000001",
                "link": "https://tocsin.example.org/alerts/a-1",
            },
        )

    async def test_what_was_handed_over_is_there_under_its_own_number(self) -> None:
        said = await self.channel().hand_over(self.message())
        assert said, "what the other side answered is kept"
        [arrived] = self.arrivals()
        assert arrived.message_id.strip("<>") == NUMBER.strip("<>")
        assert arrived.text.strip().replace("\r\n", "\n") == self.message().text
        assert self.message().data.items() <= arrived.data.items()

    async def test_a_repeat_carries_the_same_number(self) -> None:
        """After a crash between sending and writing it down, the message goes out again."""
        for _ in range(2):
            await self.channel().hand_over(self.message())
        assert [one.message_id for one in self.arrivals()] == [self.arrivals()[0].message_id] * 2

    async def test_refused_is_failed(self) -> None:
        for code in self.refusals:
            self.refuse(code)
            with pytest.raises(HandoverFailed):
                await self.channel().hand_over(self.message())
        assert self.arrivals() == []

    async def test_nobody_there_is_failed(self) -> None:
        channel, address = self.channel_to_nobody(free_ports(1)[0])
        with pytest.raises(HandoverFailed):
            await channel.hand_over(Message(NUMBER, address, "s", "t", {}))

    async def test_slow_is_failed_within_its_bound(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shorten(monkeypatch, 0.3)
        self.catcher.mode.delay_s = 2.0
        begun = time.monotonic()
        with pytest.raises(HandoverFailed):
            await self.channel().hand_over(self.message())
        assert time.monotonic() - begun < 1.9

    async def test_a_failure_says_nothing_of_the_message(self) -> None:
        """Its text goes to the log and to a page."""
        self.refuse(self.refusals[0])
        with pytest.raises(HandoverFailed) as failed:
            await self.channel().hand_over(self.message("the words of the message"))
        assert "words" not in str(failed.value)
        assert self.address() not in str(failed.value)

    async def test_long_and_strange_texts_arrive_whole(self) -> None:
        text = "Trẻ sốt cao, co giật — ≥ 39,5 °C; “cứng gáy”\n" + "dòng rất dài " * 200 + "\n.\n.hết"
        await self.channel().hand_over(self.message(text))
        [arrived] = self.arrivals()
        assert arrived.text.strip().replace("\r\n", "\n") == text
