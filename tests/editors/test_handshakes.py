"""What each editor says of itself in `initialize`, recorded in tests/fixtures/initialize/ for the tests that need no editor;
here the editor is held against the record, so that a new version of it is noticed."""

import json

from scenario import equal, scenario, true
from test_emacs import emacs_bench
from test_emacs_plugin import emacs_plugin_bench
from test_helix import helix_bench
from test_kakoune import kakoune_bench
from test_neovim import neovim_bench
from test_neovim_plugin import old_bench, plugin_bench
from vscode_bench import own_bench

# The name of the record, and who makes it.
EDITORS = {
    "neovim-0.11": neovim_bench,
    "neovim-0.11-plugin": plugin_bench,
    "neovim-0.10-plugin": old_bench,
    "helix-25.01": helix_bench,
    "emacs-30-eglot": emacs_bench,
    "emacs-30-plugin": emacs_plugin_bench,
    "kakoune-kak-lsp": kakoune_bench,
    "vscode-1.139-extension": own_bench(logged=True),
}


def neutral(value, directories):
    """The same without what is of this machine: process ids, and the directories of the test."""
    if isinstance(value, dict):
        # kak-lsp lists these words in another order each time.
        words = {name: sorted(value[name]) for name in ("tokenTypes", "tokenModifiers") if name in value}
        process = {"processId": 1} if "processId" in value else {}
        return {name: neutral(part, directories) for name, part in value.items()} | words | process
    if isinstance(value, list):
        return [neutral(part, directories) for part in value]
    for directory in directories if isinstance(value, str) else ():
        value = value.replace(str(directory), "/home/user")
    return value


def shaken(bench, name):
    """The parameters of `initialize` are those of the record."""
    bench.editor.open("greet.py", "print('hello')\n")
    log = bench.directory / "traffic.log.json"
    messages = [message for _, arrow, message in map(json.loads, log.read_text().splitlines()) if arrow == "<-"]
    directories = {bench.directory, getattr(bench.editor, "directory", bench.directory)}
    params = next(message["params"] for message in messages if message.get("method") == "initialize")
    found = json.dumps(neutral(params, directories), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    true(not any(str(directory) in found for directory in directories), "a path of this machine is left")
    path = bench.tools.fixtures / "initialize" / f"{name}.json"
    if bench.tools.record:
        path.parent.mkdir(exist_ok=True)
        path.write_text(found)
    equal(json.loads(found), json.loads(path.read_text()), f"what the editor says, and {path.name}")


for editor, bench_of in EDITORS.items():
    scenario(bench_of, f"handshake_of_{editor}", name_of_record=editor)(lambda bench, name_of_record: shaken(bench, name_of_record))
