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

from scenario import Failure

HERE = pathlib.Path(__file__).resolve().parent
CONFIGURATION = HERE.parent.parent / "editors" / "neovim.lua"

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
    leaves Neovim's own (150). `settings` are those of our server, as a user writes them into the configuration.
    """

    def __init__(self, tools, server, directory, environment, debounce=None, settings=None):
        self.directory = directory
        self.traffic = directory / "traffic.log"
        self.server_log = directory / "server.log"
        self.project = directory / "project"
        self.project.mkdir()
        (self.project / ".git").mkdir()
        variables = self._variables(tools, environment)
        self._wrap(server, variables)
        initialisation = self._initialisation(debounce, settings)
        arguments = [str(tools / "bin" / "nvim"), "--embed", "--headless", "-u", str(initialisation), "-i", "NONE", "-n"]
        assignments = [f"{name}={value}" for name, value in variables.items()]
        self.nvim = pynvim.attach("child", argv=["env", "-i", "-C", str(self.project), *assignments, *arguments])
        self._process = self.nvim.funcs.getpid()
        self._lifetime = threading.Timer(LIFETIME_SECONDS, self.kill)
        self._lifetime.daemon = True
        self._lifetime.start()
        # A screen of the usual size: without one Neovim never shows the prompts that stop real users.
        self.nvim.ui_attach(80, 24, rgb=True, ext_linegrid=True)

    def _initialisation(self, debounce, settings):
        """Writes the init.lua: the configuration that users paste, the other server, and the harness."""
        second = [sys.executable, str(HERE / "second_server.py"), str(self.directory / "second.log")]
        command = ", ".join(f"[[{part}]]" for part in second)
        lines = [
            f"dofile([[{HERE / 'harness.lua'}]])",
            f"dofile([[{CONFIGURATION}]])",
            f"vim.lsp.config.second = {{ cmd = {{ {command} }}, root_markers = {{ '.git' }} }}",
            "vim.lsp.enable('second')",
        ]
        if debounce is not None:
            lines.append(f"vim.lsp.config('ezrouter', {{ flags = {{ debounce_text_changes = {debounce} }} }})")
        if settings is not None:
            ours = f"vim.json.decode([[{json.dumps(settings)}]])"
            lines.append(f"vim.lsp.config('ezrouter', {{ settings = {{ ezrouter = {ours} }} }})")
        path = self.directory / "init.lua"
        path.write_text("\n".join(lines) + "\n")
        return path

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

    def undo(self):
        """Presses u once."""
        self.normal_mode()
        before = self.nvim.funcs.changenr(), self.text()
        self.type("u")
        self.wait("an undo", lambda: (self.nvim.funcs.changenr(), self.text()) != before)

    def undo_until(self, text, most):
        """Presses u until the buffer is `text`; gives how often, and fails after `most`."""
        for presses in range(1, most + 1):
            self.undo()
            if self.text() == text:
                return presses
        raise Failure(f"{most} undos did not give the text back\n  expected {text!r}\n  found    {self.text()!r}")

    # Language servers

    def menu(self, prefix=""):
        """Opens the code action menu where the cursor or the selection is and picks the title that begins with
        `prefix`, or nothing; gives the titles of the menu."""
        self.lua("H.choose(...) vim.lsp.buf.code_action()", prefix)
        titles = self.wait("the code action menu", lambda: self.lua("return H.menu"))
        if not any(title.startswith(prefix) for title in titles):
            raise Failure(f"no {prefix!r} in the menu: {titles}")
        return titles

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
