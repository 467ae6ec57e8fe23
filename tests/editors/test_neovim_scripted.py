"""Scenarios of the Neovim plugin with a server that sends nonsense, or more than anybody wants: nothing of it throws at the
user, holds Neovim up, or touches other text than an edit names."""

import contextlib
import functools
import pathlib
import sys

from neovim import Neovim
from scenario import SCENARIOS, Bench, equal, scenario, true
from test_neovim import ORIGINAL
from test_neovim_plugin import float_text, said, status, wait_float

SERVER = pathlib.Path(__file__).resolve().parent / "scripted_server.py"
# What Neovim may take of a processor, so that other programs do not matter. Some of it takes half a second; what is held
# against it took a minute and more.
SOON_SECONDS = 8


@contextlib.contextmanager
def scripted_bench(tools, directory, debounce, old=False):
    """Neovim with the plugin on the scripted server, in the usual file."""
    command = f"{{ '{sys.executable}', '-B', '{SERVER}' }}"
    set_up = f"require('ezrouter').setup({{ cmd = {command}, answer = {{ focus = false }} }})"
    editor = Neovim(tools.environment, tools.server, directory, {}, debounce, plugin=True, set_up=set_up, old=old)
    try:
        editor.open("greet.py", ORIGINAL)
        yield Bench(directory, None, editor, tools, debounce)
        editor.quit()
    finally:
        editor.close()


def asked(bench, method, **params):
    code = "return H.ask(vim.lsp.get_clients({ name = 'ezrouter' })[1], ...)"
    answer = bench.editor.lua(code, method, params)
    true(answer is not None and "result" in answer, f"{method} got no answer: {answer}")
    return answer["result"]


def worked(bench):
    """How many seconds of a processor Neovim has taken until now."""
    seconds = bench.editor.lua("""
      local used = vim.uv.getrusage()
      local function seconds(time) return time.sec + time.usec / 1000000 end
      return seconds(used.utime) + seconds(used.stime)
    """)
    true(0 < seconds, "the clock of the processor stands still")
    return seconds


def send(bench, *messages):
    """Has the server send these, and waits until Neovim has taken them."""
    asked(bench, "scripted/send", messages=list(messages))


def place(first, last):
    """A range from one `(line, character)` to another."""
    return {name: {"line": at[0], "character": at[1]} for name, at in (("start", first), ("end", last))}


LINES = place((3, 0), (5, 0))


def job(bench, name="1", kind="rewrite", state="streaming", **more):
    uri = bench.editor.lua("return vim.uri_from_bufnr(0)")
    return {"method": "ezrouter/job", "params": {"job": name, "kind": kind, "uri": uri, "state": state, "range": LINES, **more}}


def answer(bench, delta, name="1"):
    uri = bench.editor.lua("return vim.uri_from_bufnr(0)")
    return {"method": "ezrouter/answer", "params": {"job": name, "uri": uri, "range": LINES, "delta": delta, "done": False}}


def progress(title, message, name="1"):
    value = {"kind": "begin", "title": title, "message": message}
    return {"method": "$/progress", "params": {"token": f"ezrouter/{name}", "value": value}}


def edit(bench, edits, name="1", phase="next"):
    """An edit for the version that the buffer has."""
    uri, version = bench.editor.lua("return { vim.uri_from_bufnr(0), vim.lsp.util.buf_versions[vim.api.nvim_get_current_buf()] }")
    document = {"textDocument": {"uri": uri, "version": version}, "edits": edits}
    return {"id": 7, "method": "ezrouter/applyEdit", "params": {"job": name, "seq": 1, "phase": phase, "edit": document}}


def unharmed(bench, text=ORIGINAL):
    """Waits until nothing waits for a key; nothing was said, and the text is as it was."""
    bench.editor.wait("a free Neovim", lambda: True)
    equal(bench.editor.messages().strip(), "", "what was said")
    equal(bench.editor.text(), text, "the text")


ODD = ("a\0b", 7, None, {}, [1], "", "a\nb\r\tc\x1b[31m", "%{v:lua.error('x')} %#Error#", "🦀" * 20000)


@scenario(scripted_bench)
def plugin_odd_words_show_on_one_line(bench):
    """Titles and messages that are no text, hold a NUL or line breaks, or are far too long, wherever words are shown."""
    bench.editor.nvim.options["statusline"] = "%f %= %{%v:lua.require'ezrouter'.status()%}"
    send(bench, job(bench), job(bench, "2", kind="ask"), answer(bench, "It greets.", "2"))
    began = worked(bench)
    for odd in ODD:
        send(bench, progress(odd, odd), progress(odd, odd, "2"), job(bench, message=odd, usage=odd))
        shown = status(bench)
        true(not any(character < " " for character in shown) and len(shown) < 600, f"the status line says {shown!r}")
    true(worked(bench) - began < SOON_SECONDS, f"it took {worked(bench) - began:.1f} s")
    send(bench, job(bench, "2", kind="ask", state="done"))
    true("%%{v:lua.error" not in status(bench) and "🦀" in status(bench), status(bench))
    unharmed(bench)
    for number, odd in enumerate(ODD):
        send(bench, {"method": "window/showMessage", "params": {"type": 1, "message": odd}})
        send(bench, {"method": "window/showMessage", "params": {"type": odd, "message": f"message {number}"}})
        said(bench, f"message {number}")
    true(worked(bench) - began < 2 * SOON_SECONDS, f"it took {worked(bench) - began:.1f} s")
    equal(bench.editor.text(), ORIGINAL, "the text")


@scenario(scripted_bench)
def plugin_document_that_cannot_be_shown_is_said_so(bench):
    for uri in (None, 7, {}, "", "no scheme", "nothing:a\0b", "file:///a\0b"):
        send(bench, {"id": 5, "method": "window/showDocument", "params": {"uri": uri}})
        equal(asked(bench, "scripted/answers", count=1), [{"id": 5, "result": {"success": False}, "failed": False}], f"the answer to {uri!r}")
        unharmed(bench)
    equal(bench.editor.lua("return #vim.api.nvim_list_wins()"), 1, "the number of windows")


@scenario(scripted_bench)
def plugin_edits_that_make_no_sense_are_refused(bench):
    """A negative row is to Neovim one from the end."""
    send(bench, job(bench))
    here = place((3, 0), (3, 0))
    good = {"range": here, "newText": "x"}
    for edits in (
        *([{"range": place((line, character), (line, character)), "newText": "x"}] for line, character in ((-1, 0), (3, -1), (0.5, 0), (3, 0.5), (1e300, 0), (3, 1e300), ("3", 0))),
        [{"range": place((-9, 0), (-1, 0)), "newText": ""}],
        [{"range": place((5, 0), (3, 0)), "newText": "reversed"}],
        [{"range": LINES, "newText": "one"}, {"range": place((4, 0), (6, 0)), "newText": "overlapping"}],
        [good, {"range": here, "newText": 7}],
        [good, {"range": None, "newText": "x"}],
        [good, {"newText": "x"}],
        [good, {"range": here}],
        [good, None],
        [good, "x"],
        [],
        {"0": good},
        7,
        None,
    ):
        send(bench, edit(bench, edits))
        result = asked(bench, "scripted/answers", count=1)[0]["result"]
        equal(result["applied"], False, f"the answer to {edits}")
        unharmed(bench)
    send(bench, edit(bench, [{"range": LINES, "newText": "    pass\n"}, {"range": place((8, 0), (8, 0)), "newText": "    # here\n"}]))
    equal(asked(bench, "scripted/answers", count=1)[0]["result"]["applied"], True, "the answer to two edits that do make sense")
    bench.editor.undo()
    equal(bench.editor.text(), ORIGINAL, "the text after one undo")


@scenario(scripted_bench)
def plugin_job_with_an_odd_range_is_still_a_job(bench):
    odd = (7, {}, {"start": 3}, place((-5, 0), (-1, 0)), place((1.5, 0), (2.5, 0)), place((5, 0), (2, 0)), place((1e300, 0), (1e300, 0)))
    for number, where in enumerate(odd):
        send(bench, job(bench, f"odd {number}", range=where))
        true(status(bench) != "", f"no job with the range {where}")
        send(bench, job(bench, f"odd {number}", range=where, state="pending"))
        equal(status(bench), "1 to review", f"what is told of the job with the range {where}")
        send(bench, job(bench, f"odd {number}", range=where, state="done"))
    unharmed(bench)


@scenario(scripted_bench)
def plugin_long_answers_do_not_hold_the_editor_up(bench):
    """Two thousand pieces, and then more than anybody reads."""
    send(bench, job(bench, kind="ask"), answer(bench, "It greets.\n"))
    bench.editor.nvim.command("Ezrouter answer")
    began = worked(bench)
    for _ in range(20):
        send(bench, *(answer(bench, "a **word** and `code`\n" if piece % 5 == 0 else "some words more ") for piece in range(100)))
    took = worked(bench) - began
    true(took < SOON_SECONDS, f"the pieces took {took:.1f} s")
    began = worked(bench)
    send(bench, answer(bench, "a line with `code`\n" * 50000))
    send(bench, *(answer(bench, "more words ") for _ in range(200)), answer(bench, "the end"))
    took = worked(bench) - began
    true(took < SOON_SECONDS, f"the long answer took {took:.1f} s")
    bench.editor.wait("the end in view", lambda: bench.editor.lua("return vim.fn.getline('w$')").endswith("the end"))
    equal(float_text(bench).count("\n"), 1 + 400 + 50000, "the line breaks of the answer")


@scenario(scripted_bench)
def plugin_answer_stays_where_it_is_read(bench):
    """The window goes along with the text only while the cursor is at its end."""
    send(bench, job(bench, kind="ask"), answer(bench, "one\ntwo\nthree\n"))
    wait_float(bench, "three")

    def cursor():
        return bench.editor.nvim.funcs.line(".")

    bench.editor.nvim.command("Ezrouter answer")
    bench.editor.wait("the cursor at the end", lambda: cursor() == 4)
    bench.editor.type("2G")
    bench.editor.wait("the cursor in line 2", lambda: cursor() == 2)
    send(bench, answer(bench, "four\n"), answer(bench, "five\n"))
    send(bench, progress("Ask", "5 words"))
    wait_float(bench, "five")
    equal(cursor(), 2, "the line of the cursor while somebody reads")
    bench.editor.type("G")
    bench.editor.wait("the cursor at the end", lambda: cursor() == 6)
    send(bench, answer(bench, "six\n"))
    bench.editor.wait("the cursor at the new end", lambda: cursor() == 7)


@scenario(scripted_bench)
def plugin_answer_takes_no_key_of_what_is_being_typed(bench):
    """An answer that begins between an operator and its motion, or over the command-line window, shows and leaves the cursor."""
    bench.editor.lua("local config = require('ezrouter.config') local all = config.get() all.answer.focus = true config.set(all)")
    bench.editor.type("4Gd")
    bench.editor.wait("an operator that waits", lambda: bench.editor.nvim.request("nvim_get_mode")["mode"] == "no")
    send(bench, job(bench, kind="ask"), answer(bench, "It greets."))
    wait_float(bench, "It greets.")
    bench.editor.type("d")
    bench.editor.wait_text(ORIGINAL.replace('    message = "Hello, " + name\n', ""))
    bench.editor.type("u")
    bench.editor.nvim.command("only")
    bench.editor.type("q:")
    bench.editor.wait("the command-line window", lambda: bench.editor.nvim.funcs.getcmdwintype() == ":")
    send(bench, job(bench, "2", kind="ask"), answer(bench, "It takes leave.", "2"))
    wait_float(bench, "It takes leave.")
    equal(bench.editor.nvim.funcs.getcmdwintype(), ":", "the window that has the cursor")
    bench.editor.type("<C-c><C-c>")
    bench.editor.wait("the file again", lambda: bench.editor.nvim.funcs.getcmdwintype() == "")
    bench.editor.normal_mode()
    equal(bench.editor.text(), ORIGINAL, "the text")


@scenario(scripted_bench)
def plugin_odd_answers_to_commands_are_no_errors(bench):
    send(bench, job(bench, state="pending"))
    for result in (None, 7, "words", [], [7], {}, {"models": None}, {"models": 7}, {"models": [7, {}, {"id": 7}]}, {"kept": 7, "jobs": 7}):
        asked(bench, "scripted/result", result=result)
        equal(bench.editor.nvim.funcs.getcompletion("Ezrouter model ", "cmdline"), [], f"the completion of models after {result}")
        for words in ("ask why", "model x", "accept", "retry", "diff", "chat", "usage", "status", "new"):
            bench.editor.nvim.command(f"Ezrouter {words}")
        # The last of them has its answer, and so have those before it.
        said(bench, "a new conversation begins")
        bench.editor.lua("require('ezrouter.message').history = {} while H.float_text() do H.close_float() end vim.cmd('messages clear')")
        unharmed(bench)
    asked(bench, "scripted/result", result={"models": [7, {"id": "a-model"}]})
    equal(bench.editor.nvim.funcs.getcompletion("Ezrouter model ", "cmdline"), ["a-model"], "the completion of models")


@scenario(scripted_bench)
def plugin_follow_up_about_text_that_is_gone_is_said_so(bench):
    send(bench, job(bench, kind="ask", range=None), answer(bench, "It greets."))
    wait_float(bench, "It greets.")
    bench.editor.nvim.command("Ezrouter answer")
    bench.editor.type("<CR>why?<CR>")
    said(bench, "the text that this is about is gone")


# Each in the oldest Neovim that the plugin is for, too.
old_bench = functools.partial(scripted_bench, old=True)
for one in [one for one in SCENARIOS if one.kind is scripted_bench]:
    scenario(old_bench, one.name.replace("plugin_", "plugin_in_neovim_0_10_"))(one.run)
