"""A real Neovim with the configuration that users paste, driven from outside: keys typed, menus picked, text read.
Nothing here knows a scenario; waits are conditions with a deadline."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import pynvim

from scenario import Failure, made_offline, undo_until

HERE = pathlib.Path(__file__).resolve().parent
CONFIGURATION = HERE.parent.parent / "editors" / "neovim.lua"
# The plugin, and all that its README tells to write for it.
PLUGIN = HERE.parent.parent / "editors" / "nvim"
PLUGIN_SET_UP = "vim.lsp.enable('ezrouter')"
# What that file tells to change to try it without a key.
ONLINE, OFFLINE = "{ 'ezrouter-lsp', '--stdio' }", "{ 'ezrouter-lsp', '--stdio', '--offline' }"

# Neovim 0.10, below the directory of install.sh.
OLD = "neovim-0.10/nvim"

# One scenario may not take longer than this; then Neovim is ended, and the call that waits for it fails.
LIFETIME_SECONDS = 90
# Between two looks at a condition.
GLANCE_SECONDS = 0.005
# Keys that are typed ahead block Neovim for an instant; a prompt that waits for a person blocks it for longer.
PROMPT_SECONDS = 1.5


class Neovim:
    """One Neovim with two language servers: ours by `vim.lsp.enable`, and the second one.

    `tools` is the environment that install.sh made, `server` the binary, `directory` an empty directory of the
    test, `environment` the variables for our server. `debounce` is Neovim's pause in ms before a `didChange`; None
    leaves Neovim's own (150). `settings` are those of our server, as a user writes them into the configuration;
    `offline` is what that file tells to try it without a key. With `plugin` it is the plugin that is loaded, instead of the
    file; `set_up` is the Lua that its user writes. `old` is the oldest Neovim that the plugin is for.
    """

    streams = True

    def __init__(self, tools, server, directory, environment, debounce=None, settings=None, offline=False, plugin=False, set_up=PLUGIN_SET_UP, old=False):
        self.client = "Neovim plugin" if plugin else "Neovim 0.11" if debounce is None else f"Neovim 0.11, debounce {debounce}"
        self.set_up = set_up
        self.plugin = plugin
        self.directory = directory
        self.traffic = directory / "traffic.log"
        self.server_log = directory / "server.log"
        self.project = directory / "project"
        self.project.mkdir()
        (self.project / ".git").mkdir()
        variables = self._variables(tools, environment)
        self._wrap(server, variables)
        initialisation = self._initialisation(debounce, settings, offline)
        program = tools / OLD if old else tools / "bin" / "nvim"
        if not program.exists():
            raise Failure(f"no Neovim in {program}: run tests/editors/install.sh")
        arguments = [str(program), "--embed", "--headless", "-u", str(initialisation), "-i", "NONE", "-n"]
        assignments = [f"{name}={value}" for name, value in variables.items()]
        self.nvim = pynvim.attach("child", argv=["env", "-i", "-C", str(self.project), *assignments, *arguments])
        self._process = self.nvim.funcs.getpid()
        self._lifetime = threading.Timer(LIFETIME_SECONDS, self.kill)
        self._lifetime.daemon = True
        self._lifetime.start()
        # A screen of the usual size: without one Neovim never shows the prompts that stop real users.
        self.nvim.ui_attach(80, 24, rgb=True, ext_linegrid=True)

    def _initialisation(self, debounce, settings, offline):
        """Writes the init.lua: the configuration that users paste, the other server, and the harness."""
        configuration = CONFIGURATION
        if offline:
            configuration = self.directory / "offline.lua"
            configuration.write_text(made_offline(CONFIGURATION.read_text(), ONLINE, OFFLINE))
        command = ", ".join(f"[[{part}]]" for part in self._second_server("second"))
        ours = f"dofile([[{configuration}]])"
        if self.plugin:
            # As its README tells to do without a plugin manager; with None nothing is done.
            ours = f"vim.opt.runtimepath:append([[{PLUGIN}]]) {self.set_up}" if self.set_up is not None else ""
        lines = [
            f"dofile([[{HERE / 'harness.lua'}]])",
            ours,
            f"H.serve('second', {{ {command} }})",
        ]
        if debounce is not None:
            lines.append(f"vim.lsp.config('ezrouter', {{ flags = {{ debounce_text_changes = {debounce} }} }})")
        if settings is not None:
            ours = f"vim.json.decode([[{json.dumps(settings)}]])"
            lines.append(f"vim.lsp.config('ezrouter', {{ settings = {{ ezrouter = {ours} }} }})")
        path = self.directory / "init.lua"
        path.write_text("\n".join(lines) + "\n")
        return path

    def _second_server(self, name):
        return [sys.executable, str(HERE / "second_server.py"), str(self.directory / f"{name}.log")]

    def _variables(self, tools, environment):
        """An environment of its own: nothing of the machine's Neovim, proxies or keys gets in."""
        home = self.directory / "home"
        variables = {"HOME": str(home), "LANG": "C.UTF-8", "TERM": "xterm-256color"}
        variables["PATH"] = f"{self.directory / 'bin'}:{tools / 'bin'}:/usr/local/bin:/usr/bin:/bin"
        for kind in ("CONFIG", "DATA", "STATE", "CACHE", "RUNTIME"):
            path = home / kind.lower()
            path.mkdir(parents=True, mode=0o700)
            variables[f"XDG_{kind}_{'DIR' if kind == 'RUNTIME' else 'HOME'}"] = str(path)
        variables["EZROUTER_STATE_DIR"] = str(self.directory / "state")
        variables["EZROUTER_CONFIG"] = str(self.directory / "config.toml")
        return {**variables, **environment}

    def _wrap(self, server, variables):
        """Puts an `ezrouter-lsp` on the PATH that is the server with the traffic log before it."""
        wrapper = pathlib.Path(variables["PATH"].split(":")[0]) / "ezrouter-lsp"
        wrapper.parent.mkdir()
        wrapper.write_text(
            f'#!/bin/sh\nexec "{sys.executable}" "{HERE / "tee.py"}" "{self.traffic}" "{server}" "$@" 2>>"{self.server_log}"\n'
        )
        wrapper.chmod(0o755)

    # Basics

    def lua(self, code, *arguments):
        """Runs Lua in Neovim and gives its value."""
        return self.nvim.exec_lua(code, *arguments)

    def wait(self, what, check, seconds=10.0):
        """The first true value of `check()`; fails when there is none in time, or when a prompt blocks Neovim."""
        deadline = time.monotonic() + seconds
        blocked_since = None
        while True:
            # The one request besides typing that Neovim answers while a prompt is open.
            if self.nvim.request("nvim_get_mode")["blocking"]:
                blocked_since = blocked_since or time.monotonic()
                if PROMPT_SECONDS < time.monotonic() - blocked_since:
                    self.nvim.input("<CR>")
                    raise Failure(f"Neovim waited at a prompt instead of this: {what}")
            else:
                blocked_since = None
                if value := check():
                    return value
            if deadline < time.monotonic():
                raise Failure(f"not within {seconds:g} s: {what}")
            time.sleep(GLANCE_SECONDS)

    def open(self, name, text):
        """Writes a file of the project and edits it, with both servers attached."""
        path = self.project / name
        path.write_text(text)
        self.nvim.command(f"edit {path}")
        for client in ("ezrouter", "second"):
            self.wait(f"{client} is attached", lambda client=client: self.lua("return H.client(...) ~= nil", client))

    def text(self):
        """The text of the current buffer, as it would be saved."""
        return "\n".join(self.lua("return vim.api.nvim_buf_get_lines(0, 0, -1, true)")) + "\n"

    def wait_text(self, text, seconds=10.0):
        """Waits until the buffer is exactly `text`."""
        try:
            self.wait("the expected text", lambda: self.text() == text, seconds)
        except Failure as failure:
            raise Failure(f"{failure}\n  expected {text!r}\n  found    {self.text()!r}") from None

    def wait_line(self, line, seconds=10.0):
        """Waits until the buffer has this line."""
        try:
            self.wait(f"a line {line!r}", lambda: line in self.text().split("\n"), seconds)
        except Failure as failure:
            raise Failure(f"{failure}\n  found {self.text()!r}") from None

    def messages(self):
        """What `:messages` shows."""
        return self.nvim.command_output("messages")

    # Hands

    def type(self, keys):
        """Types keys, as a person does; Neovim takes them when it gets to them."""
        while keys:
            taken = self.nvim.input(keys)
            keys = keys.encode()[taken:].decode()

    def normal_mode(self):
        """Leaves whatever mode Neovim is in."""
        self.type("<Esc>")
        self.wait("normal mode", lambda: self.nvim.request("nvim_get_mode")["mode"] == "n")

    def go_to(self, line):
        """Puts the cursor at the start of a line (counted from 1) in normal mode."""
        self.normal_mode()
        self.type(f"{line}G0")
        self.wait(f"the cursor in line {line}", lambda: self.nvim.funcs.line(".") == line)

    def go_to_line(self, line):
        """Puts the cursor at the start of the only line that reads so."""
        lines = self.text().split("\n")
        if lines.count(line) != 1:
            raise Failure(f"{lines.count(line)} lines {line!r} in {self.text()!r}")
        self.go_to(lines.index(line) + 1)

    def select(self, first, last):
        """Selects whole lines with V."""
        self.go_to(first)
        self.type(f"V{last}G")
        self.wait(
            f"lines {first} to {last} selected",
            lambda: (self.nvim.request("nvim_get_mode")["mode"], self.nvim.funcs.line(".")) == ("V", last),
        )

    def insert_above(self, line, text, leave=True):
        """Types a line of its own above a line; with `leave` leaves insert mode."""
        self.go_to(line)
        self.type(f"O{text}{'<Esc>' if leave else ''}")
        self.wait_line(text)

    def append(self, line, text):
        """Types at the end of the only line that reads so."""
        self.go_to_line(line)
        self.type(f"A{text}<Esc>")
        self.wait_line(f"{line}{text}")

    def undo(self):
        """Presses u once."""
        self.normal_mode()
        before = self.nvim.funcs.changenr(), self.text()
        self.type("u")
        self.wait("an undo", lambda: (self.nvim.funcs.changenr(), self.text()) != before)

    def undo_until(self, goal, most):
        """Presses u until the buffer is `goal`, or until that is true of it; gives how often, and fails after `most`."""
        return undo_until(self, goal, most)

    # Language servers

    def menu(self, prefix=""):
        """Opens the code action menu where the cursor or the selection is and picks the title that begins with
        `prefix`, or nothing; gives the titles of the menu."""
        self.lua("H.choose(...) vim.lsp.buf.code_action()", prefix)
        titles = self.wait("the code action menu", lambda: self.lua("return H.menu"))
        if not any(title.startswith(prefix) for title in titles):
            raise Failure(f"no {prefix!r} in the menu: {titles}")
        return titles

    def choose(self, first, last, title):
        """Takes a code action on whole lines."""
        self.select(first, last)
        self.menu(title)
        self.normal_mode()

    def titles(self, first, last):
        """What the menu has there, one title a line."""
        self.select(first, last)
        titles = self.menu()
        self.normal_mode()
        return "\n".join(titles)

    def act(self, title):
        """Takes a code action where the cursor is."""
        self.normal_mode()
        self.menu(title)

    def command(self, name):
        """Runs a command of our server."""
        self.execute(name)

    def turn_to_conversation(self):
        """Waits until a window shows the document of a conversation, goes there, and waits until the server has it."""
        shown = "vim.fn.bufwinid('.ezrouter/conversations/')"
        self.wait("a conversation document", lambda: self.lua(f"return {shown}") != -1)
        self.lua(f"vim.api.nvim_set_current_win({shown})")
        self.wait("ezrouter is attached", lambda: self.lua("return H.client('ezrouter') ~= nil"))

    def type_here(self, text):
        """Types where the cursor is."""
        self.normal_mode()
        self.type(f"i{text}<Esc>")
        self.wait_line(text)

    def menu_by_keys(self, prefix):
        """The same with Neovim's own key and its own menu on the screen."""
        path = self.directory / "menu"
        self.lua("H.write_menu(...)", str(path))
        self.type("gra")
        deadline = time.monotonic() + 10
        # No condition inside Neovim: the menu blocks it, as it should.
        while not (path.exists() and path.read_text().endswith("\n")):
            if deadline < time.monotonic():
                raise Failure("no menu after gra")
            time.sleep(GLANCE_SECONDS)
        titles = path.read_text().splitlines()
        number = next((index for index, title in enumerate(titles, 1) if title.startswith(prefix)), 0)
        self.type(f"{number}<CR>")
        if number == 0:
            raise Failure(f"no {prefix!r} in the menu: {titles}")

    def execute(self, command, **argument):
        """The result of one of our commands."""
        answer = self.lua("return H.execute(...)", command, argument or None)
        if answer.get("err"):
            raise Failure(f"{command} failed: {answer['err']}")
        return answer.get("result")

    def hover(self):
        """The text of the hover at the cursor, of both servers."""
        self.lua("H.close_float() vim.lsp.buf.hover()")
        text = self.wait("a hover", lambda: self.lua("return H.float_text()"))
        self.lua("H.close_float()")
        return text

    def progress(self, kind=None):
        """What our server reported as progress so far, all of it or one kind (begin, report, end)."""
        seen = [entry for entry in self.lua("return H.progress") if entry["client"] == "ezrouter"]
        return [entry for entry in seen if kind is None or entry["kind"] == kind]

    def wait_end(self, count=1, seconds=15.0):
        """Waits until that many jobs have ended; the message of the last one."""
        ends = self.wait(
            f"the end of job {count}",
            lambda: (ends := self.progress("end")) and count <= len(ends) and ends,
            seconds,
        )
        if count < len(ends):
            raise Failure(f"{len(ends)} progress ends where {count} were expected: {ends}")
        return ends[-1].get("message") or ""

    def wait_report(self):
        """Waits until progress is reported once more, which happens once a second while the gateway is silent."""
        seen = len(self.progress("report"))
        self.wait("another report", lambda: seen < len(self.progress("report")))

    def serve(self, name):
        """One more server opens the current buffer, and is there."""
        self.lua("vim.lsp.start({ name = ..., cmd = select(2, ...) }, { bufnr = 0 })", name, self._second_server(name))
        self.wait(f"the server {name}", lambda: self.lua("return H.client(...) ~= nil", name))

    def second_text(self):
        """The text of the current buffer as the second server has it."""
        return self.wait("the second server's text", lambda: self.lua("return H.second_text()"))

    # End

    def server_processes(self):
        """The ids of the process that Neovim started for our server (the traffic log) and of the server below it."""
        found = subprocess.run(
            ["ps", "-o", "pid=,ppid=,args=", "-e"], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        processes = [line.split(None, 2) for line in found]
        tee = next((pid for pid, _, command in processes if str(self.traffic) in command and "tee.py" in command), None)
        return [int(pid) for pid, parent, _ in processes if tee in (pid, parent)] if tee else []

    def wait_document(self, text):
        """Waits until a window shows a document with this text in it."""
        self.wait(f"a document with {text!r}", lambda: any(text in shown for shown in self.lua("return H.texts()")))

    def start_server_again(self):
        """As a user does after the server died: answers the prompt, writes the file and edits it anew."""
        # Neovim tells with a path that makes the message longer than the screen is wide.
        deadline = time.monotonic() + 10
        while not self.nvim.request("nvim_get_mode")["blocking"]:
            if deadline < time.monotonic():
                raise Failure("Neovim does not tell that the server died")
            time.sleep(GLANCE_SECONDS)
        self.type("<CR>")
        self.wait("the dead server is gone", lambda: self.lua("return H.client('ezrouter') == nil"))
        self.nvim.command("silent write")
        self.nvim.command("silent edit")
        self.wait("ezrouter is attached", lambda: self.lua("return H.client('ezrouter') ~= nil"))

    def kill_server(self):
        """Kills the server as a crash does; the traffic log beside it ends by itself."""
        processes = self.server_processes()
        if len(processes) != 2:
            raise Failure(f"the processes of the server are {processes}")
        os.kill(processes[1], signal.SIGKILL)

    def quit(self):
        """Quits Neovim as a user does."""
        with contextlib.suppress(OSError, EOFError):
            self.nvim.command("qall!")

    def kill(self):
        """Ends Neovim whatever it does; the servers end with it. May be called from any thread."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process, signal.SIGKILL)

    def close(self):
        """Ends Neovim if it is still there, and gives back what this program holds of it."""
        self._lifetime.cancel()
        self.kill()
        with contextlib.suppress(Exception):
            self.nvim.close()
