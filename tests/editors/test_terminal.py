"""Scenarios of the program in a terminal: what only a terminal gets (progress, colours, a drawing), keys that interrupt, and
help instead of a server that waits for an editor."""

import contextlib
import json
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import time

from gateway import MODEL, Gateway
from scenario import Bench, Failure, equal, scenario, true, wait_kept
from terminal import Terminal

TEXT = "one\ntwo\nthree\n"
# "Select graphic rendition": colours and the like.
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Commands:
    """Starts the program in terminals, and ends them with the scenario."""

    def __init__(self, server, directory, gateway):
        self.file = directory / "a.py"
        self.file.write_text(TEXT)
        self.server = server
        self.directory = directory
        self.terminals = contextlib.ExitStack()
        # Not beside the file: the scenarios look at what lies there.
        self.home = pathlib.Path(self.terminals.enter_context(tempfile.TemporaryDirectory()))
        self.variables = {
            "HOME": str(self.home),
            "EZROUTER_API_KEY": "sk-test",
            "EZROUTER_BASE_URL": gateway.url,
            "EZROUTER_MODEL": MODEL,
        }

    def run(self, *arguments, pipe=False, **more):
        terminal = Terminal([self.server, *arguments], {**self.variables, **more}, self.directory, pipe)
        self.terminals.callback(terminal.close)
        return terminal


@contextlib.contextmanager
def terminal_bench(tools, directory, _debounce):
    """The program on a scripted gateway."""
    gateway = Gateway()
    commands = Commands(tools.server, directory, gateway)
    with commands.terminals:
        try:
            yield Bench(directory, gateway, commands, tools)
        finally:
            gateway.close()


@scenario(terminal_bench)
def terminal_without_arguments_gets_help(bench):
    terminal = bench.editor.run()
    equal(terminal.wait_end(), 0, "the exit code")
    for part in ("demo", "check", "--stdio", "EZROUTER_API_KEY"):
        true(part in terminal.shown, f"no {part} in the help: {terminal.shown}")


@scenario(terminal_bench)
def terminal_shows_progress_and_takes_it_away(bench):
    exchange = bench.gateway.script("It counts.", " To three.")
    terminal = bench.editor.run("ask", bench.editor.file, "What is it?", pipe=True)
    true(exchange.wait_request(), "no request reached the gateway")
    terminal.wait_shown(f"waiting for {MODEL}, ")
    exchange.release(1)
    terminal.wait_shown("~2 tokens, ")
    exchange.release_all()
    equal(terminal.wait_end(), 0, "the exit code")
    equal(terminal.printed, "It counts. To three.\n", "what stdout got")
    left = terminal.shown.split("\r\x1b[K")[-1]
    true(left.startswith(f"{MODEL}, 900 tokens in (600 cached), 40 out, "), f"what stands there at the end: {left!r}")
    true(left.count("\n") == 1, f"one line: {left!r}")


@scenario(terminal_bench)
def terminal_keeps_an_answer_that_comes_slowly(bench):
    """The progress has the line to itself, or is not drawn: it would take the answer's beginning away."""
    exchange = bench.gateway.script("It ", "counts.\n", "To three.")
    terminal = bench.editor.run("ask", bench.editor.file, "What is it?")
    true(exchange.wait_request(), "no request reached the gateway")
    terminal.wait_shown(f"waiting for {MODEL}, ")
    exchange.release(1)
    terminal.wait_shown("It ")
    true(terminal.writes_nothing(), f"what is drawn behind the answer: {terminal.shown!r}")
    exchange.release(1)
    terminal.wait_shown("~2 tokens, ")
    exchange.release_all()
    equal(terminal.wait_end(), 0, "the exit code")
    true("\x1b[KIt counts.\r\n" in terminal.shown, f"the first line: {terminal.shown!r}")
    true("\x1b[KTo three.\r\n" in terminal.shown, f"the second line: {terminal.shown!r}")


@scenario(terminal_bench, "terminal_control_c_while_it_waits", pieces=0)
@scenario(terminal_bench, "terminal_control_c_in_mid_stream", pieces=1)
def terminal_control_c(bench, pieces):
    exchange = bench.gateway.script("eins\n", "zwei\n")
    terminal = bench.editor.run("rewrite", bench.editor.file, "Translate", "--write")
    true(exchange.wait_request(), "no request reached the gateway")
    terminal.wait_shown(f"waiting for {MODEL}, ")
    if pieces:
        exchange.release(pieces)
        terminal.wait_shown(" tokens, ")
    terminal.type("\x03")
    equal(terminal.wait_end(), 130, "the exit code")
    true(exchange.wait_closed(), "the gateway did not see the connection close")
    equal(bench.editor.file.read_text(), TEXT, "the file")
    equal(sorted(path.name for path in bench.directory.iterdir()), ["a.py"], "the files")


@scenario(terminal_bench)
def terminal_control_c_ends_a_check(bench):
    """Of an address where something listens and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = "http://127.0.0.1:%d" % silent.getsockname()[1]
        terminal = bench.editor.run("check", EZROUTER_BASE_URL=address)
        terminal.wait_shown("DNS")
        terminal.type("\x03")
        equal(terminal.wait_end(), 130, "the exit code")


@scenario(terminal_bench)
def terminal_control_c_leaves_what_came_of_an_answer(bench):
    exchange = bench.gateway.script("It counts", " to three.")
    terminal = bench.editor.run("ask", bench.editor.file, "What is it?")
    true(exchange.wait_request(), "no request reached the gateway")
    exchange.release(1)
    terminal.wait_shown("It counts")
    terminal.type("\x03")
    equal(terminal.wait_end(), 130, "the exit code")
    true(COLOUR.search(terminal.shown) is None, f"colours: {terminal.shown!r}")


@scenario(terminal_bench)
def terminal_tells_a_new_user_once_what_is_sent_where(bench):
    for told in (True, False):
        bench.gateway.script("It counts.", gated=False)
        terminal = bench.editor.run("ask", bench.editor.file, "What is it?", pipe=True)
        equal(terminal.wait_end(), 0, f"the exit code ({terminal.shown!r})")
        equal("files named like secrets are never sent" in terminal.shown, told, f"whether it is said: {terminal.shown!r}")
        equal(terminal.printed, "It counts.\n", "what stdout got")


@scenario(terminal_bench)
def terminal_text_that_is_typed_is_a_file(bench):
    bench.gateway.script("uno\n", gated=False)
    terminal = bench.editor.run("rewrite", "-", "Translate", pipe=True)
    # Two: the first ends the line, the second is the end of the file.
    terminal.type("one\n\x04")
    equal(terminal.wait_end(), 0, f"the exit code ({terminal.shown!r})")
    equal(terminal.printed, "uno\n", "what stdout got")


@scenario(terminal_bench, "terminal_demo_has_colours", colours=True)
@scenario(terminal_bench, "terminal_demo_without_colours", colours=False)
def terminal_demo(bench, colours):
    terminal = bench.editor.run("demo", **({} if colours else {"NO_COLOR": "1"}))
    terminal.wait_shown("step 2")
    terminal.wait_shown("hover")
    equal(COLOUR.search(terminal.shown) is not None, colours, f"whether there are colours: {terminal.shown!r}")
    terminal.type("\x03")
    equal(terminal.wait_end(), 130, "the exit code")
    equal(terminal.shown.count("\x1b[?1049l"), 1, "how often the first screen was given back")
    true("\x1b[?25h" in terminal.shown, "the cursor is not back")


@scenario(terminal_bench)
def terminal_demo_fits_80_by_24(bench):
    """Looks at the screen all the way: nothing scrolls out of it, and the shell goes on below the results."""
    variables = [f"{name}={value}" for name, value in {**bench.editor.variables, "TERM": "xterm-256color"}.items()]

    def tmux(*arguments):
        command = ["tmux", "-S", str(bench.directory / "tmux"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False).stdout

    script = f'"{bench.tools.server}" demo; echo "exit code $?"; read -r _'
    tmux("-f", os.devnull, "new-session", "-d", "-x", "80", "-y", "24", "env", "-i", *variables, "sh", "-c", script)
    try:
        steps, deadline = set(), time.monotonic() + 60
        while "exit code" not in (screen := tmux("capture-pane", "-p")):
            if deadline < time.monotonic():
                raise Failure(f"the demo did not end\n{screen}")
            lines = screen.splitlines()
            if found := re.search(r"^  step (\d): ", screen, re.MULTILINE):
                steps.add(int(found[1]))
                true(lines[0].startswith("ezrouter-lsp demo: "), f"the title is gone\n{screen}")
                true("def total(basket):" in screen, f"the function is gone\n{screen}")
            time.sleep(0.05)
        equal(steps, set(range(1, 8)), "the steps that were seen")
        lines = screen.splitlines()
        equal(len([line for line in lines if line.startswith("   ok: ")]), 10, f"the results\n{screen}")
        true("exit code 0" in lines, f"the shell does not go on below\n{screen}")
    finally:
        tmux("kill-server")


def one_turn(bench):
    """Has a server answer one question, as an editor does, so that there is something in the history."""
    exchange = bench.gateway.script("It counts.", gated=False)
    server = subprocess.Popen(
        [bench.tools.server, "--stdio"], env=bench.editor.variables, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    uri = bench.editor.file.as_uri()
    start, end = {"line": 0, "character": 0}, {"line": 1, "character": 0}
    question = {"uri": uri, "range": {"start": start, "end": end}, "question": "What is it?"}
    document = {"uri": uri, "languageId": "python", "version": 0, "text": TEXT}
    messages = [
        {"id": 1, "method": "initialize", "params": {"capabilities": {}}},
        {"method": "initialized", "params": {}},
        {"method": "textDocument/didOpen", "params": {"textDocument": document}},
        {"id": 2, "method": "workspace/executeCommand", "params": {"command": "ezrouter.ask", "arguments": [question]}},
    ]
    for message in messages:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        server.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    server.stdin.flush()
    true(exchange.wait_request(), "no request reached the gateway")
    listed = wait_kept(bench.tools.server, bench.editor.home, "What is it? (a.py)")
    server.stdin.close()
    server.wait(10)
    return listed


@scenario(terminal_bench, "terminal_history_clear_refused", keys="n\r", code=1)
@scenario(terminal_bench, "terminal_history_clear_with_a_bare_return", keys="\r", code=1)
@scenario(terminal_bench, "terminal_history_clear_with_control_c", keys="\x03", code=130)
@scenario(terminal_bench, "terminal_history_clear_agreed", keys="y\r", code=0)
def terminal_history_clear(bench, keys, code):
    listed = one_turn(bench)
    terminal = bench.editor.run("history", "clear")
    terminal.wait_shown("Delete everything: 1 conversation, 1 turn? [y/N] ")
    terminal.type(keys)
    equal(terminal.wait_end(), code, f"the exit code ({terminal.shown!r})")
    left = bench.editor.run("history", "list", pipe=True)
    equal(left.wait_end(), 0, "the exit code of the list")
    equal(left.printed, "" if code == 0 else listed, "what is left")
