"""The relay machine on recorded bytes: `play` feeds chunks to a `Relay` and carries out what it asks.

What the caller was told comes back as `Told`; `events` reads it as strictly as the law of `stream` asks.
"""

import json
import re
from collections.abc import Iterable
from typing import Any

import msgspec

from darkroom.errors import Error
from darkroom.wire.actions import Action, Cut, Earn, Keep, Outcome, Replay, Send
from darkroom.wire.relay import Relay, Wish
from darkroom.wire.stages import StageClock

Tree = dict[str, Any]
SSE = b"text/event-stream"


class Told:
    """What the caller was told: his bytes with the marks between them, the spool, and the outcome."""

    def __init__(self) -> None:
        self.sent = b""
        self.earned: list[tuple[int, int]] = []
        """Index of each picture, and how many bytes had been sent before its mark."""
        self.cut = False
        self.spool = b""
        self.replayed = 0
        self.outcome = Outcome()

    def carry_out(self, actions: Iterable[Action]) -> None:
        for action in actions:
            assert not self.cut, "nothing may follow a cut"
            if isinstance(action, Send):
                self.sent += action.data
            elif isinstance(action, Keep):
                self.spool += action.data
            elif isinstance(action, Replay):
                assert 0 <= action.start <= action.stop <= len(self.spool), (
                    "only what was kept can be replayed"
                )
                self.sent += self.spool[action.start : action.stop]
                self.replayed += action.stop - action.start
            elif isinstance(action, Earn):
                self.earned.append((action.index, len(self.sent)))
            elif isinstance(action, Cut):
                self.cut = True

    @property
    def facts(self) -> tuple[Any, ...]:
        """All that must not depend on where the stream was cut into chunks."""
        outcome = msgspec.to_builtins(msgspec.structs.replace(self.outcome, error=None))
        error = self.outcome.error
        return (
            self.sent,
            self.earned,
            self.cut,
            self.spool,
            outcome,
            error and (type(error), error.fields(), error.internal),
        )

    @property
    def events(self) -> list[Tree]:
        return events(self.sent)

    @property
    def kinds(self) -> list[str]:
        """The events' types without `response.`."""
        return [tree["type"].removeprefix("response.") for tree in self.events]


def machine(*, stream: bool = True, content_type: bytes = SSE, **wishes: Any) -> Relay:
    """A relay machine at time 0 that has just heard the head of its upstream's answer."""
    named = {"image": True, "response_id": "resp_own", "created_at": 1764000001, "model": "gpt-5.5", **wishes}
    relay = Relay(Wish(stream=stream, **named), StageClock(0.0))
    relay.begin(content_type)
    return relay


def play(
    chunks: Iterable[bytes], relay: Relay | None = None, error: Error | None = None, **wishes: Any
) -> Told:
    """An answer in these chunks, to its end."""
    relay = relay or machine(**wishes)
    told = Told()
    for chunk in chunks:
        told.carry_out(relay.receive(chunk, 1.0))
    told.carry_out(relay.close(error, 2.0))
    told.outcome = relay.outcome
    return told


_STRAY = re.compile(r"""(\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))|\\|[\x00-\x1f]""")
"""What may not stand in a JSON string."""


def _pairs(pairs: list[tuple[str, Any]]) -> Tree:
    tree = dict(pairs)
    if tree.get("type") != "error" and tree.get("status") != "failed":
        assert len(tree) == len(pairs), "a key stands twice"
    return tree


def events(sent: bytes, *, ours: bool = True) -> list[Tree]:
    """The events of a stream, which must be strictly well-formed: names, numbers, ends, no key twice.

    Without `ours` an upstream's own bytes may be among them: keys that stand twice, and long strings of any bytes.
    """
    assert sent.endswith(b"\n\n"), sent[-80:]
    found = []
    for frame in sent.decode(errors="strict" if ours else "replace").removesuffix("\n\n").split("\n\n"):
        if frame == ": keep-alive":
            continue
        name, data = frame.split("\n")
        assert name.startswith("event: ")
        assert data.startswith("data: ")
        tree = json.loads(
            data[6:] if ours else _STRAY.sub(r"\1", data[6:]), object_pairs_hook=_pairs if ours else None
        )
        assert tree["type"] in (name[7:], "error")
        found.append(tree)
    assert [tree["sequence_number"] for tree in found] == list(range(len(found)))
    return found


def failed_once(told: Told) -> Tree:
    """The one well-formed failure that a stream ended with: an error event, then response.failed. The error event."""
    kinds = told.kinds
    assert kinds[-2:] == ["error", "failed"], kinds
    assert not {"error", "failed", "completed", "incomplete"} & set(kinds[:-2])
    error, last = told.events[-2:]
    assert set(error["error"]) >= {"message", "type", "param", "code"}
    assert error["message"] == error["error"]["message"]
    assert last["response"]["status"] == "failed"
    assert last["response"]["error"]["message"] == error["message"]
    assert told.outcome.status == "failed"
    assert told.outcome.error is not None
    return error
