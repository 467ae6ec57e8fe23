"""Draws what a terminal shows as a picture (SVG): one screen, or several that follow each other.

A screen is what `tmux capture-pane -p -e -N` prints: lines with SGR sequences (ECMA-48, 8.3.117) and nothing else. Each line that
is ever shown is drawn once; a frame is a list of references to lines.
"""

import html
import re
import sys
import unicodedata

LINE, CHARACTER = 18, 8.4
FOREGROUND, BACKGROUND = "#d4d4d4", "#1e2227"
# The sixteen colours of a terminal, as many themes have them.
SIXTEEN = (
    "#2b3036 #e06c75 #8cc27e #e5c07b #61afef #c678dd #56b6c2 #c8ccd4 "
    "#7f8790 #ef7f88 #a3d695 #f2d493 #7fc1f7 #d79bea #74cbd6 #ffffff"
).split()
# How long the last frame stands before it begins again, in seconds.
LAST = 4.0

PLAIN = (None, None, False, False)


def colour(number):
    """One of the 256 colours of a terminal."""
    if number < 16:
        return SIXTEEN[number]
    if number < 232:
        steps = (0, 95, 135, 175, 215, 255)
        number -= 16
        parts = (steps[number // 36], steps[number // 6 % 6], steps[number % 6])
    else:
        parts = (8 + 10 * (number - 232),) * 3
    return "#{:02x}{:02x}{:02x}".format(*parts)


def styled(style, codes):
    """The style after an SGR sequence: foreground, background, bold, reversed."""
    foreground, background, bold, turned = style
    codes = [int(code or 0) for code in re.split("[;:]", codes)]
    while codes:
        code = codes.pop(0)
        if code in (38, 48):
            kind = codes.pop(0)
            value = colour(codes.pop(0)) if kind == 5 else "#{:02x}{:02x}{:02x}".format(*codes[:3])
            codes = codes if kind == 5 else codes[3:]
            foreground, background = (value, background) if code == 38 else (foreground, value)
        elif code == 0:
            foreground, background, bold, turned = PLAIN
        elif code in (1, 22):
            bold = code == 1
        elif code in (7, 27):
            turned = code == 7
        elif code == 39 or 30 <= code <= 37 or 90 <= code <= 97:
            foreground = None if code == 39 else SIXTEEN[code - 30 if code < 40 else code - 82]
        elif code == 49 or 40 <= code <= 47 or 100 <= code <= 107:
            background = None if code == 49 else SIXTEEN[code - 40 if code < 50 else code - 92]
    return foreground, background, bold, turned


def width(text):
    """How many columns a text takes."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def lines(screen):
    """The lines of a screen, each a tuple of (style, text)."""
    style, found = PLAIN, []
    for line in screen.split("\n"):
        parts = []
        for codes, other, text in re.findall(r"\x1b\[([\d;:]*)m|(\x1b.)|([^\x1b]+)", line):
            if text:
                parts.append((style, text))
            elif other:
                sys.exit(f"a control sequence that is not known here: {other!r}")
            else:
                style = styled(style, codes)
        found.append(tuple(parts))
    return found


def colours(style):
    """The colours that a style is drawn in: of the text, and behind it."""
    foreground, background, _, turned = style
    foreground, background = foreground or FOREGROUND, background or BACKGROUND
    return (background, foreground) if turned else (foreground, background)


def paper(rows):
    """The colour behind most of a screen."""
    areas = {}
    for style, text in (part for line in rows for part in line):
        _, background = colours(style)
        areas[background] = areas.get(background, 0) + width(text)
    return max(areas, key=areas.get, default=BACKGROUND)


def drawn(line, behind):
    """A line as SVG, its baseline at 0, on a ground of this colour."""
    column, backgrounds, texts = 0, [], []
    for style, text in line:
        foreground, background = colours(style)
        left, wide = column * CHARACTER, width(text) * CHARACTER
        if background != behind:
            backgrounds.append(f'<rect x="{left:.1f}" y="-13.5" width="{wide:.1f}" height="{LINE}" fill="{background}"/>')
        if text.strip():
            weight = ' font-weight="bold"' if style[2] else ""
            fill = f' fill="{foreground}"' if foreground != FOREGROUND else ""
            texts.append(
                f'<text x="{left:.1f}" textLength="{wide:.1f}"{fill}{weight}>{html.escape(text, quote=False)}</text>'
            )
        column += width(text)
    return "".join(backgrounds + texts)


def picture(title, screens, columns, still=0, end=0.0):
    """The picture of screens, each with the second at which it begins to be shown; `still` is shown where nothing moves, and
    the last one until `end`."""
    shown = [(seconds, lines(screen.rstrip("\n"))) for seconds, screen in screens]
    height = max(len(rows) for _, rows in shown) * LINE + 2 * LINE
    wide = round(columns * CHARACTER) + 2 * LINE
    total = end + LAST
    behind = paper(shown[0][1])
    known, definitions, strip, steps = {}, [], [], []
    for number, (seconds, rows) in enumerate(shown):
        steps.append(f"{100 * seconds / total if number else 0:.2f}%{{transform:translateY(-{number * height}px)}}")
        for row, line in enumerate(rows):
            if not (body := known.get(line) or drawn(line, behind)):
                continue
            if line not in known:
                known[line] = f"l{len(known)}"
                definitions.append(f'<g id="{known[line]}">{body}</g>')
            strip.append(f'<use href="#{known[line]}" x="{LINE}" y="{number * height + (row + 2) * LINE}"/>')
    animation = ""
    if 1 < len(shown):
        animation = f"""#strip{{transform:translateY(-{still * height}px);animation:play {total:.1f}s steps(1,end) infinite}}
@keyframes play{{{"".join(steps)}}}
@media (prefers-reduced-motion:reduce){{#strip{{animation:none}}}}
"""
    return f"""<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{height}" viewBox="0 0 {wide} {height}" role="img" xml:space="preserve">
<title>{html.escape(title)}</title>
<style>
text{{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;white-space:pre}}
{animation}</style>
<defs>{"".join(definitions)}</defs>
<rect width="100%" height="100%" rx="8" fill="{behind}"/>
<g id="strip" fill="{FOREGROUND}">{"".join(strip)}</g>
</svg>
"""
