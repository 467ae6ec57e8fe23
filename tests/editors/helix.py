"""A real Helix in a terminal that tmux holds: keys in, screen out, and the text by `:write`. It starts our server by the
very editors/helix.toml, and has the keys of editors/helix-keys.toml, that users paste."""

import json
import re
import sys

from in_tmux import HERE, ROOT, InTmux
from scenario import Failure, made_offline

KEYS = ROOT / "editors" / "helix-keys.toml"
# What the file tells to change to try it without a key.
ONLINE, OFFLINE = 'args = ["--stdio"]', 'args = ["--stdio", "--offline"]'


# Escape and a key right behind it are one key with Alt to a program in a terminal, so normal mode has a key of its own.
SETTINGS = """
[editor]
auto-completion = false
[keys.normal]
F12 = "normal_mode"
[keys.insert]
F12 = "normal_mode"
[keys.select]
F12 = "normal_mode"
"""


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


class Helix(InTmux):
    """One Helix with one file."""

    client = "Helix 25.01"
    streams = True

    def __init__(self, environment, server, directory, variables, offline=False, settings=None):
        super().__init__(server, directory, variables)
        configuration = self.home / ".config" / "helix"
        configuration.mkdir(parents=True)
        # What users paste, with another server of the language that is there, and with our binary on PATH.
        # Helix 25.01 asks only the first server for a hover (measured), so that one leaves it to ours, as the file tells.
        other = '{ name = "second", except-features = ["hover"] }'
        text = (ROOT / "editors" / "helix.toml").read_text()
        text = (made_offline(text, ONLINE, OFFLINE) if offline else text).replace('"pylsp"', other)
        second = HERE / "second_server.py"
        text += f'\n[language-server.second]\ncommand = "{sys.executable}"\nargs = ["{second}", "{directory}/second.log"]\n'
        if settings is not None:
            lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
            text += "\n".join(["\n[language-server.ezrouter.config]", *lines, ""])
        (configuration / "languages.toml").write_text(text)
        (configuration / "config.toml").write_text(SETTINGS + KEYS.read_text())
        self.launcher = launcher(environment, directory)

    def open(self, name, text):
        """Opens a file of the project and waits until our server has it."""
        self.write(name, text)
        self.start(self.launcher, self.path)
        self.wait(lambda: "didOpen" in self.traffic(), "the server to have the file")

    def normal_mode(self):
        """Leaves whatever mode Helix is in."""
        self.keys("F12")

    def goto(self, line):
        """Goes to a line, in normal mode."""
        self.normal_mode()
        self.type(f"{line}G")

    def select(self, first, last):
        """Selects whole lines."""
        self.goto(first)
        self.type("x" * (last - first + 1))

    def choose(self, first, last, title):
        """Takes a code action on whole lines."""
        self.select(first, last)
        self.menu(title)

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

    def titles(self, first, last):
        """What the menu has there."""
        self.select(first, last)
        self.keys("Space")
        self.type("a")
        self.wait(self.chosen, "the menu")
        screen = self.screen()
        self.keys("C-c")
        self.wait(lambda: not self.chosen(), "the menu to close")
        return screen

    def chosen(self):
        """The entry of the menu that is drawn as chosen: the screen with its colours tells."""
        return chosen_entry(self.tmux("capture-pane", "-p", "-e"))

    def text(self):
        """What the buffer holds, by writing it."""
        self.normal_mode()
        self.path.unlink(missing_ok=True)
        self.type(":write!")
        self.keys("Enter")
        self.wait(lambda: self.path.exists() and self.path.stat().st_size, "the file to be written")
        return self.path.read_text()

    def wait_line(self, line):
        """Waits until the screen has this line; what is on the screen is in the buffer."""
        self.wait(lambda: any(shown.endswith(f" {line}") for shown in rows(self.screen())), f"a line {line!r}")

    def insert_above(self, line, text, leave=True):
        """Types a line of its own above a line; with `leave` leaves insert mode."""
        self.goto(line)
        self.type(f"O{text}")
        self.wait_shown(text)
        if leave:
            self.normal_mode()

    def append(self, line, text):
        """Types at the end of the only line that reads so."""
        self.goto(self.line_of(line))
        self.type(f"A{text}")
        self.wait_shown(f"{line}{text}")
        self.normal_mode()

    def type_here(self, text):
        """Types where the cursor is."""
        self.normal_mode()
        self.type(f"i{text}")
        self.wait_shown(text)
        self.normal_mode()

    def act(self, title):
        """Takes a code action where the cursor is."""
        self.normal_mode()
        self.menu(title)

    def press(self, key):
        """Presses one of the keys behind the prefix of helix-keys.toml."""
        self.keys("Space")
        self.type(f"l{key}")

    def command(self, name):
        """Runs a command of our server, as a key that is bound to it does."""
        self.normal_mode()
        self.type(f":lsp-workspace-command {name}")
        self.keys("Enter")

    def wait_document(self, text):
        """Waits until a document with these lines is on the screen."""
        lines = text.splitlines()

        def shown():
            found = rows(self.screen())
            return all(any(row.endswith(f" {line}".rstrip()) for row in found) for line in lines)

        self.wait(shown, f"a document with {text!r}")

    def start_server_again(self):
        """As a user does after the server died."""
        opened = self.opened()
        self.wait_shown("Language server exited")
        self.type(":lsp-restart")
        self.keys("Enter")
        self.wait(lambda: opened < self.opened(), "the new server to have the file")

    def undo(self):
        """Presses u once."""
        before = self.text()
        self.type("u")
        self.wait(lambda: self.text() != before, "an undo")


def rows(screen):
    return [row.rstrip() for row in screen.splitlines()]


def chosen_entry(screen):
    """The text on a white background: how Helix's own theme draws the chosen entry of a menu."""
    found = re.search(r"\x1b\[48;2;255;255;255m\s*([^\x1b]+)", screen)
    return found.group(1).strip() if found else ""
