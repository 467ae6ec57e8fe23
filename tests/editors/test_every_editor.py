"""Scenarios that are played alike in a real Neovim, a real Helix and a real Emacs, by the same hands and without a plugin.
Emacs takes edits for older text, so there a result arrives as one edit at its end, and nothing is to be seen before."""

import contextlib

from emacs import Emacs
from helix import Helix
from neovim import Neovim
from scenario import Bench, equal, scenario, true, wait_kept
from test_emacs import emacs_bench
from test_helix import helix_bench
from test_neovim import DELTAS, FIRST, OLD, ORIGINAL, REWRITTEN, SECOND, neovim_bench
from undo_table import measured

BENCHES = {"neovim": neovim_bench, "helix": helix_bench, "emacs": emacs_bench}
EDITORS = {"neovim": Neovim, "helix": Helix, "emacs": Emacs}
# More presses than any scenario needs.
MOST = 20

# A rewrite of lines 4 to 9 with two hunks: the first line and the last.
HUNKS = (
    '    message = f"Hello, {name}"\n',
    "    print(message)\n    return message\n\n",
    "def leave(name):\n",
    '    print(f"Bye, {name}")',
)
FIRST_HUNK = ORIGINAL.replace('"Hello, " + name', 'f"Hello, {name}"')
BOTH_HUNKS = FIRST_HUNK.replace('"Bye, " + name', 'f"Bye, {name}"')

# A second rewrite, of lines 8 and 9.
BYE = '    print("Bye, " + name)\n'
SAID = '    say(f"Bye, {name}")'
LEAVE = ("def leave(name):\n", "    say(", 'f"Bye, {name}")\n', "    rest", "(name)")
LEFT = f"{SAID}\n    rest(name)\n"

RESTORE = "Restore the text from before the interrupted rewrite"


def in_editors(*editors):
    """Registers a scenario for these editors, or for all."""

    def register(function):
        for editor in reversed(editors or list(BENCHES)):
            scenario(BENCHES[editor], f"{editor}_{function.__name__}")(function)
        return function

    return register


def start(bench, *deltas, title="Simplify", first=4, last=5):
    """Takes an action on lines of the usual file, and waits for the request."""
    exchange = bench.gateway.script(*(deltas or DELTAS))
    if not (bench.editor.project / "greet.py").exists():
        bench.editor.open("greet.py", ORIGINAL)
    bench.editor.choose(first, last, title)
    true(exchange.wait_request(), "no request reached the gateway")
    asked = exchange.request["messages"][-1]["content"]
    true("greet.py (python)" in asked, f"the language is not known: {asked!r}")
    return exchange


def begun(bench, **place):
    """A rewrite whose first line stands in the text, where the editor shows it while it is written."""
    exchange = start(bench, **place)
    exchange.release(3)
    if bench.editor.streams:
        bench.editor.wait_line(FIRST)
    return exchange


def finish(bench, exchange, text, jobs=1):
    """Lets the answer end, and looks at the text."""
    exchange.release_all()
    message = bench.editor.wait_end(jobs)
    true(message.startswith("done"), f"the last progress message is {message!r}")
    equal(bench.editor.text(), text, "the text after the end")


@scenario(neovim_bench, "neovim_the_end_comes_late_debounce_0", debounce=0)
@in_editors()
def the_end_comes_late(bench):
    """The model has said everything, and says only seconds later that this was all: what the editor tells of edits in two
    places, with nothing told right before, must not be taken for the user's hand."""
    exchange = start(bench, *HUNKS, first=4, last=9)
    exchange.release(len(HUNKS))
    if bench.editor.streams:
        bench.editor.wait_line(HUNKS[0].rstrip())
    # The first report may be of the text that has just come.
    bench.editor.wait_report()
    bench.editor.wait_report()
    finish(bench, exchange, BOTH_HUNKS)
    bench.editor.undo()
    equal(bench.editor.text(), ORIGINAL, "the text after one undo")


@in_editors("helix", "emacs")
def typing_above(bench):
    exchange = begun(bench)
    bench.editor.insert_above(1, "# typed above")
    finish(bench, exchange, f"# typed above\n{REWRITTEN}")
    presses = bench.editor.undo_until(f"# typed above\n{ORIGINAL}", MOST)
    measured(bench, "you type above it", "the new text, and what you typed", presses)


@in_editors("helix", "emacs")
def typing_below(bench):
    exchange = begun(bench)
    last = 'leave("all")\n'
    bench.editor.insert_above(bench.editor.line_of(last.rstrip()), "# typed below")

    def with_typed(text):
        return text.replace(last, f"# typed below\n{last}")

    finish(bench, exchange, with_typed(REWRITTEN))
    presses = bench.editor.undo_until(with_typed(ORIGINAL), MOST)
    measured(bench, "you type below it", "the new text, and what you typed", presses)


@in_editors("helix")
def typing_inside_written(bench):
    exchange = begun(bench)
    bench.editor.append(FIRST, "  # mine")
    exchange.release(2)
    bench.editor.wait_line(SECOND)
    finish(bench, exchange, REWRITTEN.replace(FIRST, f"{FIRST}  # mine"))
    presses = bench.editor.undo_until(ORIGINAL, MOST)
    measured(bench, "you type in the new text", "the new text, with what you typed in it", presses)


def park(bench):
    """Types in text that is still to be replaced, and lets the answer end: the text must stay as the user left it."""
    exchange = begun(bench, last=6)
    bench.editor.append("    print(message)", "  # keep")
    left = bench.editor.text()
    exchange.release_all()
    bench.editor.wait_end()
    equal(bench.editor.text(), left, "the text after the end of a parked rewrite")


@in_editors()
def typing_in_waiting(bench):
    park(bench)
    presses = bench.editor.undo_until(ORIGINAL, MOST)
    measured(bench, "you type in text that it was still to replace", "what you typed; it stops editing", presses)


@in_editors("helix", "emacs")
def typing_in_waiting_then_restore(bench):
    park(bench)
    bench.editor.choose(4, 4, "Restore the original")
    bench.editor.wait_text(ORIGINAL.replace("    print(message)\n", "    print(message)  # keep\n"))


@in_editors("helix", "emacs")
def typing_in_waiting_then_apply_the_rest(bench):
    park(bench)
    # Where nothing of it has landed there is no rest.
    bench.editor.choose(4, 4, "Apply")
    bench.editor.wait_line(SECOND)
    text = bench.editor.text()
    true("    print(message)  # keep\n" in text, f"what the user typed is lost: {text!r}")
    equal(text.count(FIRST), 1, f"the first line is there once: {text!r}")


@in_editors("neovim", "helix")
def typing_across_the_end(bench):
    """The user begins to type above it while it runs, and stays in insert mode until it is over."""
    exchange = begun(bench)
    bench.editor.insert_above(1, "# typed", leave=False)
    exchange.release_all()
    message = bench.editor.wait_end()
    true(message.startswith("done"), f"the last progress message is {message!r}")
    bench.editor.normal_mode()
    equal(bench.editor.text(), f"# typed\n{REWRITTEN}", "the text after the end")
    # Neovim takes back what was typed with it.
    presses = bench.editor.undo_until(lambda text: text.removeprefix("# typed\n") == ORIGINAL, MOST)
    measured(bench, "you stay in insert mode across its end", "the new text, and what you typed", presses)


@in_editors("emacs")
def undo_in_mid_stream_is_for_what_was_typed(bench):
    """Nothing of the rewrite is in the text yet, so undo takes back what the user did before, and the rewrite goes on."""
    exchange = begun(bench)
    bench.editor.insert_above(1, "# typed")
    bench.editor.undo_until(ORIGINAL, MOST)
    finish(bench, exchange, REWRITTEN)
    # Right behind an undo Emacs goes on undoing what was before it; any other key ends that.
    bench.editor.keys("C-a")
    bench.editor.undo()
    equal(bench.editor.text(), ORIGINAL, "the text after one undo")


@in_editors()
def reject_one_hunk(bench):
    finish(bench, start(bench, *HUNKS, first=4, last=9), BOTH_HUNKS)
    bench.editor.choose(9, 9, "Reject hunk")
    bench.editor.wait_text(FIRST_HUNK)
    titles = bench.editor.titles(4, 4)
    true("Reject hunk" in titles and "Accept" in titles, f"the first hunk cannot be decided any more: {titles}")
    true("Reject hunk" not in bench.editor.titles(9, 9), "the second hunk can be decided twice")
    presses = bench.editor.undo_until(ORIGINAL, MOST)
    measured(bench, "afterwards you reject one hunk", "the new text without that hunk", presses)


@in_editors()
def accept_one_hunk_and_reject_the_rest(bench):
    finish(bench, start(bench, *HUNKS, first=4, last=9), BOTH_HUNKS)
    bench.editor.choose(4, 4, "Accept hunk")
    bench.editor.choose(9, 9, "Reject")
    bench.editor.wait_text(FIRST_HUNK)


@in_editors()
def two_rewrites_at_once(bench):
    above, below = start(bench), start(bench, *LEAVE, title="Document", first=8, last=9)
    above.release(3)
    below.release(4)
    if bench.editor.streams:
        bench.editor.wait_line(FIRST)
        bench.editor.wait_line(SAID)
    below.release_all()
    bench.editor.wait_end(1)
    finish(bench, above, REWRITTEN.replace(BYE, LEFT), jobs=2)
    bench.editor.undo()
    equal(bench.editor.text(), ORIGINAL.replace(BYE, LEFT), "one undo takes back the one that ended last")
    presses = 1 + bench.editor.undo_until(ORIGINAL, MOST)
    measured(bench, "two rewrites run at once", "both new texts", presses)


@in_editors()
def two_rewrites_at_once_then_reject_each(bench):
    above, below = start(bench), start(bench, *LEAVE, title="Document", first=8, last=9)
    above.release_all()
    below.release_all()
    bench.editor.wait_end(2)
    equal(bench.editor.text(), REWRITTEN.replace(BYE, LEFT), "the text after both ends")
    bench.editor.choose(4, 4, "Reject")
    bench.editor.wait_text(ORIGINAL.replace(BYE, LEFT))
    bench.editor.choose(9, 9, "Reject")
    bench.editor.wait_text(ORIGINAL)


@in_editors()
def retry_after_done(bench):
    finish(bench, start(bench), REWRITTEN)
    again = bench.gateway.script('    print(f"Hello, {name}")')
    bench.editor.choose(4, 4, "Retry")
    true(again.wait_request(), "no second request reached the gateway")
    true(OLD in again.request["messages"][-1]["content"], f"the original is not asked about: {again.request}")
    bench.editor.wait_text(ORIGINAL)
    finish(bench, again, ORIGINAL.replace(OLD, '    print(f"Hello, {name}")\n'), jobs=2)


@in_editors()
def show_diff_after_done(bench):
    finish(bench, start(bench), REWRITTEN)
    bench.editor.choose(4, 4, "Show diff")
    bench.editor.wait_document(
        """\
--- a/greet.py
+++ b/greet.py
@@ -1,8 +1,9 @@
 import os
 
 def greet(name):
-    message = "Hello, " + name
-    print(message)
+    text = f"Hello, {name}"
+    show(text)
+    log(name)
     return message
 
 def leave(name):
"""
    )


@in_editors("neovim", "helix")
def killed_in_mid_stream_the_text_from_before_comes_back(bench):
    begun(bench)
    bench.editor.kill_server()
    bench.editor.start_server_again()
    # The journal is read beside the other work, and may come a moment after the file.
    offered = any(RESTORE in bench.editor.titles(4, 4) for _ in range(10))
    true(offered, "the text from before is not offered")
    bench.editor.choose(4, 4, RESTORE)
    bench.editor.wait_text(ORIGINAL)
    true(RESTORE not in bench.editor.titles(4, 4), "it is offered twice")


@in_editors("emacs")
def killed_in_mid_stream_nothing_has_changed(bench):
    begun(bench)
    bench.editor.kill_server()
    bench.editor.start_server_again()
    equal(bench.editor.text(), ORIGINAL, "the text after the crash")
    true(RESTORE not in bench.editor.titles(4, 5), "a text is offered that stands there")


@in_editors()
def a_conversation_goes_on_when_the_server_was_killed(bench):
    first = start(bench, "It greets.", title="Explain")
    first.release_all()
    bench.editor.wait_end()
    wait_kept(bench.tools.server, bench.directory, "1 turn ")
    bench.editor.kill_server()
    bench.editor.start_server_again()
    second = start(bench, "No bugs.", title="Find bugs", first=8, last=9)
    past, now = first.request["messages"], second.request["messages"]
    equal(now[: len(past)], past, "the beginning of the second request")
    equal(now[len(past)], {"role": "assistant", "content": "It greets."}, "the first answer in the second request")
    equal(len(now), len(past) + 2, "the number of messages")
    second.release_all()
    wait_kept(bench.tools.server, bench.directory, "2 turns")


@in_editors("helix", "emacs")
def cancel_by_command(bench):
    """Both have no key for a cancel of progress; a command can be bound to one."""
    exchange = begun(bench)
    bench.editor.command("ezrouter.cancel")
    true(exchange.wait_closed(), "the gateway did not see the connection close")
    message = bench.editor.wait_end()
    true(message.startswith("cancelled"), f"the last progress message is {message!r}")
    equal(bench.editor.text(), ORIGINAL, "the text after the cancel")


@in_editors("helix", "emacs")
def ask_by_command(bench):
    """Without arguments it is about what is selected: what the list of code actions was last asked for."""
    exchange = bench.gateway.script("It greets.", gated=False)
    bench.editor.open("greet.py", ORIGINAL)
    bench.editor.titles(4, 5)
    bench.editor.command("ezrouter.ask")
    true(exchange.wait_request(), "no request reached the gateway")
    message = bench.editor.wait_end()
    true(message.startswith("done"), f"the last progress message is {message!r}")
    true("lines 4 to 5" in exchange.request["messages"][-1]["content"], f"what was asked: {exchange.request}")


@in_editors("helix", "emacs")
def show_request_by_command(bench):
    """The same for what would be sent, which nothing comes of."""
    bench.editor.open("greet.py", ORIGINAL)
    bench.editor.titles(4, 5)
    bench.editor.command("ezrouter.showRequest")
    bench.editor.wait_document(
        "# Request: Explain\n\n"
        "Nothing has been sent. This is what `ezrouter.ask` would send now about `greet.py`, lines 4 to 5.\n"
    )


# As somebody without a key tries a set-up: the pasted file with the one change that it tells.


def offline_bench(editor):
    """An editor whose server answers from its script, with neither key nor gateway."""

    @contextlib.contextmanager
    def bench(tools, directory, _debounce):
        running = EDITORS[editor](tools.environment, tools.server, directory, {}, offline=True)
        try:
            yield Bench(directory, None, running, tools)
        finally:
            running.close()

    return bench


@scenario(offline_bench("neovim"), "neovim_offline")
@scenario(offline_bench("helix"), "helix_offline")
@scenario(offline_bench("emacs"), "emacs_offline")
def offline(bench):
    bench.editor.open("greet.py", ORIGINAL)
    bench.editor.choose(4, 5, "Simplify")
    message = bench.editor.wait_end()
    true(message.startswith("done"), f"the last progress message is {message!r}")
    true("    # Scripted, no model was asked: " in bench.editor.text(), f"the text is {bench.editor.text()!r}")
    bench.editor.undo()
    equal(bench.editor.text(), ORIGINAL, "the text after one undo")


WORDS = "use an f-string"
WITH_WORDS = ORIGINAL.replace('    message = "Hello', f'    # ez! {WORDS}\n    message = "Hello')


@in_editors()
def an_instruction_in_a_comment_goes_away_with_its_rewrite(bench):
    """Free words where an editor has no input box: the selection is the comment and the line that it is about."""
    bench.editor.open("greet.py", WITH_WORDS)
    exchange = start(bench, *HUNKS[:1], title=f"ez! {WORDS}", first=4, last=5)
    asked = exchange.request["messages"][-1]["content"]
    true(WORDS in asked and "ez!" not in asked, f"the directive went along: {asked!r}")
    finish(bench, exchange, FIRST_HUNK)
    bench.editor.undo()
    equal(bench.editor.text(), WITH_WORDS, "the text after one undo")
