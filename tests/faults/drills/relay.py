"""Between a node and the API server: a relay on this machine that is slow, or refuses at times. The node's own firewall leads
its connections here, so that names, addresses and certificates are what they were."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
import time
from collections.abc import Iterator

from bed import CP, W, sh

PORT = 6443


class Relay:
    """Takes connections while `open_at(seconds since the start)` says so, and holds back each piece of data for `delay`."""

    def __init__(self, bind: str, target: str, delay: float, up: float, down: float) -> None:
        self._target, self._delay, self._up, self._down = target, delay, up, down
        self._listener = socket.create_server((bind, 0))
        self.port: int = self._listener.getsockname()[1]
        self._began = time.monotonic()
        self._ended = False
        self._open: set[socket.socket] = set()
        for work in (self._accept, self._flap):
            threading.Thread(target=work, daemon=True).start()

    def is_up(self) -> bool:
        """Whether connections live at this moment."""
        return not self._down or (time.monotonic() - self._began) % (self._up + self._down) < self._up

    def _accept(self) -> None:
        while not self._ended:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if not self.is_up():
                self._reset(near)
                continue
            try:
                far = socket.create_connection((self._target, PORT), timeout=5)
            except OSError:
                self._reset(near)
                continue
            far.settimeout(None)
            self._open |= {near, far}
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                time.sleep(self._delay)
                other.sendall(data)
        for end in (one, other):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _flap(self) -> None:
        """What is open when it goes down is broken off."""
        while self._down and not self._ended:
            time.sleep(0.1)
            if not self.is_up():
                while self._open:
                    self._reset(self._open.pop())

    @staticmethod
    def _reset(end: socket.socket) -> None:
        with contextlib.suppress(OSError):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            end.shutdown(socket.SHUT_RDWR)
        end.close()

    def close(self) -> None:
        self._ended = True
        self._listener.close()


@contextlib.contextmanager
def relayed(delay: float = 0, up: float = 0, down: float = 0) -> Iterator[None]:
    """The worker's way to the API server leads through a relay, while the block runs."""
    ask = ["podman", "inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{.Gateway}}{{end}}", CP]
    control_plane, gateway = subprocess.run(ask, check=True, capture_output=True, text=True).stdout.split()
    relay = Relay(gateway, control_plane, delay, up, down)
    rule = f"OUTPUT -d {control_plane} -p tcp --dport {PORT} -j DNAT --to-destination {gateway}:{relay.port}"
    sh(W, f"iptables -t nat -I {rule}")
    try:
        yield
    finally:
        sh(W, f"iptables -t nat -D {rule}")
        relay.close()
