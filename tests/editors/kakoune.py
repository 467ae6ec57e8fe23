"""A real Kakoune with kakoune-lsp in a terminal that tmux holds: keys in, and the text by `:write`. It starts our server by
the very editors/kakoune.kak that users paste."""

import re
import sys

from in_tmux import HERE, ROOT, InTmux

CONFIGURATION = ROOT / "editors" / "kakoune.kak"


def launcher(environment, directory):
    """A script that runs the unpacked Kakoune with the libraries it was built for; what it starts stays ordinary."""
    root = environment / "kakoune" / "root"
    script = directory / "bin" / "kak"
    script.write_text(
        f'#!/bin/sh\nKAKOUNE_RUNTIME={root}/usr/share/kak exec {root}/usr/lib64/ld-linux-x86-64.so.2 '
        f'--library-path {root}/usr/lib/x86_64-linux-gnu {root}/usr/bin/kak "$@"\n'
    )
    script.chmod(0o755)
    return script


class Kakoune(InTmux):
    """One Kakoune with one file, and another server of its language."""

    client = "Kakoune"
    # kak-lsp applies an edit where it stood in an older text, so a result arrives as one edit at its end.
    streams = False

    def __init__(self, environment, server, directory, variables):
        super().__init__(server, directory, variables)
        self.launcher = launcher(environment, directory)
        (directory / "bin" / "kak-lsp").symlink_to(environment / "kakoune" / "bin" / "kak-lsp")
        configuration = self.home / ".config" / "kak"
        configuration.mkdir(parents=True)
        # In place of the server that kak-lsp knows for the language, which is not there.
        text = CONFIGURATION.read_text()
        ours = text.index("hook -group lsp-ezrouter")
        second = f'''remove-hooks global lsp-filetype-.*
hook global User LSPDefaultConfig=python %{{
    set-option buffer lsp_servers %{{
[second]
command = "{sys.executable}"
args = ["{HERE / "second_server.py"}", "{directory}/second.log"]
root_globs = [".git"]
}}
}}

'''
        (configuration / "kakrc").write_text(text[:ours] + second + text[ours:])

    def open(self, name, text):
        """Opens a file of the project and waits until our server has it."""
        self.write(name, text)
        self.start(self.launcher, self.path)
        self.wait(lambda: "didOpen" in self.traffic(), "the server to have the file", 20.0)

    def normal_mode(self):
        """Leaves whatever mode Kakoune is in."""
        # Escape and a key right behind it are one key with Alt to a program in a terminal.
        if not self.is_normal():
            self.keys("Escape")
            self.wait(self.is_normal, "normal mode")

    def is_normal(self):
        """Whether the status line tells of selections, not of a mode."""
        status = self.screen().rstrip().rpartition("\n")[2]
        return re.search(r" \d+ sel ", status) and not re.search(r" (insert|prompt|menu) ", status)

    def goto(self, line):
        """Goes to the beginning of a line, in normal mode."""
        self.normal_mode()
        self.type(f"{line}g")

    def select(self, first, last):
        """Selects whole lines."""
        self.goto(first)
        self.type("x" + "Jx" * (last - first))

    def choose(self, first, last, title):
        """Takes a code action on whole lines, by the keys of the file."""
        self.select(first, last)
        self.keys("Space")
        self.type("ee")
        self.wait_shown(f"[ezrouter] {title}")
        self.type(title)
        # The list is sorted anew for what was typed; Tab takes its first.
        self.wait(lambda: f"[ezrouter] {title}" in self.screen().splitlines()[-2], "the list for what was typed")
        self.keys("Tab")
        self.wait_shown(f"[ezrouter] {title}")
        self.keys("Enter")

    def titles(self, first, last):
        """What the menu has there."""
        self.select(first, last)
        self.keys("Space")
        self.type("ee")
        self.wait_shown("[ezrouter]")
        screen = self.screen()
        self.normal_mode()
        return screen

    def press(self, key):
        """Presses one of the keys behind the prefix of the file."""
        self.normal_mode()
        self.keys("Space")
        self.type(f"e{key}")

    def insert_above(self, line, text):
        """Types a line of its own above a line."""
        self.goto(line)
        self.type(f"O{text}")
        self.wait_shown(text)
        self.normal_mode()

    def undo(self):
        """Presses u once."""
        before = self.text()
        self.type("u")
        self.wait(lambda: self.text() != before, "an undo")

    def text(self):
        """What the buffer holds, by writing it."""
        self.normal_mode()
        self.path.unlink(missing_ok=True)
        self.type(":write!")
        self.keys("Enter")
        self.wait(lambda: self.path.exists() and self.path.stat().st_size, "the file to be written")
        return self.path.read_text()
