"""Scenarios in a real Neovim against the scripted gateway: what a user without any plugin does and sees. What needs a
real model is in test_model.py."""

import contextlib
import json
import pathlib
import time
import urllib.parse

from gateway import MODEL, Gateway, failure
from neovim import Neovim
from scenario import Bench, equal, scenario, true
from undo_table import measured

ORIGINAL = """\
import os

def greet(name):
    message = "Hello, " + name
    print(message)
    return message

def leave(name):
    print("Bye, " + name)

leave("all")
"""
# The two lines that most scenarios rewrite, and what the gateway answers. A line is in the buffer for certain once the
# next one has begun, so each line comes with the beginning of the next: after `release(3)` the first line is there.
OLD = '    message = "Hello, " + name\n    print(message)\n'
FIRST = '    text = f"Hello, {name}"'
SECOND = "    show(text)"
DELTAS = ("    text = ", 'f"Hello, {name}"\n', "    show", "(text)\n", "    log", "(name)")
REWRITTEN = ORIGINAL.replace(OLD, f"{FIRST}\n{SECOND}\n    log(name)\n")

# A cancel closes the connection within 100 ms; the rest is for Neovim, the log between and a busy machine.
CLOSED_SECONDS = 0.1 + 0.25

# The first words are there this soon after the menu; on a quiet machine 0.2 s, which is Neovim's pause between two reports.
MENU_SECONDS = 2.5


@contextlib.contextmanager
def neovim_bench(tools, directory, debounce):
    """Neovim with our server on a scripted gateway."""
    gateway = Gateway()
    environment = {"EZROUTER_API_KEY": "sk-test", "EZROUTER_BASE_URL": gateway.url, "EZROUTER_MODEL": MODEL}
    editor = Neovim(tools.environment, tools.server, directory, environment, debounce)
    try:
        yield Bench(directory, gateway, editor, tools, debounce)
        editor.quit()
    finally:
        editor.close()
        gateway.close()


def start_rewrite(bench, *deltas, first=4, last=5, **options):
    """Selects lines of the usual file, picks a rewrite from the menu, and waits for the request."""
    exchange = bench.gateway.script(*(deltas or DELTAS), **options)
    bench.editor.open("greet.py", ORIGINAL)
    bench.editor.select(first, last)
    bench.editor.menu("Simplify")
    true(exchange.wait_request(), "no request reached the gateway")
    return exchange


def start_ask(bench, *deltas, title="Explain", first=4, last=5, text=ORIGINAL):
    """The same for a question; the file is opened only when it is not the current one."""
    exchange = bench.gateway.script(*deltas)
    if bench.editor.nvim.funcs.expand("%:t") != "greet.py":
        bench.editor.open("greet.py", text)
    bench.editor.select(first, last)
    bench.editor.menu(title)
    true(exchange.wait_request(), "no request reached the gateway")
    bench.editor.normal_mode()
    return exchange


def finish(bench, exchange, text, jobs=1):
    """Lets the answer end and waits until the buffer is `text` and the job has ended well."""
    exchange.release_all()
    message = bench.editor.wait_end(jobs)
    equal(bench.editor.text(), text, "the text after the end")
    true(message.startswith("done"), f"the last progress message is {message!r}")


def same_everywhere(bench):
    """The other server has followed every edit."""
    bench.editor.wait("the second server has the same text", lambda: bench.editor.second_text() == bench.editor.text())


def cancelled(bench, exchange, asked_at):
    """After a cancel: the connection is closed in time, the original is back, the job says so."""
    true(exchange.wait_closed(), "the gateway did not see the connection close")
    took = exchange.closed_at - asked_at
    true(took < CLOSED_SECONDS, f"the connection closed {took * 1000:.0f} ms after the cancel")
    message = bench.editor.wait_end()
    true("cancelled" in message, f"the last progress message is {message!r}")


@scenario(neovim_bench, "rewrite_from_menu_two_lines_one_undo")
@scenario(neovim_bench, "rewrite_from_menu_two_lines_one_undo_debounce_0", debounce=0)
def rewrite_from_menu_two_lines_one_undo(bench):
    exchange = start_rewrite(bench)
    body = exchange.request
    equal((body["model"], body["stream"]), (MODEL, True), "model and stream of the request")
    true(OLD.strip() in body["messages"][-1]["content"], f"the selection is not in the prompt: {body['messages']}")
    exchange.release(3)
    bench.editor.wait_line(FIRST)
    exchange.release(2)
    bench.editor.wait_line(SECOND)
    finish(bench, exchange, REWRITTEN)
    same_everywhere(bench)
    if bench.tools.record:
        record(bench, "rewrite.log" if bench.debounce is None else f"rewrite-debounce-{bench.debounce}.log")
    bench.editor.undo()
    equal(bench.editor.text(), ORIGINAL, "the text after one undo")
    measured(bench, "nothing", "the new text", 1)


def record(bench, name):
    """Keeps the order of messages: without the times, and without what differs from run to run."""
    lines = [line[9:] for line in bench.editor.traffic.read_text().splitlines()]
    kept = [line for line in lines if line not in ("-> $/progress report", "-> window/logMessage")]
    (bench.tools.fixtures / "neovim" / name).write_text("\n".join(kept) + "\n")


@scenario(neovim_bench)
def rewrite_by_neovims_own_keys_and_menu(bench):
    exchange = bench.gateway.script(*DELTAS)
    bench.editor.open("greet.py", ORIGINAL)
    bench.editor.select(4, 5)
    bench.editor.menu_by_keys("Simplify")
    true(exchange.wait_request(), "no request reached the gateway")
    # Left in visual mode, Neovim takes nothing from any server for four seconds.
    exchange.release(3)
    bench.editor.wait_line(FIRST, seconds=MENU_SECONDS)
    finish(bench, exchange, REWRITTEN)
    bench.editor.undo()
    equal(bench.editor.text(), ORIGINAL, "the text after one undo")


@scenario(neovim_bench)
def rewrite_among_emoji_and_wide_characters(bench):
    original = "# 👩‍🚀 ok\n\nnames = ['é', '漢字', '🦀']\nprint('🦀', names) # 🦀\n# 🦀 end\n"
    exchange = bench.gateway.script("names = ['ü', '🦀", "']\n", "print(names)", "  # 漢字")
    bench.editor.open("crab.py", original)
    bench.editor.select(3, 4)
    bench.editor.menu("Simplify")
    exchange.release(3)
    bench.editor.wait_line("names = ['ü', '🦀']")
    finish(bench, exchange, "# 👩‍🚀 ok\n\nnames = ['ü', '🦀']\nprint(names)  # 漢字\n# 🦀 end\n")
    same_everywhere(bench)
    bench.editor.undo()
    equal(bench.editor.text(), original, "the text after one undo")


@scenario(neovim_bench, "typing_above", keys="ggO", place="above")
@scenario(neovim_bench, "typing_above_debounce_0", keys="ggO", place="above", debounce=0)
@scenario(neovim_bench, "typing_below", keys="Go", place="below")
@scenario(neovim_bench, "typing_below_debounce_0", keys="Go", place="below", debounce=0)
def typing_elsewhere(bench, keys, place):
    def with_typed(text):
        return f"# typed {place}\n{text}" if place == "above" else f"{text}# typed {place}\n"

    exchange = start_rewrite(bench)
    exchange.release(3)
    bench.editor.wait_line(FIRST)
    bench.editor.type(f"<Esc>{keys}# typed")
    bench.editor.wait_line("# typed")
    exchange.release(2)
    bench.editor.wait_line(SECOND)
    bench.editor.type(f" {place}<Esc>")
    bench.editor.wait_line(f"# typed {place}")
    finish(bench, exchange, with_typed(REWRITTEN))
    same_everywhere(bench)
    bench.editor.undo()
    equal(bench.editor.text(), with_typed(ORIGINAL), "the text after one undo")
    measured(bench, f"you type {place} it", "the new text, and what you typed", 1)


@scenario(neovim_bench)
def typing_above_in_a_fresh_file_before_the_first_word(bench):
    """A file that was just opened has version 0 in Neovim, and Neovim takes an edit for version 0 whatever has been
    typed since; what was typed in the last 150 ms the server cannot know yet."""
    exchange = start_rewrite(bench)
    bench.editor.type("<Esc>ggO# typed<Esc>")
    bench.editor.wait_line("# typed")
    exchange.release_all()
    bench.editor.wait_end()
    equal(bench.editor.text(), f"# typed\n{REWRITTEN}", "the text after the end")
    same_everywhere(bench)


@scenario(neovim_bench)
@scenario(neovim_bench, "deleting_the_line_above_debounce_0", debounce=0)
def deleting_the_line_above(bench):
    """Neovim tells it from the first character on in which it differs from the next line: behind the indentation of both."""
    exchange = start_rewrite(bench, first=5, last=5)
    exchange.release(3)
    bench.editor.wait_line(FIRST)
    bench.editor.type("<Esc>4Gdd")
    message = '    message = "Hello, " + name\n'
    bench.editor.wait("the deletion", lambda: message not in bench.editor.text())
    exchange.release_all()
    bench.editor.wait_end()
    new = f"{FIRST}\n{SECOND}\n    log(name)\n"
    equal(bench.editor.text(), ORIGINAL.replace(OLD, new), "the text after the end")
    same_everywhere(bench)


@scenario(neovim_bench, "opening_a_line_above_o", keys="4Go")
@scenario(neovim_bench, "opening_a_line_above_O", keys="5GO")
@scenario(neovim_bench, "opening_a_line_above_o_debounce_0", keys="4Go", debounce=0)
@scenario(neovim_bench, "opening_a_line_above_O_debounce_0", keys="5GO", debounce=0)
def opening_a_line_above(bench, keys):
    """With the indentation of the lines around it."""
    exchange = start_rewrite(bench, first=5, last=5)
    exchange.release(3)
    bench.editor.wait_line(FIRST)
    bench.editor.nvim.command("setlocal autoindent")
    bench.editor.type(f"<Esc>{keys}# typed<Esc>")
    bench.editor.wait_line("    # typed")
    exchange.release_all()
    bench.editor.wait_end()
    message, typed = '    message = "Hello, " + name\n', "    # typed\n"
    new = f"{message}{typed}{FIRST}\n{SECOND}\n    log(name)\n"
    equal(bench.editor.text(), ORIGINAL.replace(OLD, new), "the text after the end")
    same_everywhere(bench)


@scenario(neovim_bench)
def read_again_from_the_disk_and_stopped_while_somebody_types(bench):
    """A file that is read again has version 0 again. The new text is taken back, and the server cannot know yet what was typed."""
    exchange = start_rewrite(bench)
    exchange.release(3)
    bench.editor.wait_line(FIRST)
    begin = bench.editor.wait("the progress", lambda: bench.editor.progress("begin"))[0]
    bench.editor.nvim.command("silent write")
    path = bench.editor.project / "greet.py"
    path.write_text(f"# formatted\n{path.read_text()}")
    bench.editor.nvim.command("silent edit!")
    # In one go, so that the line is there before the server's edit can be.
    bench.editor.lua("H.cancel_progress(...) vim.api.nvim_buf_set_lines(0, 0, 0, true, { '# typed' })", begin["token"])
    bench.editor.wait_end()
    equal(bench.editor.text(), f"# typed\n# formatted\n{ORIGINAL}", "the text after the end")
    same_everywhere(bench)


@scenario(neovim_bench, "typing_above_in_a_race", keys="ggO", above=True)
@scenario(neovim_bench, "typing_above_in_a_race_debounce_0", keys="ggO", above=True, debounce=0)
@scenario(neovim_bench, "typing_below_in_a_race", keys="Go", above=False)
@scenario(neovim_bench, "typing_below_in_a_race_debounce_0", keys="Go", above=False, debounce=0)
def typing_in_a_race(bench, keys, above):
    new = "".join(f'    line_{number} = f"Hello, {{name}}"\n' for number in range(8))
    pieces = [new[start : start + 7] for start in range(0, len(new), 7)]
    typed = [f"# note {number}" for number in range(6)]

    def with_typed(text):
        return "\n".join(typed) + "\n" + text if above else text + "\n".join(typed) + "\n"

    exchange = start_rewrite(bench, *pieces)
    exchange.release(6)
    bench.editor.wait_line('    line_0 = f"Hello, {name}"')
    bench.editor.type(f"<Esc>{keys}")
    for number, character in enumerate("\n".join(typed)):
        # A piece of the answer and a key at the same time, but not the end: only what lands after the typing is the first
        # to be undone.
        if number < len(pieces) - 6:
            exchange.release()
        bench.editor.type("<CR>" if character == "\n" else character)
        # One key, and Neovim's answer, at a time.
        bench.editor.wait("Neovim takes the keys", lambda: True)
    bench.editor.type("<Esc>")
    exchange.release_all()
    # Whatever came first, nothing is lost and nothing is out of place.
    if bench.editor.wait_end().startswith("done: "):
        # On a machine so busy that Neovim drops two edits in a row, the rest waits for the user's word.
        print("    the rewrite was parked: the machine is busy")
        bench.editor.go_to_line('    line_0 = f"Hello, {name}"')
        bench.editor.menu("Apply the rest")
        bench.editor.wait_text(with_typed(ORIGINAL.replace(OLD, new)))
        return
    finish(bench, exchange, with_typed(ORIGINAL.replace(OLD, new)))
    same_everywhere(bench)
    bench.editor.undo()
    equal(bench.editor.text(), with_typed(ORIGINAL), "the text after one undo")


@scenario(neovim_bench)
def typing_inside_written(bench):
    exchange = start_rewrite(bench)
    exchange.release(3)
    bench.editor.wait_line(FIRST)
    bench.editor.go_to_line(FIRST)
    bench.editor.type("A  # mine<Esc>")
    bench.editor.wait_line(f"{FIRST}  # mine")
    exchange.release(2)
    bench.editor.wait_line(SECOND)
    finish(bench, exchange, REWRITTEN.replace(FIRST, f"{FIRST}  # mine"))
    same_everywhere(bench)
    presses = bench.editor.undo_until(ORIGINAL, most=12)
    measured(bench, "you type in the new text", "the new text, with what you typed in it", presses)


def park(bench):
    """Types in the waiting part of a rewrite and lets the answer end; the text must stay as the user left it."""
    exchange = start_rewrite(bench, last=6)
    exchange.release(3)
    bench.editor.wait_line(FIRST)
    # Not the last line: what is typed at the very end of the selection stands outside of it.
    bench.editor.go_to_line("    print(message)")
    bench.editor.type("A  # keep<Esc>")
    bench.editor.wait_line("    print(message)  # keep")
    left = bench.editor.text()
    exchange.release_all()
    bench.editor.wait_end()
    equal(bench.editor.text(), left, "the text after the end of a parked rewrite")
    bench.editor.go_to(4)


@scenario(neovim_bench)
def typing_in_waiting_then_restore(bench):
    park(bench)
    bench.editor.menu("Restore the original")
    bench.editor.wait_text(ORIGINAL.replace("    print(message)\n", "    print(message)  # keep\n"))
    same_everywhere(bench)


@scenario(neovim_bench)
def typing_in_waiting_then_apply_the_rest(bench):
    park(bench)
    bench.editor.menu("Apply the rest")
    bench.editor.wait_line(SECOND)
    text = bench.editor.text()
    head, _, rest = ORIGINAL.partition(OLD)
    tail = rest.removeprefix("    return message\n")
    true(text.startswith(f"{head}{FIRST}\n") and text.endswith(tail), f"text outside was changed: {text!r}")
    true("    print(message)  # keep\n" in text, f"what the user typed is lost: {text!r}")
    equal(text.count(FIRST), 1, f"the first line is there once: {text!r}")
    same_everywhere(bench)


@scenario(neovim_bench)
def cancel_by_command(bench):
    exchange = start_rewrite(bench)
    exchange.release(3)
    bench.editor.wait_line(FIRST)
    asked_at = time.monotonic()
    equal(len(bench.editor.execute("ezrouter.cancel")["cancelled"]), 1, "the number of cancelled jobs")
    cancelled(bench, exchange, asked_at)
    equal(bench.editor.text(), ORIGINAL, "the text after the cancel")
    same_everywhere(bench)


@scenario(neovim_bench)
def cancel_by_progress(bench):
    exchange = start_rewrite(bench)
    exchange.release(3)
    bench.editor.wait_line(FIRST)
    begin = bench.editor.wait("the progress", lambda: bench.editor.progress("begin"))[0]
    asked_at = time.monotonic()
    bench.editor.lua("H.cancel_progress(...)", begin["token"])
    cancelled(bench, exchange, asked_at)
    equal(bench.editor.text(), ORIGINAL, "the text after the cancel")


@scenario(neovim_bench)
def cancel_before_the_first_word(bench):
    exchange = start_rewrite(bench)
    asked_at = time.monotonic()
    bench.editor.execute("ezrouter.cancel")
    cancelled(bench, exchange, asked_at)
    equal(bench.editor.text(), ORIGINAL, "the text after the cancel")
    equal(bench.editor.nvim.eval("&modified"), 0, "whether the buffer was touched")


@scenario(neovim_bench)
def stop_is_in_the_menu_of_every_document(bench):
    exchange = start_rewrite(bench)
    exchange.release(3)
    bench.editor.wait_line(FIRST)
    true(any(title.startswith("Stop") for title in bench.editor.menu()), "no Stop where the rewrite runs")
    bench.editor.open("notes.md", "# Notes\n")
    asked_at = time.monotonic()
    bench.editor.menu("Stop")
    cancelled(bench, exchange, asked_at)
    true(not any(title.startswith("Stop") for title in bench.editor.menu()), "Stop is there with nothing to stop")
    equal(bench.editor.text(), "# Notes\n", "the other document")
    bench.editor.nvim.command("buffer greet.py")
    equal(bench.editor.text(), ORIGINAL, "the text after the stop")


@scenario(neovim_bench)
def cut_in_mid_stream_gives_the_original_back(bench):
    exchange = start_rewrite(bench)
    exchange.release(3)
    bench.editor.wait_line(FIRST)
    exchange.cut()
    message = bench.editor.wait_end()
    true("failed" in message, f"the last progress message is {message!r}")
    equal(bench.editor.text(), ORIGINAL, "the text after the failure")
    equal(len(bench.gateway.requests), 1 + models_asked(bench), "nothing is tried again after the first word")


def models_asked(bench):
    """How many of the requests were for the catalog."""
    return sum(request["path"] == "/v1/models" for request in bench.gateway.requests)


@scenario(neovim_bench)
def undo_in_mid_stream_stops_and_leaves_the_original(bench):
    exchange = start_rewrite(bench)
    exchange.release(3)
    bench.editor.wait_line(FIRST)
    exchange.release(2)
    bench.editor.wait_line(SECOND)
    bench.editor.undo()
    true(exchange.wait_closed(), "the gateway did not see the connection close")
    message = bench.editor.wait_end()
    true("cancelled" in message, f"the last progress message is {message!r}")
    equal(bench.editor.text(), ORIGINAL, "the text after the undo")
    same_everywhere(bench)
    measured(bench, "you undo in the middle of it", "the original; it stops", 1)


@scenario(neovim_bench)
def reject_after_done(bench):
    finish(bench, start_rewrite(bench), REWRITTEN)
    bench.editor.go_to(4)
    bench.editor.menu("Reject")
    bench.editor.wait_text(ORIGINAL)
    same_everywhere(bench)
    true(not any(title.startswith("Reject") for title in bench.editor.menu()), "Reject is there twice")


@scenario(neovim_bench)
def accept_after_done(bench):
    finish(bench, start_rewrite(bench), REWRITTEN)
    bench.editor.go_to(4)
    bench.editor.menu("Accept")
    bench.editor.wait(
        "the menu without Accept",
        lambda: not any(title.startswith(("Accept", "Reject")) for title in bench.editor.menu()),
    )
    equal(bench.editor.text(), REWRITTEN, "the text after the accept")
    bench.editor.undo()
    equal(bench.editor.text(), ORIGINAL, "the text after one undo")


@scenario(neovim_bench)
def ask_shows_the_answer_in_the_hover(bench):
    exchange = start_ask(bench, "It greets", " by **name**.\n\nThen it prints.")
    exchange.release(1)
    bench.editor.go_to(4)
    bench.editor.wait("the first words in the hover", lambda: "It greets" in bench.editor.hover())
    exchange.release_all()
    bench.editor.wait_end()
    text = bench.editor.hover()
    true("It greets by **name**.\n\nThen it prints." in text, f"the answer is not in the hover: {text!r}")
    for part in (MODEL, "900", "600", "40"):
        true(part in text, f"no {part} in the footer: {text!r}")
    true("A hover of the second server." in text, f"the other server's hover is gone: {text!r}")
    bench.editor.go_to(9)
    text = bench.editor.hover()
    true("It greets" not in text, f"the answer shows on lines it is not about: {text!r}")
    equal(bench.editor.text(), ORIGINAL, "the text")


@scenario(neovim_bench)
def answer_moves_with_its_lines(bench):
    start_ask(bench, "It greets.").release_all()
    bench.editor.wait_end()
    bench.editor.type("ggO# new<CR># newer<Esc>")
    bench.editor.wait_text("# new\n# newer\n" + ORIGINAL)
    bench.editor.go_to(7)
    bench.editor.wait("the answer two lines further down", lambda: "It greets." in bench.editor.hover())
    bench.editor.go_to(5)
    true("It greets." not in bench.editor.hover(), "the answer shows where its lines were")


@scenario(neovim_bench)
def ask_follow_up_sends_the_conversation(bench):
    first = start_ask(bench, "It greets.")
    first.release_all()
    bench.editor.wait_end(1)
    second = start_ask(bench, "No bugs.", title="Find bugs", first=8, last=9)
    second.release_all()
    bench.editor.wait_end(2)
    past, now = first.request["messages"], second.request["messages"]
    equal(now[: len(past)], past, "the beginning of the second request")
    equal(now[len(past)], {"role": "assistant", "content": "It greets."}, "the first answer in the second request")
    equal(now[-1]["role"], "user", "the last role")
    bench.editor.go_to(9)
    true("No bugs." in bench.editor.hover(), "the second answer is not in the hover")


@scenario(neovim_bench)
def show_request_is_what_the_question_then_sends(bench):
    bench.editor.open("greet.py", ORIGINAL)
    bench.editor.titles(4, 5)
    # Without a place: the lines that the menu was opened on.
    shown = bench.editor.execute("ezrouter.showRequest", action="explain")
    bench.editor.wait_document("# Request: Explain\n\nNothing has been sent.")
    equal(bench.editor.nvim.eval("&filetype"), "markdown", "the file type of the view")
    view = bench.editor.text()
    equal(view, pathlib.Path(urllib.parse.unquote(shown["uri"].removeprefix("file://"))).read_text(), "the view")
    true("authorization: Bearer [key]" in view and "sk-test" not in view, view)
    body = view.partition("```json\n")[2].partition("\n```")[0]
    exchange = start_ask(bench, "It greets.")
    equal(exchange.request, json.loads(body), "what was shown and what was sent")
    exchange.release_all()
    bench.editor.wait_end()


@scenario(neovim_bench)
def dismiss_and_show_again(bench):
    start_ask(bench, "It greets.").release_all()
    bench.editor.wait_end()
    bench.editor.go_to(4)
    true("It greets." in bench.editor.hover(), "the answer is not in the hover")
    bench.editor.menu("Dismiss answer")
    bench.editor.wait("the hover without the answer", lambda: "It greets." not in bench.editor.hover())
    bench.editor.menu("Show answer")
    bench.editor.wait("the hover with the answer again", lambda: "It greets." in bench.editor.hover())


@scenario(neovim_bench)
def wrong_key_is_one_short_error_and_changes_nothing(bench):
    bench.gateway.refuse(401, failure("authentication_error", "Invalid token (request id: e1)", "invalid_api_key"))
    bench.editor.open("greet.py", ORIGINAL)
    bench.editor.select(4, 5)
    bench.editor.menu("Simplify")
    message = bench.editor.wait_end()
    true("failed" in message, f"the last progress message is {message!r}")
    shown = bench.editor.wait("an error message", lambda: [
        line for line in bench.editor.messages().splitlines() if line.startswith("LSP[ezrouter]")
    ])
    equal(len(shown), 1, f"the number of messages: {shown}")
    text = shown[0].removeprefix("LSP[ezrouter]").strip()
    true(0 < len(text) <= 60, f"{len(text)} characters: {text!r}")
    equal(bench.editor.text(), ORIGINAL, "the text")
    equal(bench.editor.nvim.eval("&modified"), 0, "whether the buffer was touched")


@scenario(neovim_bench)
def quit_while_it_streams_leaves_no_process(bench):
    exchange = start_rewrite(bench)
    exchange.release(3)
    bench.editor.wait_line(FIRST)
    processes = bench.editor.server_processes()
    equal(len(processes), 2, "the processes of the server")
    bench.editor.quit()
    true(exchange.wait_closed(), "the gateway did not see the connection close")
    deadline = time.monotonic() + 5
    while any(alive(process) for process in processes):
        true(time.monotonic() < deadline, "the server is still there 5 s after Neovim quit")
        time.sleep(0.02)


def alive(process):
    """Whether a process runs; one that only waits to be collected by its parent does not."""
    try:
        return pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@scenario(neovim_bench)
def tests_go_where_the_user_says(bench):
    new = "def test_greet():\n    assert greet('A') is None\n"
    exchange = bench.gateway.script(new)
    bench.editor.open("greet.py", ORIGINAL)
    bench.editor.select(3, 6)
    bench.editor.lua("H.answer(2)")
    bench.editor.menu("Write tests")
    true(exchange.wait_request(), "no request reached the gateway")
    question = bench.editor.lua("return H.question")
    equal(question["prompt"], "Write tests: where does the new text go?: ", "the question")
    equal(question["titles"], ["Below the selection", "At the end of the file"], "the choices")
    asked = exchange.request["messages"][-1]["content"]
    true("<selection>\ndef greet(name):\n" in asked and "the selection stays" in asked, asked)
    finish(bench, exchange, f"{ORIGINAL}\n{new}")
    bench.editor.undo()
    equal(bench.editor.text(), ORIGINAL, "the text after one undo")


@scenario(neovim_bench)
def a_file_that_the_words_name_goes_along(bench):
    (bench.editor.project / "other.py").write_text("def other():\n    pass\n")
    exchange = bench.gateway.script("It is shorter.")
    bench.editor.open("greet.py", ORIGINAL)
    bench.editor.select(4, 5)
    bench.editor.titles(4, 5)
    bench.editor.execute("ezrouter.ask", question="How does it differ from @other.py?")
    true(exchange.wait_request(), "no request reached the gateway")
    asked = exchange.request["messages"][-1]["content"]
    true('<file path="other.py">\ndef other():\n    pass\n</file>' in asked, asked)
    exchange.release_all()
    message = bench.editor.wait_end()
    true(message.endswith(", with other.py)"), f"the last progress message is {message!r}")
