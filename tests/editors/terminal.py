"""The program itself in a terminal of its own, as a person runs it: what it writes there, and the keys that it is sent. It
knows no command of the program."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time

from scenario import Failure


class Terminal:
    """One command with a pseudo-terminal of 80 x 24; `variables` is its whole environment.

    With `stdout` a pipe takes what the command prints, as in `ezrouter-lsp ask ... | less`, and `printed` holds it.
    """

    def __init__(self, command, variables, directory, pipe=False):
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self._terminal = ours
        self.shown = ""
        self.printed = None
        self._process = subprocess.Popen(
            # Ctrl-C reaches the command only if the terminal is the one that controls its session.
            ["setsid", "--ctty", *(str(part) for part in command)],
            env={"PATH": "/usr/bin:/bin", "TERM": "xterm-256color", **variables},
            cwd=directory,
            stdin=theirs,
            stdout=subprocess.PIPE if pipe else theirs,
            stderr=theirs,
        )
        os.close(theirs)

    def type(self, keys):
        """Presses keys."""
        os.write(self._terminal, keys.encode())

    def wait_shown(self, part, seconds=15.0):
        """Waits until the command has written this to the terminal."""
        deadline = time.monotonic() + seconds
        while part not in self.shown:
            if not self._read(deadline - time.monotonic()):
                raise Failure(f"waited in vain for {part!r} in the terminal: {self.shown!r}")

    def writes_nothing(self, seconds=0.5):
        """Whether nothing is written to the terminal for so long: a few frames of what moves while a command waits."""
        return not self._read(seconds)

    def wait_end(self, seconds=60.0):
        """The exit code, once the command has ended and all that it wrote was read."""
        deadline = time.monotonic() + seconds
        while self._read(deadline - time.monotonic()):
            pass
        if self._process.stdout is not None:
            self.printed = self._process.stdout.read().decode()
        try:
            return self._process.wait(max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            raise Failure(f"still there after {seconds:g} s: {self.shown!r}") from None

    def close(self):
        """Ends the command if it still runs."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        os.close(self._terminal)

    def _read(self, seconds):
        """Reads once; False at the end of the terminal, or when nothing came in time."""
        ready, _, _ = select.select([self._terminal], [], [], max(seconds, 0.0))
        if not ready:
            return False
        try:
            data = os.read(self._terminal, 65536)
        except OSError:
            # Linux says so when the last process that has the terminal open is gone.
            return False
        self.shown += data.decode(errors="replace")
        return data != b""
