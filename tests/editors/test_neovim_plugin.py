"""Scenarios of the Neovim plugin in a real Neovim: what its commands do, what it shows, and how often undo must be pressed."""

import contextlib
import functools
import os
import shutil
import subprocess
import time
from random import Random

from gateway import MODEL, Gateway, failure
from neovim import PLUGIN, Neovim
from scenario import SCENARIOS, Bench, equal, scenario, true
from test_every_editor import BOTH_HUNKS, FIRST_HUNK, HUNKS
from test_neovim import DELTAS, FIRST, OLD, ORIGINAL, REWRITTEN, SECOND, neovim_bench
from undo_table import measured


@contextlib.contextmanager
def plugin_bench(tools, directory, debounce, **options):
    """Neovim with the plugin, and our server on a scripted gateway."""
    gateway = Gateway()
    environment = {"EZROUTER_API_KEY": "sk-test", "EZROUTER_BASE_URL": gateway.url, "EZROUTER_MODEL": MODEL}
    editor = Neovim(tools.environment, tools.server, directory, environment, debounce, plugin=True, **options)
    try:
        yield Bench(directory, gateway, editor, tools, debounce)
        editor.quit()
    finally:
        editor.close()
        gateway.close()


def command(bench, words):
    """Runs a command; the usual file is opened before the first time."""
    if not (bench.editor.project / "greet.py").exists():
        bench.editor.open("greet.py", ORIGINAL)
    bench.editor.nvim.command(words)


def rewrite(bench, *deltas, first=4, last=5, words="use an f-string"):
    """Has lines of the usual file rewritten by the command, and waits for the request."""
    exchange = bench.gateway.script(*(deltas or DELTAS))
    command(bench, f"{first},{last}Ezrouter rewrite {words}")
    true(exchange.wait_request(), "no request reached the gateway")
    return exchange


def finish(bench, exchange, text, jobs=1):
    exchange.release_all()
    message = bench.editor.wait_end(jobs)
    equal(bench.editor.text(), text, "the text after the end")
    true(message.startswith("done"), f"the last progress message is {message!r}")


@scenario(plugin_bench)
def plugin_rewrite_by_command_one_undo(bench):
    exchange = rewrite(bench)
    true("use an f-string" in exchange.request["messages"][-1]["content"], "the words are not in the request")
    exchange.release(3)
    bench.editor.wait_line(FIRST)
    exchange.release(2)
    bench.editor.wait_line(SECOND)
    finish(bench, exchange, REWRITTEN)
    bench.editor.undo()
    equal(bench.editor.text(), ORIGINAL, "the text after one undo")
    measured(bench, "nothing", "the new text", 1)


@scenario(plugin_bench)
def plugin_insert_mode_across_the_end(bench):
    """The user types in insert mode from before the first word until after the end: the rewrite is one undo entry, and what
    was typed is not in it."""
    exchange = rewrite(bench)
    bench.editor.type("<Esc>ggO# one<CR># two")
    bench.editor.wait_line("# two")
    exchange.release(3)
    bench.editor.wait_line(FIRST)
    bench.editor.type(" and<CR># three")
    bench.editor.wait_line("# three")
    exchange.release(2)
    bench.editor.wait_line(SECOND)
    bench.editor.type(" more")
    bench.editor.wait_line("# three more")
    finish(bench, exchange, f"# one\n# two and\n# three more\n{REWRITTEN}")
    equal(bench.editor.nvim.request("nvim_get_mode")["mode"], "i", "the mode")
    bench.editor.undo()
    equal(bench.editor.text(), f"# one\n# two and\n# three more\n{ORIGINAL}", "the text after one undo")
    measured(bench, "you stay in insert mode across its end", "the new text, and what you typed", 1)


@scenario(plugin_bench)
def plugin_insert_mode_on_one_line_across_the_end(bench):
    exchange = rewrite(bench)
    bench.editor.type("<Esc>GA  # one")
    bench.editor.wait_line('leave("all")  # one')
    exchange.release(3)
    bench.editor.wait_line(FIRST)
    bench.editor.type(" two")
    bench.editor.wait_line('leave("all")  # one two')
    finish(bench, exchange, REWRITTEN.replace('leave("all")\n', 'leave("all")  # one two\n'))
    bench.editor.type(" three")

    def with_typed(text, typed="  # one two three"):
        return text.replace('leave("all")\n', f'leave("all"){typed}\n')

    # What was typed after the end is undone first, because it is newer; then the rewrite, and no letter with it.
    bench.editor.undo()
    equal(bench.editor.text(), with_typed(REWRITTEN, "  # one two"), "the text after one undo")
    bench.editor.undo()
    equal(bench.editor.text(), with_typed(ORIGINAL, "  # one two"), "the text after two")
    bench.editor.type("2<C-r>")
    bench.editor.wait_text(with_typed(REWRITTEN))
    bench.editor.undo_until(ORIGINAL, 20)


@scenario(plugin_bench)
def plugin_typing_between_pieces_is_gathered(bench):
    """What the user types between two pieces lies between their undo entries, until the end puts them in order."""
    pieces = "".join(f'    line_{number} = f"Hello, {{name}}"\n' for number in range(5)) + "    end"
    exchange = rewrite(bench, *pieces.splitlines(keepends=True))
    for number in range(4):
        exchange.release()
        if number:
            bench.editor.wait_line(f'    line_{number - 1} = f"Hello, {{name}}"')
        bench.editor.type(f"<Esc>Go# note {number}<Esc>")
        bench.editor.wait_line(f"# note {number}")

    def with_typed(text):
        return text + "".join(f"# note {number}\n" for number in range(4))

    finish(bench, exchange, with_typed(ORIGINAL.replace(OLD, f"{pieces}\n")))
    bench.editor.undo()
    equal(bench.editor.text(), with_typed(ORIGINAL), "the text after one undo")
    bench.editor.type("<C-r>")
    bench.editor.wait_text(with_typed(ORIGINAL.replace(OLD, f"{pieces}\n")))


def typing(random, bench):
    """One thing that a user may do elsewhere: keys, and what they add above or below."""
    word = f"# {random.randrange(1000)}"
    above, leave = random.random() < 0.5, random.random() < 0.5
    bench.editor.type(f"<Esc>{'gg0O' if above else 'Go'}{word}{'<Esc>' if leave else ''}")
    return word, above


@scenario(plugin_bench)
def plugin_typing_anywhere_elsewhere_at_random(bench):
    """Whatever is typed above and below, in and out of insert mode, while it streams: nothing is lost, and one undo takes back
    the rewrite and no letter more."""
    for job in range(1, 9):
        seed = int(os.environ.get("EZROUTER_SEED") or time.time_ns() % 1_000_000)
        random = Random(seed)
        note = f"with EZROUTER_SEED={seed}"
        lines = [f'    line_{number} = f"{random.randrange(100)} {{name}}"\n' for number in range(random.randrange(2, 9))]
        exchange = bench.gateway.script(*lines)
        if job == 1:
            bench.editor.open("greet.py", ORIGINAL)
        bench.editor.normal_mode()
        bench.editor.nvim.command("%delete _")
        bench.editor.nvim.current.buffer[:] = ORIGINAL.splitlines()
        bench.editor.nvim.command("4,5Ezrouter rewrite at random")
        true(exchange.wait_request(), f"no request reached the gateway {note}")
        head, tail = [], []
        for number in range(len(lines) - 1):
            exchange.release()
            if number and random.random() < 0.7:
                # Then what is typed next lies between two pieces.
                bench.editor.wait_line(lines[number - 1].rstrip())
            for _ in range(random.randrange(3)):
                word, is_above = typing(random, bench)
                bench.editor.wait_line(word)
                if is_above:
                    head.insert(0, word)
                else:
                    tail.append(word)

        def with_typed(text):
            return "".join(f"{word}\n" for word in head) + text + "".join(f"{word}\n" for word in tail)

        exchange.release_all()
        message = bench.editor.wait_end(job)
        true(message.startswith("done"), f"the last progress message is {message!r} {note}")
        equal(bench.editor.text(), with_typed(ORIGINAL.replace(OLD, "".join(lines))), f"the text after the end {note}")
        bench.editor.undo()
        equal(bench.editor.text(), with_typed(ORIGINAL), f"the text after one undo {note}")
        bench.editor.nvim.command("Ezrouter accept all")


@scenario(plugin_bench)
def plugin_undo_in_mid_stream_stops(bench):
    exchange = rewrite(bench)
    exchange.release(3)
    bench.editor.wait_line(FIRST)
    bench.editor.undo()
    true(exchange.wait_closed(), "the gateway did not see the connection close")
    message = bench.editor.wait_end()
    true("cancelled" in message, f"the last progress message is {message!r}")
    equal(bench.editor.text(), ORIGINAL, "the text after the undo")
    equal(bench.editor.lua("return #vim.api.nvim_buf_get_extmarks(0, -1, 0, -1, { type = 'sign' })"), 0, "the signs")
    measured(bench, "you undo in the middle of it", "the original; it stops", 1)


@scenario(plugin_bench)
def plugin_stop_leaves_no_step_of_undo(bench):
    bench.editor.open("greet.py", ORIGINAL)
    bench.editor.append('leave("all")', "  # mine")
    typed = ORIGINAL.replace('leave("all")', 'leave("all")  # mine')
    exchange = rewrite(bench)
    exchange.release(3)
    bench.editor.wait_line(FIRST)
    bench.editor.nvim.command("Ezrouter stop")
    true(exchange.wait_closed(), "the gateway did not see the connection close")
    message = bench.editor.wait_end()
    true("cancelled" in message, f"the last progress message is {message!r}")
    equal(bench.editor.text(), typed, "the text after the stop")
    bench.editor.undo()
    equal(bench.editor.text(), ORIGINAL, "the text after one undo, which is of what was typed before")


def float_text(bench):
    return bench.editor.lua("return H.float_text()") or ""


def wait_float(bench, part):
    bench.editor.wait(f"a window with {part!r}", lambda: part in float_text(bench))


def signs(bench):
    """The lines (counted from 1) of the current buffer that have a sign, and those that show deleted lines."""
    marks = bench.editor.lua("return vim.api.nvim_buf_get_extmarks(0, -1, 0, -1, { details = true })")
    signed = sorted({row + 1 for _, row, _, details in marks if "sign_text" in details})
    deleted = ["".join(part for part, _ in line) for *_, details in marks for line in details.get("virt_lines", [])]
    return signed, deleted


def said(bench, part):
    """Waits until the plugin has said something with this in it; gives the whole."""
    code = "return vim.tbl_map(function(one) return one.text end, require('ezrouter.message').history)"
    return bench.editor.wait(
        f"a message with {part!r}", lambda: next((text for text in bench.editor.lua(code) if part in text), None)
    )


def places(bench):
    """The ranges of all jobs as the server has them, the newest first."""
    code = """
    local client = vim.lsp.get_clients({ name = 'ezrouter' })[1]
    local params = { command = 'ezrouter.status', arguments = {} }
    local jobs = H.ask(client, 'workspace/executeCommand', params).result.jobs
    return vim.tbl_map(function(job) return job.range end, jobs)
    """
    return bench.editor.lua(code)


def status(bench):
    return bench.editor.lua("return require('ezrouter').status()")


@scenario(plugin_bench)
def plugin_ask_streams_into_a_window_that_takes_a_follow_up(bench):
    first = bench.gateway.script("It greets", " by **name**.\n\nThen it prints.")
    command(bench, "4,5Ezrouter ask what is this")
    true(first.wait_request(), "no request reached the gateway")
    asked = first.request["messages"][-1]["content"]
    true("what is this" in asked and OLD.strip() in asked, f"the question or its text is missing: {asked!r}")
    first.release(1)
    wait_float(bench, "> what is this\n\nIt greets")
    true("name" not in float_text(bench), "the rest is there before it came")
    true("what is this" in status(bench), f"the status line says {status(bench)!r}")
    first.release_all()
    bench.editor.wait_end(1)
    wait_float(bench, "It greets by **name**.\n\nThen it prints.")
    equal(status(bench), "", "the status line afterwards")
    # The cursor is in the window, and Return there asks on.
    second = bench.gateway.script("Because.")
    bench.editor.type("<CR>and why?<CR>")
    true(second.wait_request(), "no follow-up reached the gateway")
    true("and why?" in second.request["messages"][-1]["content"], "the follow-up is not in its request")
    true(any("It greets by" in message["content"] for message in second.request["messages"]), "the first answer is not sent")
    second.release_all()
    bench.editor.wait_end(2)
    wait_float(bench, "Then it prints.\n\n---\n\n> and why?\n\nBecause.")
    equal(bench.editor.lua("return #vim.api.nvim_list_wins()"), 2, "the number of windows")
    bench.editor.type("q")
    bench.editor.wait("the window is closed", lambda: float_text(bench) == "")
    command(bench, "4Ezrouter answer")
    wait_float(bench, "Because.")
    command(bench, "Ezrouter dismiss")
    bench.editor.wait("the window is closed", lambda: float_text(bench) == "")
    bench.editor.go_to(4)
    true("Because." not in bench.editor.hover(), "the answer still shows in the hover")
    equal(bench.editor.text(), ORIGINAL, "the text")


@scenario(plugin_bench)
def plugin_follow_up_is_about_the_text_that_has_moved(bench):
    command(bench, "normal! gg")
    first = bench.gateway.script("It greets.", gated=False)
    command(bench, "4,5Ezrouter ask what is this")
    bench.editor.wait_end(1)
    bench.editor.type("q")
    bench.editor.insert_above(1, "# new")
    second = bench.gateway.script("Yes.", gated=False)
    bench.editor.lua("require('ezrouter.command').run({ args = 'answer', range = 0 })")
    command(bench, "Ezrouter ask sure?")
    bench.editor.wait_end(2)
    true(OLD.strip() in second.request["messages"][-1]["content"] or "as shown above" in second.request["messages"][-1]["content"], second.request["messages"][-1])
    equal([place["start"]["line"] for place in places(bench)], [4, 4], "where the questions stand")
    true(first.request, "the first request")


@scenario(plugin_bench)
def plugin_ask_for_words_by_operator_and_by_selection(bench):
    bench.editor.lua("vim.keymap.set({ 'n', 'x' }, '<Space>r', '<Plug>(ezrouter-rewrite)')")
    bench.editor.lua("vim.keymap.set({ 'n', 'x' }, '<Space>a', '<Plug>(ezrouter-ask)')")
    bench.editor.open("greet.py", ORIGINAL)

    def asked(keys, first, last):
        exchange = bench.gateway.script("No.")
        bench.editor.type(keys)
        true(exchange.wait_request(), f"no request reached the gateway after {keys}")
        place = places(bench)[0]
        found = [(place[end]["line"] + 1, place[end]["character"]) for end in ("start", "end")]
        equal(found, [first, last], f"the range after {keys}")
        bench.editor.nvim.command("Ezrouter stop")
        true(exchange.wait_closed(), "the gateway did not see the connection close")
        bench.editor.type("q")

    bench.editor.go_to(4)
    asked("<Space>ajwhat<CR>", (4, 0), (5, 18))
    bench.editor.go_to(9)
    # The word `print`, without the space before it; then the end of the line.
    asked("w<Space>aiwwhat<CR>", (9, 4), (9, 9))
    bench.editor.go_to(4)
    asked("wv$<Space>awhat<CR>", (4, 4), (4, 30))
    bench.editor.go_to(4)
    asked("V2j<Space>awhat<CR>", (4, 0), (6, 18))
    equal(bench.editor.nvim.request("nvim_get_mode")["mode"], "n", "the mode after a selection")
    bench.editor.nvim.options["selection"] = "exclusive"
    bench.editor.go_to(4)
    asked("wvl<Space>awhat<CR>", (4, 4), (4, 5))
    bench.editor.nvim.options["selection"] = "inclusive"
    # An empty answer to the prompt asks nothing.
    bench.editor.go_to(4)
    bench.editor.type("<Space>rj<CR>")
    bench.editor.type("<Space>rj<Esc>")
    bench.editor.normal_mode()
    exchange = bench.gateway.script(*DELTAS, gated=False)
    bench.editor.go_to(4)
    bench.editor.type("<Space>rjshorter<CR>")
    true(exchange.wait_request() and "shorter" in exchange.request["messages"][-1]["content"], "the instruction is not sent")
    bench.editor.wait_text(REWRITTEN)


@scenario(plugin_bench)
def plugin_typing_while_the_prompt_is_open_moves_the_place(bench):
    """The prompt of another plugin leaves Neovim free meanwhile."""
    bench.editor.lua("vim.ui.input = function(_, done) H.prompt = done end")
    command(bench, "4,5Ezrouter rewrite")
    bench.editor.wait("the prompt", lambda: bench.editor.lua("return H.prompt ~= nil"))
    bench.editor.insert_above(1, "# typed")
    exchange = bench.gateway.script(*DELTAS, gated=False)
    bench.editor.lua("H.prompt('shorter')")
    true(exchange.wait_request(), "no request reached the gateway")
    bench.editor.wait_text(f"# typed\n{REWRITTEN}")


@scenario(plugin_bench)
def plugin_new_text_at_the_cursor(bench):
    exchange = bench.gateway.script("def wait():\n", "    pass\n", gated=False)
    command(bench, "normal! 7G")
    command(bench, "Ezrouter rewrite add a function")
    true(exchange.wait_request(), "no request reached the gateway")
    bench.editor.wait_end()
    bench.editor.wait_line("def wait():")
    # They are drawn once the job is pending, which is told after the end of the progress.
    bench.editor.wait("a sign beside both lines", lambda: status(bench) == "1 to review" and signs(bench)[0] == [7, 8])
    bench.editor.undo()
    equal(bench.editor.text(), ORIGINAL, "the text after one undo")


@scenario(plugin_bench)
def plugin_rewrite_among_wide_characters(bench):
    """Neovim 0.10 counts in UTF-16 units, newer ones in bytes."""
    original = "# 👩‍🚀 ok\n\nnames = ['é', '漢字', '🦀']\nprint('🦀', names) # 🦀\n# 🦀 end\n"
    bench.editor.open("crab.py", original)
    exchange = bench.gateway.script("names = ['ü', '🦀", "']\n", "print(names)", "  # 漢字")
    bench.editor.nvim.command("3,4Ezrouter rewrite shorter")
    exchange.release(3)
    bench.editor.wait_line("names = ['ü', '🦀']")
    finish(bench, exchange, "# 👩‍🚀 ok\n\nnames = ['ü', '🦀']\nprint(names)  # 漢字\n# 🦀 end\n")
    bench.editor.undo()
    equal(bench.editor.text(), original, "the text after one undo")
    bench.editor.lua("vim.keymap.set('x', '<Space>a', '<Plug>(ezrouter-ask)')")
    asked = bench.gateway.script("Yes.", gated=False)
    bench.editor.go_to(4)
    bench.editor.type("7lve<Space>awhat<CR>")
    true(asked.wait_request(), "no request reached the gateway")
    asked_about = asked.request["messages"][-1]["content"]
    true("<selection>\n🦀',\n</selection>" in asked_about, f"another selection: {asked_about!r}")


@scenario(plugin_bench)
def plugin_new_user_is_told_what_is_sent_where(bench):
    bench.editor.open("greet.py", ORIGINAL)
    told = said(bench, "ezrouter sends the text that you ask about")
    true("files named like secrets are never sent" in told, told)
    shown = [line for line in bench.editor.messages().splitlines() if "ezrouter sends" in line]
    true(len(shown) == 1 and shown[0].endswith("(:Ezrouter messages)") and len(shown[0]) < 80, f"on the screen: {shown}")


@scenario(plugin_bench)
def plugin_marks_new_lines_until_they_are_accepted(bench):
    exchange = rewrite(bench, *HUNKS, first=4, last=9)
    exchange.release(3)
    bench.editor.wait_line(HUNKS[0].rstrip())
    bench.editor.wait("marks while it runs", lambda: signs(bench)[0][:1] == [4])
    equal(signs(bench)[1], [], "the lines that went, while it runs")
    finish(bench, exchange, BOTH_HUNKS)
    bench.editor.wait("the review", lambda: status(bench) == "1 to review")
    signed, deleted = signs(bench)
    equal(signed, [4, 9], "the lines with a sign")
    equal(deleted, ['    message = "Hello, " + name', '    print("Bye, " + name)'], "the lines that went")
    bench.editor.go_to(1)
    bench.editor.nvim.command("Ezrouter next")
    equal(bench.editor.nvim.funcs.line("."), 4, "the first change")
    bench.editor.nvim.command("Ezrouter previous")
    equal(bench.editor.nvim.funcs.line("."), 9, "the last change, around the end")
    bench.editor.go_to(4)
    bench.editor.nvim.command("Ezrouter accept hunk")
    bench.editor.wait("only the other change is marked", lambda: signs(bench)[0] == [9])
    bench.editor.go_to(9)
    bench.editor.nvim.command("Ezrouter reject hunk")
    bench.editor.wait_text(FIRST_HUNK)
    bench.editor.wait("nothing is marked", lambda: signs(bench) == ([], []))
    bench.editor.wait("nothing to review", lambda: status(bench) == "")


@scenario(plugin_bench)
def plugin_accept_and_reject_by_command(bench):
    finish(bench, rewrite(bench), REWRITTEN)
    # From anywhere in the buffer, since there is only one.
    bench.editor.go_to(1)
    bench.editor.nvim.command("Ezrouter accept")
    bench.editor.wait("nothing is marked", lambda: signs(bench) == ([], []))
    bench.editor.nvim.command("Ezrouter reject")
    said(bench, "there is no rewrite to review here")
    bench.editor.undo()
    equal(bench.editor.text(), ORIGINAL, "the text after one undo")
    finish(bench, rewrite(bench), REWRITTEN, jobs=2)
    bench.editor.nvim.command("Ezrouter reject")
    bench.editor.wait_text(ORIGINAL)
    bench.editor.wait("nothing is marked", lambda: signs(bench) == ([], []))
    # To reject is an edit of its own, which undo takes back.
    bench.editor.undo()
    equal(bench.editor.text(), REWRITTEN, "the text after an undo of the rejection")


@scenario(plugin_bench)
def plugin_parked_result_is_told_and_applied(bench):
    exchange = rewrite(bench, last=6)
    exchange.release(3)
    bench.editor.wait_line(FIRST)
    bench.editor.append("    print(message)", "  # keep")
    exchange.release_all()
    bench.editor.wait_end()
    told = said(bench, "use an f-string: ")
    print(f"    told: {told}")
    bench.editor.wait("to review", lambda: status(bench) == "1 to review")
    bench.editor.go_to(4)
    bench.editor.nvim.command("Ezrouter apply")
    bench.editor.wait_line(SECOND)
    text = bench.editor.text()
    true("    print(message)  # keep\n" in text, f"what the user typed is lost: {text!r}")
    equal(text.count(FIRST), 1, f"the first line is there once: {text!r}")
    bench.editor.wait("nothing to review", lambda: status(bench) == "" and signs(bench) == ([], []))


@scenario(plugin_bench)
def plugin_retry_and_diff_by_command(bench):
    finish(bench, rewrite(bench), REWRITTEN)
    bench.editor.go_to(4)
    bench.editor.nvim.command("Ezrouter diff")
    bench.editor.wait_document("--- a/greet.py\n")
    equal(bench.editor.lua("return #vim.api.nvim_list_wins()"), 2, "the number of windows")
    bench.editor.nvim.command("close")
    again = bench.gateway.script('    print(f"Hello, {name}")')
    bench.editor.nvim.command("4Ezrouter retry in one line")
    true(again.wait_request(), "no second request reached the gateway")
    true("in one line" in again.request["messages"][-1]["content"], "the new words are not sent")
    finish(bench, again, ORIGINAL.replace(OLD, '    print(f"Hello, {name}")\n'), jobs=2)


@scenario(plugin_bench)
def plugin_rewrite_of_a_hidden_buffer(bench):
    exchange = rewrite(bench)
    exchange.release(3)
    bench.editor.wait_line(FIRST)
    bench.editor.open("notes.md", "# Notes\n")
    exchange.release(2)
    bench.editor.wait("the second line", lambda: SECOND in bench.editor.lua("return vim.fn.getbufline('greet.py', 1, '$')"))
    exchange.release_all()
    bench.editor.wait_end()
    equal(bench.editor.text(), "# Notes\n", "the text of the other buffer")
    equal(bench.editor.lua("return #vim.api.nvim_list_wins()"), 1, "the number of windows")
    bench.editor.nvim.command("buffer greet.py")
    equal(bench.editor.text(), REWRITTEN, "the text after the end")
    bench.editor.undo()
    equal(bench.editor.text(), ORIGINAL, "the text after one undo")


@scenario(plugin_bench)
def plugin_file_is_read_anew_meanwhile(bench):
    """As after a formatter: the text is the same, and no mark in it is left."""
    exchange = rewrite(bench)
    exchange.release(3)
    bench.editor.wait_line(FIRST)
    bench.editor.nvim.command("silent write")
    bench.editor.nvim.command("silent edit!")
    bench.editor.wait("ezrouter is attached", lambda: bench.editor.lua("return H.client('ezrouter') ~= nil"))
    finish(bench, exchange, REWRITTEN)
    bench.editor.nvim.command("Ezrouter reject")
    bench.editor.wait_text(ORIGINAL)
    bench.editor.wait("nothing is marked", lambda: signs(bench) == ([], []))


@scenario(plugin_bench)
def plugin_buffer_without_a_name(bench):
    bench.editor.nvim.command("set filetype=python")
    bench.editor.nvim.current.buffer[:] = ORIGINAL.splitlines()
    exchange = bench.gateway.script(*DELTAS)
    bench.editor.nvim.command("4,5Ezrouter rewrite shorter")
    true(exchange.wait_request(), "no request reached the gateway")
    buffers = bench.editor.lua("return #vim.api.nvim_list_bufs()")
    finish(bench, exchange, REWRITTEN)
    bench.editor.undo()
    equal(bench.editor.text(), ORIGINAL, "the text after one undo")
    equal(bench.editor.lua("return #vim.api.nvim_list_bufs()"), buffers, "the number of buffers")


@scenario(plugin_bench)
def plugin_another_server_is_slow_to_start(bench):
    """It opens the buffer when ours already knows a change of it. Neovim 0.10 then counts its versions from 0 again."""
    bench.editor.open("greet.py", "# about\n" + ORIGINAL)
    bench.editor.nvim.command("1delete")
    bench.editor.serve("slow")
    exchange = rewrite(bench)
    finish(bench, exchange, REWRITTEN)
    bench.editor.undo()
    equal(bench.editor.text(), ORIGINAL, "the text after one undo")


@scenario(plugin_bench)
def plugin_messages_go_where_the_user_has_them(bench):
    """Whole to a `vim.notify` of one's own; over the text where there is no line for them."""
    bench.editor.open("greet.py", ORIGINAL)
    bench.editor.lua("vim.notify = function(text, ...) if text:find('nonsense') then H.notified = { text, ... } end end")
    bench.editor.nvim.command("Ezrouter nonsense")
    bench.editor.wait("the notification", lambda: bench.editor.lua("return H.notified ~= nil"))
    text, level, options = bench.editor.lua("return H.notified")
    equal((level, options), (4, {"title": "ezrouter"}), "level and title")
    true(len(text) > 100, f"not the whole: {text!r}")
    bench.editor.lua("vim.notify = H.notify vim.o.cmdheight = 0")
    bench.editor.nvim.command("Ezrouter nonsense")
    wait_float(bench, "there is no `:Ezrouter nonsense`")
    equal(bench.editor.nvim.request("nvim_get_mode")["blocking"], False, "whether it waits for a key")


@scenario(plugin_bench)
def plugin_narrow_screen(bench):
    """Where the line for messages has no room for one, it does not make Neovim wait for a key."""
    bench.editor.open("greet.py", ORIGINAL)
    said(bench, "ezrouter sends the text that you ask about")
    bench.editor.nvim.ui_try_resize(12, 6)
    bench.editor.wait("a narrow screen", lambda: bench.editor.nvim.options["columns"] == 12)
    bench.editor.lua("require('ezrouter.command').run({ args = 'nonsense' })")
    wait_float(bench, "there i")
    exchange = bench.gateway.script("It greets.")
    bench.editor.nvim.command("4,5Ezrouter ask what is this")
    true(exchange.wait_request(), "no request reached the gateway")
    exchange.release_all()
    bench.editor.wait_end()
    bench.editor.wait("the answer", lambda: any("It greets." in text for text in bench.editor.lua("return H.texts()")))


@scenario(plugin_bench)
def plugin_text_that_no_server_has_is_said_so(bench):
    bench.editor.open("greet.py", ORIGINAL)
    for words in ("help", "enew | set buftype=nofile", "copen"):
        bench.editor.nvim.command(words)
        for subcommand in ("ask why", "request ask why"):
            bench.editor.lua("require('ezrouter.message').history = {}")
            bench.editor.nvim.command(f"Ezrouter {subcommand}")
            said(bench, "this buffer is no file")
    equal([request for request in bench.gateway.requests if request["method"] == "POST"], [], "what was sent")


@scenario(plugin_bench)
def plugin_answer_whose_buffer_is_deleted_is_gone(bench):
    exchange = bench.gateway.script("It", " greets")
    command(bench, "4,5Ezrouter ask what is this")
    true(exchange.wait_request(), "no request reached the gateway")
    exchange.release(1)
    wait_float(bench, "It")
    bench.editor.nvim.command("bdelete")
    exchange.release_all()
    bench.editor.wait_end()
    bench.editor.nvim.command("Ezrouter answer")
    said(bench, "there is no answer to show here")
    equal(float_text(bench), "", "what shows of half an answer")


ANSWERS_IN_A_DOCUMENT = "require('ezrouter').setup({ settings = { answer = { show = 'document' } } })"


@scenario(functools.partial(plugin_bench, set_up=ANSWERS_IN_A_DOCUMENT))
@scenario(
    functools.partial(plugin_bench, set_up=ANSWERS_IN_A_DOCUMENT, old=True),
    "plugin_in_neovim_0_10_answer_in_a_document_is_one_step_of_undo",
)
def plugin_answer_in_a_document_is_one_step_of_undo(bench):
    """The text that is asked about is in another document, and nothing of it gets into this one."""
    bench.editor.open("greet.py", "import os\n" * 30 + ORIGINAL)
    exchange = bench.gateway.script("One\n", "Two\n", "Three\n", "Four")
    bench.editor.nvim.command("34,35Ezrouter ask what is this")
    true(exchange.wait_request(), "no request reached the gateway")
    exchange.release(2)
    bench.editor.turn_to_conversation()
    bench.editor.wait_line("One")
    bench.editor.type("<Esc>ggO# mine<Esc>")
    bench.editor.wait_line("# mine")
    exchange.release_all()
    bench.editor.wait_end()
    true("One\nTwo\nThree\nFour\n" in bench.editor.text(), bench.editor.text())
    bench.editor.undo()
    lines = bench.editor.text().split("\n")
    true("One" not in lines and '    message = "Hello, " + name' not in lines, f"after one undo: {lines}")
    true("# mine" in lines and "## You" in lines, f"after one undo: {lines}")


@scenario(functools.partial(plugin_bench, set_up="""
    vim.lsp.config('ezrouter', { settings = { ezrouter = { model = 'another-model' } }, root_markers = { 'nothing' } })
    require('ezrouter').setup({ review = { signs = false } })
"""))
def plugin_options_and_neovims_own_configuration_hold_together(bench):
    exchange = rewrite(bench)
    equal(exchange.request["model"], "another-model", "the model of the request")
    equal(bench.editor.lua("return H.client('ezrouter').config.root_markers"), ["nothing"], "the root markers")
    finish(bench, exchange, REWRITTEN)
    equal(signs(bench)[0], [], "the signs")
    bench.editor.undo()
    equal(bench.editor.text(), ORIGINAL, "the text after one undo")


@scenario(plugin_bench)
def plugin_cursor_stays_with_its_text(bench):
    exchange = rewrite(bench)
    bench.editor.type("<Esc>10G$")
    bench.editor.lua("vim.cmd.split()")
    bench.editor.type("<Esc>1G03l")
    exchange.release(3)
    bench.editor.wait_line(FIRST)
    finish(bench, exchange, REWRITTEN)
    cursors = bench.editor.lua(
        "return vim.tbl_map(function(window) return vim.api.nvim_win_get_cursor(window) end, vim.api.nvim_list_wins())"
    )
    equal(cursors, [[1, 3], [11, 0]], "the cursors of both windows")


@scenario(plugin_bench)
def plugin_edits_for_other_text_are_refused(bench):
    """What a server may get wrong: the version, a buffer that cannot be changed, a document that is not there."""
    exchange = rewrite(bench)
    exchange.release(3)
    bench.editor.wait_line(FIRST)
    before = bench.editor.text()
    answers = bench.editor.lua(
        """
        local client = H.client('ezrouter')
        local take, context = client.handlers['ezrouter/applyEdit'], { client_id = client.id, bufnr = 0 }
        local uri, version = vim.uri_from_bufnr(0), vim.lsp.util.buf_versions[vim.api.nvim_get_current_buf()]
        local function edit(uri, version, job)
          local range = { start = { line = 0, character = 0 }, ['end'] = { line = 0, character = 0 } }
          local document = { uri = uri, version = version }
          return { job = job or '000000', seq = 1, phase = 'next', edit = { textDocument = document, edits = { { range = range, newText = 'x' } } } }
        end
        local job = next(require('ezrouter').jobs()):match(':(.*)')
        local answers = {}
        for _, params in ipairs({
          edit(uri, version - 1, job), edit(uri, version + 1, job), edit(uri, vim.NIL, job), edit(uri, version, 'none'),
          edit('file:///nowhere.py', version, job), edit('', version, job), {}, { job = 7 }, { job = job, edit = 'x' },
          vim.NIL,
        }) do
          table.insert(answers, take(nil, params, context).applied)
        end
        vim.bo.modifiable = false
        table.insert(answers, take(nil, edit(uri, version, job), context).applied)
        vim.bo.modifiable = true
        return answers
        """
    )
    equal(answers, [False] * 11, "what was answered")
    equal(bench.editor.text(), before, "the text")
    finish(bench, exchange, REWRITTEN)


@scenario(plugin_bench)
def plugin_odd_messages_are_logged_and_nothing_else(bench):
    finish(bench, rewrite(bench), REWRITTEN)
    bench.editor.lua(
        """
        local client = H.client('ezrouter')
        local context = { client_id = client.id, bufnr = 0 }
        local odd = { {}, { job = 7 }, { job = 'x' }, { job = 'x', uri = 3, state = 'done' }, { job = 'x', uri = '', state = 'gone' }, 'words', 3, true }
        for _, params in ipairs(odd) do
          client.handlers['ezrouter/job'](nil, params, context)
          client.handlers['ezrouter/answer'](nil, params, context)
          client.handlers['window/showMessage'](nil, params, context)
        end
        client.handlers['ezrouter/job'](nil, nil, context)
        local far = { start = { line = 9999, character = 9999 }, ['end'] = { line = 99999, character = 0 } }
        local job = { job = 'far', kind = 'rewrite', uri = vim.uri_from_bufnr(0), range = far, state = 'pending' }
        client.handlers['ezrouter/job'](nil, job, context)
        job.state = 'done'
        client.handlers['ezrouter/job'](nil, job, context)
        """
    )
    bench.editor.wait("nothing waits for a key", lambda: True)
    true("Error" not in bench.editor.messages(), bench.editor.messages())
    equal(bench.editor.text(), REWRITTEN, "the text")


@scenario(plugin_bench)
def plugin_model_is_completed_chosen_and_sent(bench):
    command(bench, "normal! gg")
    models = bench.editor.wait("the catalog", lambda: bench.editor.nvim.funcs.getcompletion("Ezrouter model ", "cmdline"))
    equal(models, [MODEL], "the completion of models")
    names = bench.editor.nvim.funcs.getcompletion("4,5Ezrouter re", "cmdline")
    equal(names, ["reject", "request", "retry", "rewrite"], "the completion of subcommands")
    for name in ("Ezrouter", "Ezr"):
        equal(bench.editor.nvim.funcs.getcompletion(f"{name} accept h", "cmdline"), ["hunk"], "the completion of accept")
    bench.editor.lua("H.choose(...)", MODEL)
    bench.editor.nvim.command("Ezrouter model")
    equal(bench.editor.wait("the menu", lambda: bench.editor.lua("return H.menu")), [MODEL], "the models to choose from")
    said(bench, f"{MODEL} answers from now on")
    bench.editor.nvim.command("Ezrouter model other-model")
    said(bench, "other-model")
    equal(rewrite(bench).request["model"], "other-model", "the model of the next request")


@scenario(plugin_bench)
def plugin_request_shows_what_would_be_sent(bench):
    command(bench, "4,5Ezrouter request rewrite shorter")
    bench.editor.wait_document("/v1/chat/completions")
    shown = next(text for text in bench.editor.lua("return H.texts()") if "/v1/chat/completions" in text)
    true("shorter" in shown and "sk-test" not in shown, shown)
    equal(bench.editor.lua("return #vim.api.nvim_list_wins()"), 2, "the number of windows")
    equal([request for request in bench.gateway.requests if request["method"] == "POST"], [], "what was sent")


@scenario(plugin_bench)
def plugin_chat_in_a_document(bench):
    command(bench, "Ezrouter chat")
    bench.editor.wait("the conversation", lambda: bench.editor.nvim.funcs.expand("%:p").endswith(".md"))
    equal(bench.editor.lua("return #vim.api.nvim_list_wins()"), 2, "the number of windows")
    bench.editor.wait("ezrouter is attached", lambda: bench.editor.lua("return H.client('ezrouter') ~= nil"))
    bench.editor.type("Gowhat is a greeting?<Esc>")
    bench.editor.wait_line("what is a greeting?")
    before = bench.editor.text()
    exchange = bench.gateway.script("A word", " that\n", "opens.")
    bench.editor.nvim.command("Ezrouter send")
    true(exchange.wait_request(), "no request reached the gateway")
    true("what is a greeting?" in exchange.request["messages"][-1]["content"], "what was written is not sent")
    exchange.release_all()
    bench.editor.wait_line("A word that")
    bench.editor.wait_line("opens.")
    bench.editor.wait_end()
    equal(bench.editor.lua("return #vim.api.nvim_list_wins()"), 2, "the number of windows, none for the answer")
    equal(signs(bench), ([], []), "what is marked")
    bench.editor.undo()
    equal(bench.editor.text(), before, "the text after one undo")
    bench.editor.nvim.command("Ezrouter new")
    said(bench, "a new conversation begins")


@scenario(plugin_bench)
def plugin_usage_and_status(bench):
    finish(bench, rewrite(bench), REWRITTEN)
    command(bench, "Ezrouter usage")
    wait_float(bench, MODEL)
    row = next(line.split() for line in float_text(bench).splitlines() if MODEL in line)
    equal(row[1:], [MODEL, "1", "900", "600", "40"], "the row of the model")
    bench.editor.type("q")
    bench.editor.wait("the window is closed", lambda: float_text(bench) == "")
    command(bench, "Ezrouter status")
    wait_float(bench, "Neovim")
    true("sk-test" not in float_text(bench), "the key is shown")


@scenario(plugin_bench)
def plugin_error_is_one_line_and_whole_in_messages(bench):
    bench.gateway.refuse(401, failure("authentication_error", "Invalid token (request id: e1)", "invalid_api_key"))
    command(bench, "4,5Ezrouter rewrite shorter")
    bench.editor.wait_end()
    whole = said(bench, "EZROUTER_API_KEY")
    # A new user is told more than that.
    shown = [line for line in bench.editor.messages().splitlines() if line.strip() and "ezrouter sends" not in line]
    true(shown and all(len(line) < 80 for line in shown), f"too long for the screen: {shown}")
    equal(len(shown), 1, f"the number of messages: {shown}")
    bench.editor.nvim.command("Ezrouter messages")
    wait_float(bench, whole[:40])
    bench.editor.type("q")
    bench.editor.wait("the window is closed", lambda: float_text(bench) == "")
    equal(bench.editor.text(), ORIGINAL, "the text")
    equal(signs(bench), ([], []), "what is marked")
    bench.editor.nvim.command("Ezrouter nonsense")
    said(bench, "there is no `:Ezrouter nonsense`")


@contextlib.contextmanager
def unlogged_bench(tools, directory, debounce):
    """With the server's own binary, which answers on the command line too."""
    set_up = f"require('ezrouter').setup({{ cmd = {{ '{tools.server}', '--stdio' }} }})"
    with plugin_bench(tools, directory, debounce, set_up=set_up) as bench:
        yield bench


@scenario(unlogged_bench)
def plugin_health(bench):
    command(bench, "silent checkhealth ezrouter")
    text = bench.editor.text()
    for part in ("ezrouter-lsp 0.", "base URL", "client 1 serves 1 buffer"):
        true(part in text, f"no {part!r} in {text}")
    true("was not set up by the plugin" not in text, text)


@contextlib.contextmanager
def elsewhere_bench(tools, directory, debounce):
    """The server is where only Neovim's own configuration says, and `cmd` of the plugin names nothing."""
    set_up = f"vim.g.ezrouter = {{ cmd = {{ 'no-such-server' }} }} vim.lsp.config('ezrouter', {{ cmd = {{ '{tools.server}', '--stdio' }} }}) vim.lsp.enable('ezrouter')"
    with plugin_bench(tools, directory, debounce, set_up=set_up) as bench:
        yield bench


@scenario(elsewhere_bench)
def plugin_health_looks_at_the_server_in_force(bench):
    command(bench, "silent checkhealth ezrouter")
    text = bench.editor.text()
    true("ezrouter-lsp 0." in text and "no-such-server" not in text, text)


@scenario(functools.partial(plugin_bench, set_up="vim.g.ezrouter = { cmd = 'ezrouter-lsp' }"))
def plugin_health_names_a_command_that_is_no_list(bench):
    bench.editor.nvim.command("silent checkhealth ezrouter")
    text = bench.editor.text()
    true("`cmd` names no program" in text, text)


ODD_OPTIONS = "{ answer = 7, settings = 'x', colour = true, review = { signs = 'no', hints = false }, root_markers = { '.git' } }"


@scenario(functools.partial(plugin_bench, set_up=f"require('ezrouter').setup({ODD_OPTIONS})"))
def plugin_options_that_are_none_are_named_and_the_rest_is_used(bench):
    named = ["`answer` is a number, where a table is wanted", "`colour` is no option", "`review.signs` is a string", "`settings` is a string"]
    for one in named:
        said(bench, one)
    exchange = rewrite(bench)
    finish(bench, exchange, REWRITTEN)
    bench.editor.wait("the new lines are marked", lambda: signs(bench)[0])
    equal(bench.editor.lua("return require('ezrouter.config').get().review.hints"), False, "an option beside a wrong one")
    bench.editor.nvim.command("silent checkhealth ezrouter")
    text = bench.editor.text()
    for one in named:
        true(one in text, f"no {one!r} in {text}")


NO_SERVER = functools.partial(plugin_bench, set_up="require('ezrouter').setup({ cmd = { 'no-such-server' } })")


@scenario(NO_SERVER)
def plugin_without_a_server_says_what_to_do(bench):
    (bench.editor.project / "greet.py").write_text(ORIGINAL)
    bench.editor.nvim.command("silent edit greet.py")
    bench.editor.nvim.command("4,5Ezrouter ask why")
    said(bench, "no-such-server is not on PATH")
    bench.editor.nvim.command("silent checkhealth ezrouter")
    text = bench.editor.text()
    true("no-such-server is not on PATH" in text and "cargo install" in text, text)


@scenario(functools.partial(plugin_bench, set_up=""), name="plugin_starts_the_server_where_it_is_used")
def plugin_starts_the_server_where_it_is_used(bench):
    (bench.editor.project / "greet.py").write_text(ORIGINAL)
    bench.editor.nvim.command("silent edit greet.py")
    equal(bench.editor.lua("return H.client('ezrouter') == nil"), True, "no server before the first use")
    exchange = bench.gateway.script(*DELTAS, gated=False)
    bench.editor.nvim.command("4,5Ezrouter rewrite shorter")
    true(exchange.wait_request(), "no request reached the gateway")
    bench.editor.wait_text(REWRITTEN)


@scenario(functools.partial(plugin_bench, set_up=None))
def plugin_is_loaded_late_as_its_readme_tells_for_lazy_nvim(bench):
    """What a plugin manager calls after the clone, perhaps long after the start."""
    readme = (PLUGIN / "README.md").read_text()
    block = next(block for block in readme.split("```lua\n") if "config = function(plugin)" in block).partition("```")[0]
    equal(bench.editor.nvim.funcs.exists(":Ezrouter"), 0, "whether the command is there before")
    bench.editor.lua("local dir, block = ... load('return ' .. block)().config({ dir = dir })", str(PLUGIN.parent.parent), block)
    exchange = bench.gateway.script(*DELTAS, gated=False)
    command(bench, "4,5Ezrouter rewrite shorter")
    true(exchange.wait_request(), "no request reached the gateway")
    bench.editor.wait_text(REWRITTEN)


@scenario(plugin_bench)
def plugin_files_load_and_keep_to_their_form(bench):
    """Each Lua file loads by itself, the help has no tag twice, and the linter has nothing to say."""
    for path in sorted(PLUGIN.rglob("*.lua")):
        problem = bench.editor.lua("local _, problem = loadfile(...) return problem", str(path))
        equal(problem, None, f"what Neovim says of {path.name}")
    modules = sorted(path.stem for path in (PLUGIN / "lua" / "ezrouter").glob("*.lua"))
    for module in modules:
        # Each alone, so that no order of loading is taken for granted.
        code = "for name in pairs(package.loaded) do if name:match('^ezrouter') then package.loaded[name] = nil end end return (pcall(require, ...))"
        equal(bench.editor.lua(code, "ezrouter" if module == "init" else f"ezrouter.{module}"), True, f"whether {module} loads alone")
    copy = bench.directory / "doc"
    shutil.copytree(PLUGIN / "doc", copy, ignore=shutil.ignore_patterns("tags"))
    bench.editor.nvim.command(f"helptags {copy}")
    tags = (copy / "tags").read_text().splitlines()
    true(any(tag.startswith("ezrouter.txt\t") for tag in tags), "no tag for the help itself")
    help_text = (copy / "ezrouter.txt").read_text()
    for name in bench.editor.nvim.funcs.getcompletion("Ezrouter ", "cmdline"):
        true(f"Ezrouter {name}" in help_text, f"the help does not tell of :Ezrouter {name}")
    ended = subprocess.run(["luacheck", "--no-color", "-q", "."], cwd=PLUGIN, capture_output=True, text=True)
    equal(ended.returncode, 0, f"luacheck: {ended.stdout}{ended.stderr}")
    if shutil.which("stylua") is None:
        # No registry that the tests may use has it; the file that configures it is for whoever does.
        print("    stylua is not installed: the layout of the Lua files was not checked")
        return
    ended = subprocess.run(["stylua", "--check", "."], cwd=PLUGIN, capture_output=True, text=True)
    equal(ended.returncode, 0, f"stylua: {ended.stdout}{ended.stderr}")


# The plugin is for Neovim 0.10 too, where it starts the server itself.
old_bench = functools.partial(plugin_bench, old=True, set_up="require('ezrouter').setup()")
for one in [one for one in SCENARIOS if one.kind is plugin_bench]:
    scenario(old_bench, one.name.replace("plugin_", "plugin_in_neovim_0_10_"))(one.run)

# With the plugin an answer has a window of its own, so the first window over the others is not the hover; and an error is
# told in the plugin's own way.
DIFFERENT = ("ask_follow_up_sends_the_conversation", "wrong_key_is_one_short_error_and_changes_nothing")
beside_it = functools.partial(plugin_bench, set_up="require('ezrouter').setup({ answer = { focus = false } })")

# What else holds without the plugin holds with it.
for one in [one for one in SCENARIOS if one.kind is neovim_bench and one.debounce is None and one.name not in DIFFERENT]:
    scenario(beside_it, f"plugin_{one.name}")(one.run)
