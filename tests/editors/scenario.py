"""What a scenario is: a function that gets a bench and fails by raising. The registry and the bench live here; how
the scenarios are run and reported is the runner's affair."""

import contextlib
import dataclasses
import pathlib
import shutil
import subprocess
import tempfile
import time
import typing

SCENARIOS = []
# What is to be ended when all scenarios are through.
AT_END = contextlib.ExitStack()


class Failure(AssertionError):
    """What the server, or the editor with it, did wrong."""


@dataclasses.dataclass
class Tools:
    """Where things are: the environment of install.sh, the server's binary, what was recorded; and whether to record it anew."""

    environment: pathlib.Path
    server: pathlib.Path
    fixtures: pathlib.Path
    record: bool = False


@dataclasses.dataclass
class Bench:
    """One scenario's own directory, gateway and editor."""

    directory: pathlib.Path
    gateway: typing.Any
    editor: typing.Any
    tools: Tools
    debounce: int | None = None

    def report(self):
        """What helps to understand a failure: the editor's messages and the ends of the logs."""
        parts = []
        with contextlib.suppress(Exception):
            parts.append(("what the editor says", self.editor.messages()))
        with contextlib.suppress(Exception):
            parts.append(("progress", "\n".join(str(entry) for entry in self.editor.progress()[-10:])))
        with contextlib.suppress(Exception):
            parts.append(("requests", "\n".join(summary(request) for request in self.gateway.requests)))
        for title, name, lines in (("traffic", "traffic.log", 40), ("log of the server", "server.log", 20)):
            parts.append((f"last {title}", "\n".join(tail(self.directory / name, lines))))
        return "\n".join(f"--- {title}\n{text}" for title, text in parts if text)


def summary(request):
    """One request to the gateway, in a line."""
    messages = (request["body"] or {}).get("messages") or [{}]
    return f"{request['method']} {request['path']} {str(messages[-1].get('content'))[-60:]!r}"


def tail(path, lines=20):
    """The last lines of a file that may be missing."""
    return path.read_text(errors="replace").splitlines()[-lines:] if path.exists() else []


@dataclasses.dataclass
class Scenario:
    """A named function, and the bench that it wants; the kind of that, and Neovim's pause before it tells of a change."""

    name: str
    run: typing.Callable
    bench: typing.Callable
    kind: typing.Callable
    debounce: int | None = None


def scenario(bench, name=None, debounce=None, **options):
    """Registers `function(bench, **options)` as a scenario on `bench(tools, directory, debounce)`, a context manager.
    Several of these on one function make several scenarios."""

    def register(function):
        def run(given):
            function(given, **options)

        def make(tools, directory):
            return bench(tools, directory, debounce)

        # The decorator that stands first in the file comes last.
        SCENARIOS.append(Scenario(name or function.__name__, run, make, bench, debounce))
        return function

    return register


@contextlib.contextmanager
def scratch():
    """A directory that is gone afterwards. Its path is short: Neovim names the file in a message when it drops an
    edit made for an older version, and a message longer than the screen is wide waits for a key."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="ez-"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def equal(found, expected, what):
    """Fails unless both are the same."""
    if found != expected:
        raise Failure(f"{what}\n  expected {expected!r}\n  found    {found!r}")


def true(value, what):
    """Fails unless the value is true."""
    if not value:
        raise Failure(what)


def undo_until(editor, goal, most):
    """Presses undo until the buffer is `goal`, or until that is true of it; gives how often, and fails after `most`."""
    for presses in range(1, most + 1):
        editor.undo()
        text = editor.text()
        if goal(text) if callable(goal) else text == goal:
            return presses
    raise Failure(f"{most} undos did not give the text back\n  expected {goal!r}\n  found    {text!r}")


def made_offline(configuration, online, offline):
    """A configuration of editors/ with the change that it tells to make to try it without a key."""
    true(offline in configuration, f"the file does not tell how to try it without a key: {offline}")
    count = configuration.count(online)
    equal(count, 1, f"how often {online} stands in the file")
    return configuration.replace(online, offline)


def wait_kept(server, directory, part, seconds=15.0):
    """Waits until the history below a directory, as `ezrouter-lsp history` lists it, has this in it; gives the list."""
    deadline = time.monotonic() + seconds
    listed = None
    while True:
        for path in directory.rglob("history.db"):
            variables = {"EZROUTER_STATE_DIR": str(path.parent)}
            command = [str(server), "history", "list"]
            listed = subprocess.run(command, env=variables, capture_output=True, text=True, check=True).stdout
            if part in listed:
                return listed
        if deadline < time.monotonic():
            raise Failure(f"waited in vain for {part!r} in the history: {listed!r}")
        time.sleep(0.02)
