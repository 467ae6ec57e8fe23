"""What an editor in a terminal that tmux holds has in common with others: keys in, screen out, waits with a deadline, and the
traffic of our server, which tells when a job has ended. Which editor it is, and what its keys mean, its own file knows."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

from scenario import Failure, undo_until

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# Between two looks at a condition.
GLANCE_SECONDS = 0.02


class InTmux:
    """An editor with one file. `directory` is an empty directory of the test, `variables` are for our server and the editor."""

    def __init__(self, server, directory, variables):
        self.directory = directory
        self.server = server
        self.project = directory / "project"
        (self.project / ".git").mkdir(parents=True)
        self.path = None
        self.home = directory / "home"
        self.home.mkdir()
        binaries = directory / "bin"
        binaries.mkdir()
        self.shim = binaries / "ezrouter-lsp"
        self.shim.write_text(
            f'#!/bin/sh\nexec "{sys.executable}" "{HERE / "tee.py"}" "{directory}/traffic.log" "{server}" "$@" '
            f'2>>"{directory}/server.log"\n'
        )
        self.shim.chmod(0o755)
        self.variables = {
            "HOME": str(self.home),
            "PATH": f"{binaries}:/usr/bin:/bin",
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "LC_ALL": "C.UTF-8",
            **variables,
        }

    # The terminal

    def tmux(self, *arguments):
        command = ["tmux", "-S", str(self.directory / "tmux"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False).stdout

    def start(self, *command):
        """Starts the editor in a terminal of 110 x 40."""
        configuration = self.directory / "tmux.conf"
        configuration.write_text("set -s escape-time 0\nset -g default-terminal xterm-256color\n")
        variables = [f"{name}={value}" for name, value in self.variables.items()]
        self.tmux(
            "-f", str(configuration), "new-session", "-d", "-x", "110", "-y", "40", "-c", str(self.project),
            "env", "-i", *variables, *(str(part) for part in command),
        )

    def keys(self, *keys):
        """Presses keys by tmux's names; text goes through `type`."""
        self.tmux("send-keys", *keys)

    def type(self, text):
        self.tmux("send-keys", "-l", text)

    def screen(self):
        return self.tmux("capture-pane", "-p")

    def wait(self, condition, what, seconds=10.0):
        """The first true value of the condition; a deadline, no guess about how long it takes."""
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            if deadline < time.monotonic():
                raise Failure(f"waited in vain for {what}\n{self.screen()}")
            time.sleep(GLANCE_SECONDS)
        return value

    def wait_shown(self, part):
        self.wait(lambda: part in self.screen(), f"{part!r} on the screen")

    # The text

    def write(self, name, text):
        """Puts a file into the project."""
        self.path = self.project / name
        self.path.write_text(text)

    def wait_text(self, text, seconds=10.0):
        """Waits until the buffer is exactly `text`."""
        try:
            self.wait(lambda: self.text() == text, "the expected text", seconds)
        except Failure as failure:
            raise Failure(f"{failure}\n  expected {text!r}\n  found    {self.text()!r}") from None

    def line_of(self, line):
        """The number, from 1, of the only line that reads so."""
        lines = self.text().split("\n")
        if lines.count(line) != 1:
            raise Failure(f"{lines.count(line)} lines {line!r} in {lines}")
        return lines.index(line) + 1

    def undo_until(self, goal, most):
        """Presses undo until the buffer is `goal`, or until that is true of it; gives how often, and fails after `most`."""
        return undo_until(self, goal, most)

    def turn_to_conversation(self):
        """Waits until the editor shows the document of a conversation, which is its file from now on."""
        documents = self.project / ".ezrouter" / "conversations"
        # Emacs locks a file by a link whose name begins with a dot.
        self.wait(lambda: list(documents.glob("[!.]*.md")), "a conversation document")
        self.path, = documents.glob("[!.]*.md")
        self.wait(lambda: self.is_open(self.path), "the server to have the document")

    def is_open(self, path):
        """Whether the server was told of this document."""
        log = self.directory / "traffic.log.json"
        return any("didOpen" in line and path.name in line for line in log.read_text().splitlines())

    # The server

    def traffic(self):
        log = self.directory / "traffic.log"
        return log.read_text() if log.exists() else ""

    def messages_of(self, method):
        """The parameters of all that the server sent by this name."""
        log = self.directory / "traffic.log.json"
        lines = log.read_text().splitlines() if log.exists() else []
        messages = [message for _, arrow, message in map(json.loads, lines) if arrow == "->" and message]
        return [message["params"] for message in messages if message.get("method") == method]

    def wait_end(self, count=1, seconds=15.0):
        """Waits until that many jobs have ended; the message of the last one."""
        def ends():
            found = self.reported("end")
            return count <= len(found) and found

        return self.wait(ends, f"the end of job {count}", seconds)[count - 1].get("message") or ""

    def reported(self, kind):
        """What was reported as progress of one kind (begin, report, end)."""
        values = [message["value"] for message in self.messages_of("$/progress")]
        return [value for value in values if value["kind"] == kind]

    def wait_report(self):
        """Waits until progress is reported once more, which happens once a second while the gateway is silent."""
        seen = len(self.reported("report"))
        self.wait(lambda: seen < len(self.reported("report")), "another report")

    def opened(self):
        """How often our server was told of an opened document."""
        return self.traffic().count("textDocument/didOpen")

    def kill_server(self):
        """Kills the server as a crash does; the traffic log beside it ends by itself."""
        os.kill(self.server_process(), signal.SIGKILL)

    def server_process(self):
        """The process id of the server."""
        found = subprocess.run(["ps", "-o", "pid=,args=", "-e"], capture_output=True, text=True, check=True).stdout
        tee = f"tee.py {self.directory}/traffic.log"
        ours = [line.split(None, 1) for line in found.splitlines() if str(self.server) in line]
        children = [int(pid) for pid, command in ours if tee not in command and parent_is(pid, tee)]
        if len(children) != 1:
            raise Failure(f"{len(children)} servers where one was to be killed")
        return children[0]

    def wait_gone(self, processes):
        """Waits until none of these processes runs."""
        self.wait(lambda: not any(pathlib.Path(f"/proc/{one}").exists() for one in processes), "the processes to end")

    # For the report of a failure

    def messages(self):
        return self.screen()

    def progress(self):
        return []

    def close(self):
        self.tmux("kill-server")


def parent_is(process, part):
    """Whether the command of the parent of a process has this in it."""
    try:
        parent = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1]
        return part in pathlib.Path(f"/proc/{parent}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return False
