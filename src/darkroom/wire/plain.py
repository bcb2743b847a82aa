"""A body that is one JSON object, read in pieces with the tokens of `sse`: its counterpart for plain answers.

A small body is one `Frame`; a larger one is `Head`, `Piece`…, `Tail`. `raw` is the text itself, never changed.
"""

from darkroom.wire import elide
from darkroom.wire.elide import HOLD, Elider, Malformed, Open, Piece
from darkroom.wire.sse import Broken, Frame, Head, Tail, Token


class Reader:
    """Bytes to tokens: `feed` what arrives, `finish` at the end of the body."""

    def __init__(self) -> None:
        self._elider = Elider()
        self._opened = False
        self._broken = False

    @property
    def kept(self) -> int:
        """Bytes held."""
        return self._elider.kept

    @property
    def between(self) -> bool:
        """Nothing has arrived."""
        return not self._opened and self._elider.kept == 0

    def feed(self, data: bytes) -> list[Token]:
        """Take the next bytes of the body; return the tokens that are complete with them."""
        if self._broken:
            return []
        out: list[Token] = []
        try:
            self._hand_out(self._elider.feed(data), out)
        except Malformed as exc:
            self._hand_out(exc.tokens, out)
            self._break(str(exc), out)
        return out

    def finish(self) -> list[Token]:
        """The body has ended."""
        if self._broken:
            return []
        out: list[Token] = []
        try:
            tree = self._elider.finish()
            out.append(Tail(tree, self._elider.rest) if self._opened else Frame("", tree, self._elider.rest))
        except Malformed as exc:
            self._break(str(exc), out)
        return out

    def _hand_out(self, tokens: list[elide.Token], out: list[Token]) -> None:
        for token in tokens:
            if type(token) is Piece:
                out.append(token)
            elif type(token) is Open:
                out.append(self._head(token))

    def _head(self, token: Open) -> Head:
        first, self._opened = not self._opened, True
        return Head("", token.tree, token.text, token.long, token.lead, first)

    def _break(self, reason: str, out: list[Token]) -> None:
        self._broken = True
        out.append(Broken(reason, self._elider.rest[:HOLD]))
        self._elider = Elider()
