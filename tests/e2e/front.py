"""A door before the sandbox: says for each request which scenario it is to play, when the client itself cannot.

The contract's examples must not be changed, so they cannot ask for a dialect; the header that asks is put in here,
between the relay and the sandbox, and every other byte passes as it is.
"""

import contextlib
import socket
import threading
from collections import deque
from collections.abc import Iterator


class Front:
    """`scenarios` are played one a request, in order; a request beyond them plays the sandbox's usual one."""

    def __init__(self, listener: socket.socket, sandbox_port: int) -> None:
        self.port: int = listener.getsockname()[1]
        self.scenarios: deque[str] = deque()
        self.heard = 0
        """Requests so far."""
        self._listener = listener
        self._sandbox_port = sandbox_port

    def serve(self) -> None:
        """Until the listener is closed."""
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass, args=(caller,), daemon=True).start()

    def _pass(self, caller: socket.socket) -> None:
        """One request and its answer; the connection serves no other."""
        with caller, contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                piece = caller.recv(65536)
                if not piece:
                    return
                head += piece
            self.heard += 1
            asked = self.scenarios.popleft() if self.scenarios else "fast"
            first, _, rest = head.partition(b"\r\n")
            extra = f"\r\nx-darkroom-scenario: {asked}\r\nconnection: close\r\n".encode()
            with socket.create_connection(("127.0.0.1", self._sandbox_port)) as sandbox:
                sandbox.sendall(first + extra + rest)
                threading.Thread(target=_pump, args=(caller, sandbox), daemon=True).start()
                _pump(sandbox, caller)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """All bytes of one direction, and then its end in both."""
    with contextlib.suppress(OSError):
        while piece := source.recv(262_144):
            sink.sendall(piece)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def front(sandbox_port: int) -> Iterator[Front]:
    """A front that listens on loopback inside the block."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made = Front(listener, sandbox_port)
        thread = threading.Thread(target=made.serve, daemon=True)
        thread.start()
        try:
            yield made
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(10)
