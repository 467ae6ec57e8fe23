"""How often undo must be pressed: what the scenarios measured, as a table, and whether editors/README.md says the same. It
runs nothing itself."""

import dataclasses
import pathlib
import re

README = pathlib.Path(__file__).resolve().parent.parent.parent / "editors" / "README.md"
HEADING = "## Undo"


@dataclasses.dataclass
class Measured:
    """One line: the editor, what the user did while the rewrite ran, what the text was in the end, and the presses that gave
    the original back."""

    client: str
    meanwhile: str
    result: str
    presses: int


MEASURED = []


def measured(bench, meanwhile, result, presses):
    """Keeps a line; `meanwhile` is the beginning of a row of the table in editors/README.md."""
    MEASURED.append(Measured(bench.editor.client, meanwhile, result, presses))


def table():
    """What was measured, to be read."""
    rows = [("editor", "meanwhile", "result", "undo presses")]
    rows += [(one.client, one.meanwhile, one.result, str(one.presses)) for one in MEASURED]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(lines)


def documented():
    """The rows of the table in editors/README.md: what happens meanwhile -> editor -> how often, as it stands there."""
    section = README.read_text().partition(f"\n{HEADING}\n")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("|")]
    head, _, *rows = rows or [[], []]
    return {row[0]: dict(zip(head[2:], row[2:], strict=True)) for row in rows}


def differences(everything):
    """What editors/README.md says otherwise; with `everything` also what it says although nobody measured it."""
    known = documented()
    found = []
    for one in MEASURED:
        cell = known.get(one.meanwhile, {}).get(column(one.client), "nothing")
        low, high = bounds(cell) or (1, 0)
        if not low <= one.presses <= high:
            found.append(f"{one.client}, {one.meanwhile}: {one.presses}, and editors/README.md says {cell}")
    if everything:
        seen = {(one.meanwhile, column(one.client)) for one in MEASURED}
        cells = ((row, editor, cell) for row, cells in known.items() for editor, cell in cells.items())
        told = [(row, editor) for row, editor, cell in cells if bounds(cell)]
        found += [f"{editor}, {row}: editors/README.md says it, and nobody measured it" for row, editor in told if (row, editor) not in seen]
    return found


def column(client):
    """The head of an editor's column: its name, and whether the plugin is there."""
    if client == "VS Code":
        return client
    name, _, rest = client.partition(" ")
    return f"{name} plugin" if rest.startswith("plugin") else name


def bounds(cell):
    """`3`, or `3 to 8` where it depends on how the edits fell, as two numbers; nothing for another cell."""
    numbers = re.fullmatch(r"(\d+)(?: to (\d+))?", cell)
    return numbers and (int(numbers[1]), int(numbers[2] or numbers[1]))
