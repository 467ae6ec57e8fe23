"""A real Helix in a terminal that tmux holds: keys in, screen out, and the text by `:write`. It starts our server by the
very editors/helix.toml that users paste."""

import itertools
import pathlib
import re
import subprocess
import time

from scenario import Failure

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
NUMBERS = itertools.count()


def launcher(environment, directory):
    """A script that runs the unpacked Helix with the libraries it was built for; what it starts stays ordinary."""
    root = environment / "helix" / "root"
    script = directory / "hx"
    script.write_text(
        f'#!/bin/sh\nHELIX_RUNTIME={root}/usr/lib/hx/runtime exec {root}/usr/lib64/ld-linux-x86-64.so.2 '
        f'--library-path {root}/usr/lib/x86_64-linux-gnu {root}/usr/lib/hx/hx "$@"\n'
    )
    script.chmod(0o755)
    return script


class Helix:
    """One Helix with one file."""

    def __init__(self, environment, server, directory, variables):
        self.directory = directory
        self.session = f"helix-{next(NUMBERS)}"
        self.socket = directory / "tmux"
        home = directory / "home"
        configuration = home / ".config" / "helix"
        configuration.mkdir(parents=True)
        # What users paste, with another server of the language that is there, and with our binary on PATH.
        # Helix 25.01 asks only the first server for a hover (measured), so that one leaves it to ours, as the file tells.
        other = '{ name = "second", except-features = ["hover"] }'
        text = (ROOT / "editors" / "helix.toml").read_text().replace('"pylsp"', other)
        second = ROOT / "tests" / "editors" / "second_server.py"
        python = environment / "bin" / "python"
        text += f'\n[language-server.second]\ncommand = "{python}"\nargs = ["{second}", "{directory}/second.log"]\n'
        (configuration / "languages.toml").write_text(text)
        (configuration / "config.toml").write_text("[editor]\nauto-completion = false\n")
        binaries = directory / "bin"
        binaries.mkdir()
        # The traffic is kept for the report of a failure.
        tee = ROOT / "tests" / "editors" / "tee.py"
        shim = binaries / "ezrouter-lsp"
        shim.write_text(f'#!/bin/sh\nexec "{python}" "{tee}" "{directory}/traffic.log" "{server}" "$@"\n')
        shim.chmod(0o755)
        self.launcher = launcher(environment, directory)
        self.variables = {
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / ".config"),
            "XDG_CACHE_HOME": str(home / ".cache"),
            "PATH": f"{binaries}:/usr/bin:/bin",
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "LC_ALL": "C.UTF-8",
            **variables,
        }
        self.path = None

    def tmux(self, *arguments):
        command = ["tmux", "-S", str(self.socket), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        return done.stdout

    def open(self, name, text):
        """Opens a file of a small project and waits until our server has it."""
        project = self.directory / "project"
        (project / ".git").mkdir(parents=True, exist_ok=True)
        self.path = project / name
        self.path.write_text(text)
        configuration = self.directory / "tmux.conf"
        configuration.write_text("set -s escape-time 0\nset -g default-terminal xterm-256color\n")
        variables = [f"{name}={value}" for name, value in self.variables.items()]
        self.tmux(
            "-f", str(configuration), "new-session", "-d", "-s", self.session, "-x", "110", "-y", "40",
            "-c", str(project), "env", "-i", *variables, str(self.launcher), str(self.path),
        )
        self.wait(lambda: "didOpen" in self.traffic(), "the server to have the file")

    def traffic(self):
        log = self.directory / "traffic.log"
        return log.read_text() if log.exists() else ""

    def keys(self, *keys):
        """Presses keys by tmux's names; text goes through `type`."""
        self.tmux("send-keys", "-t", self.session, *keys)

    def type(self, text):
        self.tmux("send-keys", "-t", self.session, "-l", text)

    def screen(self):
        return self.tmux("capture-pane", "-t", self.session, "-p")

    def shown(self):
        """The text on the screen, without line numbers: as far as it is visible."""
        lines = [re.sub(r"^ {0,6}\d+ ?", "", line[1:]).rstrip() for line in self.screen().splitlines()]
        return "\n".join(lines)

    def wait(self, condition, what, seconds=10.0):
        """Polls until the condition holds; a deadline, no guess about how long it takes."""
        deadline = time.monotonic() + seconds
        while not condition():
            if deadline < time.monotonic():
                raise Failure(f"waited in vain for {what}\n{self.screen()}")
            time.sleep(0.02)

    def wait_shown(self, part):
        self.wait(lambda: part in self.screen(), f"{part!r} on the screen")

    def goto(self, line, *keys):
        """Goes to a line, in normal mode."""
        self.keys("Escape")
        self.type(f"{line}G")
        if keys:
            self.keys(*keys)

    def menu(self, title):
        """Opens the code actions and takes the one that begins so."""
        self.keys("Space")
        self.type("a")
        self.wait_shown(title)
        # Helix has no way to name an entry: walk down to it.
        for _ in range(30):
            if self.chosen().startswith(title):
                self.keys("Enter")
                return
            before = self.chosen()
            self.keys("Tab")
            self.wait(lambda: self.chosen() != before, "the next entry of the menu")
        raise Failure(f"{title} cannot be reached in the menu\n{self.screen()}")

    def chosen(self):
        """The entry of the menu that is drawn as chosen: the screen with its colours tells."""
        return chosen_entry(self.tmux("capture-pane", "-t", self.session, "-p", "-e"))

    def text(self):
        """What the buffer holds, by writing it."""
        self.keys("Escape")
        self.path.unlink(missing_ok=True)
        self.type(":write!")
        self.keys("Enter")
        self.wait(lambda: self.path.exists() and self.path.stat().st_size, "the file to be written")
        return self.path.read_text()

    def messages(self):
        return self.screen()

    def progress(self):
        return []

    def close(self):
        self.tmux("kill-server")


def chosen_entry(screen):
    """The text on a white background: how Helix's own theme draws the chosen entry of a menu."""
    found = re.search(r"\x1b\[48;2;255;255;255m\s*([^\x1b]+)", screen)
    return found.group(1).strip() if found else ""
