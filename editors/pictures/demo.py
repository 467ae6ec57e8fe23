#!/usr/bin/env python3
"""Makes demo.svg, the moving picture in the README: runs `ezrouter-lsp demo` in a terminal and draws what it shows.

    usage: demo.py PATH/TO/ezrouter-lsp

Each line that the terminal ever shows is drawn once; a frame is a list of references to lines. It reads the few control
sequences that the demo writes, and stops at any other, so that it cannot draw something that a terminal would not show.
"""

import fcntl
import html
import os
import pty
import re
import struct
import sys
import termios
import time
from pathlib import Path

COLUMNS, ROWS, LINE, CHARACTER = 100, 30, 18, 8.4
COLOURS = {"0": "", "1": "b", "2": "d", "7": "r", "32": "g", "36": "c"}
# Frames that are shorter are joined with the next one.
SHORTEST = 0.12
# How long the last frame stands before it begins again.
LAST = 4.0


def record(server):
    """What the demo writes, as (seconds, bytes)."""
    child, terminal = pty.fork()
    if child == 0:
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        os.environ.pop("NO_COLOR", None)
        os.environ["TERM"] = "xterm-256color"
        os.execv(server, [server, "demo"])
    begin, pieces = time.monotonic(), []
    while True:
        try:
            data = os.read(terminal, 65536)
        except OSError:
            break
        if not data:
            break
        pieces.append((time.monotonic() - begin, data))
    _, status = os.waitpid(child, 0)
    if status != 0:
        sys.exit(f"the demo failed: {status}")
    return pieces


def frames(pieces):
    """(seconds, lines) of each drawing; a line is a list of (class, text)."""
    found, pending, seconds = [], "", 0.0
    for seconds, data in pieces:
        pending += data.decode()
        while (end := pending.find("\x1b[J")) != -1:
            begin = pending.rindex("\x1b[H", 0, end)
            found.append((seconds, [spans(line) for line in pending[begin + 3 : end].split("\r\n")]))
            pending = pending[end + 3 :]
    return found, seconds


def spans(line):
    parts, style = [], ""
    for code, text in re.findall(r"\x1b\[([\d;?]*[A-Za-z])|([^\x1b]+)", line):
        if text:
            parts.append((style, text[:COLUMNS]))
        elif code.endswith("m"):
            style = COLOURS[code[:-1]]
        elif code != "K":
            sys.exit(f"a control sequence that is not known here: {code}")
    return tuple(parts)


def draw(found, end):
    shown = []
    for seconds, lines in found:
        if shown and seconds - shown[-1][0] < SHORTEST:
            shown[-1] = (shown[-1][0], lines)
        else:
            shown.append((seconds, lines))
    height = max(len(lines) for _, lines in shown) * LINE + 2 * LINE
    width = round(COLUMNS * CHARACTER) + 2 * LINE
    total = end + LAST
    known, definitions, strip, steps = {}, [], [], []
    for number, (seconds, lines) in enumerate(shown):
        steps.append(f"{0 if number == 0 else 100 * seconds / total:.2f}%{{transform:translateY(-{number * height}px)}}")
        for row, line in enumerate(lines):
            if not line:
                continue
            if line not in known:
                known[line] = f"l{len(known)}"
                text = "".join(
                    f'<tspan class="{style}">{html.escape(text, quote=False)}</tspan>' if style else html.escape(text, quote=False)
                    for style, text in line
                )
                definitions.append(f'<text id="{known[line]}">{text}</text>')
            strip.append(f'<use href="#{known[line]}" x="{LINE}" y="{number * height + (row + 2) * LINE}"/>')
    # Shown where nothing moves: the middle of the rewrite, while somebody types.
    green = [[text for line in lines for style, text in line if style == "g"] for _, lines in shown]
    still = next(i for i, texts in enumerate(green) if any(text.startswith("# Pr") for text in texts) and any("Add up" in text for text in texts))
    return f"""<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" xml:space="preserve">
<title>ezrouter-lsp demo: a scripted answer, and a scripted rewrite that arrives while somebody types</title>
<style>
text{{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#d4d4d4;white-space:pre}}
.b{{font-weight:bold;fill:#fff}} .d{{fill:#7f8790}} .g{{fill:#7ec87e}} .c{{fill:#6cc4d6}} .r{{fill:#f2d479}}
#strip{{transform:translateY(-{still * height}px);animation:play {total:.1f}s steps(1,end) infinite}}
@keyframes play{{{"".join(steps)}}}
@media (prefers-reduced-motion:reduce){{#strip{{animation:none}}}}
</style>
<defs>{"".join(definitions)}</defs>
<rect width="100%" height="100%" rx="8" fill="#1e2227"/>
<g id="strip">{"".join(strip)}</g>
</svg>
"""


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    picture = draw(*frames(record(sys.argv[1])))
    Path(__file__).with_name("demo.svg").write_text(picture)
    print(f"demo.svg: {len(picture)} bytes")
