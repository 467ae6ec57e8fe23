"""What a scenario is: a function that gets a bench and fails by raising. The registry and the bench live here; how
the scenarios are run and reported is the runner's affair."""

import contextlib
import dataclasses
import pathlib
import shutil
import tempfile
import typing

SCENARIOS = []
# What is to be ended when all scenarios are through.
AT_END = contextlib.ExitStack()


class Failure(AssertionError):
    """What the server, or the editor with it, did wrong."""


@dataclasses.dataclass
class Tools:
    """Where things are: the environment of install.sh, the server's binary, the directory of recorded traffic."""

    environment: pathlib.Path
    server: pathlib.Path
    record: pathlib.Path | None = None


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
        for title, name, lines in (("traffic", "traffic.log", 40), ("log of the server", "server.log", 20)):
            parts.append((f"last {title}", "\n".join(tail(self.directory / name, lines))))
        return "\n".join(f"--- {title}\n{text}" for title, text in parts if text)


def tail(path, lines=20):
    """The last lines of a file that may be missing."""
    return path.read_text(errors="replace").splitlines()[-lines:] if path.exists() else []


@dataclasses.dataclass
class Scenario:
    """A named function, and the bench that it wants."""

    name: str
    run: typing.Callable
    bench: typing.Callable


def scenario(bench, name=None, debounce=None, **options):
    """Registers `function(bench, **options)` as a scenario on `bench(tools, directory, debounce)`, a context manager.
    Several of these on one function make several scenarios."""

    def register(function):
        def run(given):
            function(given, **options)

        def make(tools, directory):
            return bench(tools, directory, debounce)

        # The decorator that stands first in the file comes last.
        SCENARIOS.append(Scenario(name or function.__name__, run, make))
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
