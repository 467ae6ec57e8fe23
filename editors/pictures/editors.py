#!/usr/bin/env python3
"""Makes the pictures of real editors in the README: a rewrite in Neovim that streams while somebody types (neovim.svg), an
answer in Helix (helix.svg), and a rewrite in VS Code that waits for a verdict (vscode.png). The editors are those of tests/editors/install.sh, the server is real, the gateway is scripted.

    usage: editors.py PATH/TO/EDITORS PATH/TO/ezrouter-lsp [WHERE]
"""

import contextlib
import sys
import tempfile
import time
from pathlib import Path

import drawing

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "editors"))

from gateway import MODEL, Gateway  # noqa: E402
from helix import Helix  # noqa: E402
from in_tmux import InTmux  # noqa: E402
from scenario import AT_END, Tools  # noqa: E402
from vscode_bench import Shared  # noqa: E402

COLUMNS, ROWS = 84, 22
# Between two looks at the screen, in seconds; and between two pieces of an answer.
GLANCE, PIECE = 0.08, 0.07
# How long anything may take on a busy machine, in seconds.
PATIENCE = 30

TEXT = '''import csv


def totals(path):
    result = {}
    f = open(path)
    for row in csv.reader(f):
        if row[0] in result:
            result[row[0]] = result[row[0]] + float(row[1])
        else:
            result[row[0]] = float(row[1])
    f.close()
    return result


print(totals("sales.csv"))
'''

NEW = '''def totals(path):
    result = defaultdict(float)
    with open(path, newline="") as file:
        for name, amount in csv.reader(file):
            result[name] += float(amount)
    return result
'''

ANSWER = """It adds up the second column of a CSV file for each name in the first.

- The file is closed only if nothing fails: use `with open(path) as f`.
- A row with one column raises `IndexError`.
"""


class Neovim(InTmux):
    """Neovim as it comes, with the file that users paste."""

    def __init__(self, tools, server, directory, variables):
        super().__init__(server, directory, variables)
        self.variables["PATH"] = f"{directory / 'bin'}:{tools / 'bin'}:/usr/bin:/bin"
        self.path = self.project / "totals.py"
        self.path.write_text(TEXT)
        settings = "set number signcolumn=no laststatus=0 noruler noshowcmd | syntax on"
        load = f"luafile {ROOT / 'editors' / 'neovim.lua'}"
        self.start("nvim", "--clean", "-n", "--cmd", "set shortmess+=I", "-c", settings, "-c", load, "-c", "edit", self.path)
        self.tmux("resize-window", "-x", str(COLUMNS), "-y", str(ROWS))
        self.wait(lambda: "sales.csv" in self.screen(), "the text", PATIENCE)


class Recording:
    """Looks at the screen until it is told to stop doing so for a moment."""

    def __init__(self, editor):
        self.editor = editor
        self.begin = time.monotonic()
        self.screens = []

    def watch(self, seconds):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            screen = self.editor.tmux("capture-pane", "-p", "-e", "-N")
            if not self.screens or screen != self.screens[-1][1]:
                self.screens.append((time.monotonic() - self.begin, screen))
            time.sleep(GLANCE)

    def type(self, text):
        """Types as a person does, and watches meanwhile."""
        for character in text:
            self.editor.type(character)
            self.watch(0.12)

    def press(self, *keys):
        for key in keys:
            self.editor.keys(key)
            self.watch(0.5)

    def end(self):
        return time.monotonic() - self.begin


def pieces(text, size=6):
    return [text[start : start + size] for start in range(0, len(text), size)]


def variables(gateway):
    return {"EZROUTER_API_KEY": "sk-test", "EZROUTER_BASE_URL": gateway.url, "EZROUTER_MODEL": MODEL}


def neovim(tools, server, directory, gateway):
    """Selects a function, picks *Simplify*, types above it while it streams, and undoes it with one key."""
    editor = Neovim(tools, server, directory, variables(gateway))
    exchange = gateway.script(*pieces(NEW))
    recording = Recording(editor)
    recording.watch(1)
    recording.type("4G")
    recording.press("V")
    recording.type("9j")
    recording.type("gra")
    editor.wait(lambda: "Simplify" in editor.screen(), "the menu", PATIENCE)
    recording.watch(1.2)
    number = next(line.strip().split(":")[0] for line in editor.screen().split("\n") if ": Simplify" in line)
    recording.type(number)
    recording.press("Enter")
    if not exchange.wait_request():
        sys.exit("no request reached the gateway")
    for _ in range(12):
        exchange.release()
        recording.watch(PIECE)
    # Somebody adds the import that it needs.
    for character in ("1", "G", "O", *"from collections import defaultdict"):
        editor.type(character)
        exchange.release()
        recording.watch(PIECE)
    still = len(recording.screens) - 1
    editor.keys("Escape")
    exchange.release_all()
    editor.wait(lambda: "result[name] += float(amount)" in editor.screen(), "the new text", PATIENCE)
    recording.watch(2.5)
    recording.type("u")
    editor.wait(lambda: "f.close()" in editor.screen(), "the original", PATIENCE)
    recording.watch(1.5)
    title = "Neovim: a rewrite streams in while somebody types above it, and one undo takes it back"
    return drawing.picture(title, recording.screens, COLUMNS, still, recording.end())


def helix(tools, server, directory, gateway):
    """An answer over the lines that it is about."""
    editor = Helix(tools, server, directory, variables(gateway))
    editor.open("totals.py", TEXT)
    editor.tmux("resize-window", "-x", str(COLUMNS), "-y", str(ROWS))
    exchange = gateway.script(ANSWER, gated=False)
    editor.choose(4, 13, "Explain")
    if not exchange.wait_request():
        sys.exit("no request reached the gateway")
    editor.wait_end(seconds=PATIENCE)
    editor.select(4, 4)
    editor.keys("Space", "k")
    editor.wait(lambda: "It adds up" in editor.screen(), "the answer", PATIENCE)
    screen = editor.tmux("capture-pane", "-p", "-e", "-N")
    return drawing.picture("Helix: an answer over the lines that it is about", [(0.0, screen)], COLUMNS)


def vscode(tools, server, where):
    """A rewrite whose new lines are green and whose old ones stand beside them until it is accepted."""
    gateway = Gateway()
    editor = Shared(Tools(environment=tools, server=server, fixtures=ROOT / "tests" / "fixtures")).start(gateway)
    with contextlib.closing(gateway), contextlib.closing(editor):
        editor.page.set_viewport_size({"width": 960, "height": 560})
        editor.open("totals.py", TEXT)
        exchange = gateway.script(NEW, gated=False)
        editor.select(4, 13)
        editor.press("Control+k", "Shift+A")
        editor.answer_prompt("close the file whatever happens")
        if not exchange.wait_request():
            sys.exit("no request reached the gateway")
        editor.until("the result waits for a verdict", lambda: editor.has_lens("Accept"), PATIENCE)
        editor.goto(1)
        editor.command("Notifications: Clear All Notifications")
        editor.until("nothing is in the way", lambda: not editor.notifications() and editor.has_lens("Accept"), PATIENCE)
        editor.page.screenshot(path=where / "vscode.png")
    AT_END.close()


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    tools, server = (Path(argument).resolve() for argument in sys.argv[1:3])
    where = Path(sys.argv[3]) if len(sys.argv) == 4 else HERE
    where.mkdir(parents=True, exist_ok=True)
    for name, make in (("neovim", neovim), ("helix", helix)):
        gateway = Gateway()
        with tempfile.TemporaryDirectory(prefix="ez-") as directory:
            editor = Path(directory)
            try:
                svg = make(tools, server, editor, gateway)
            finally:
                gateway.close()
                InTmux.tmux(type("Terminal", (), {"directory": editor})(), "kill-server")
        (where / f"{name}.svg").write_text(svg)
        print(f"{name}.svg: {len(svg)} bytes")
    vscode(tools, server, where)
    print(f"vscode.png: {(where / 'vscode.png').stat().st_size} bytes")


if __name__ == "__main__":
    main()
