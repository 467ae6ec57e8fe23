"""A real VS Code, headless: code-server in a process group of its own, and Chromium that shows its workbench. What a user does
goes through the keyboard and the mouse of that page; what the editor holds is read through a small extension of the tests."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
import zipfile

from scenario import Failure

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
EXTENSION = ROOT / "editors" / "vscode"
# Pictures are kept here, to be looked at.
PICTURES = pathlib.Path(os.environ.get("EZROUTER_TEST_PICTURES", ROOT / "target" / "pictures"))

# What keeps the workbench quiet, so that nothing lies over what is looked at.
SETTINGS = {
    "chat.disableAIFeatures": True,
    "workbench.startupEditor": "none",
    "workbench.tips.enabled": False,
    "workbench.colorTheme": "Default Dark Modern",
    "remote.autoForwardPorts": False,
    "telemetry.telemetryLevel": "off",
    "extensions.autoUpdate": False,
    "extensions.autoCheckUpdates": False,
    "extensions.ignoreRecommendations": True,
    "update.mode": "none",
    "git.enabled": False,
    "files.autoSave": "off",
    "editor.minimap.enabled": False,
    "window.commandCenter": False,
    # Nothing fades in, so a picture shows what is there.
    "workbench.reduceMotion": "on",
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "comments.openView": "never",
}

CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
]


class Installation:
    """What install.sh has put there."""

    def __init__(self, environment):
        root = environment / "vscode"
        self.node = root / "bin" / "node"
        self.entry = root / "node_modules" / "code-server" / "out" / "node" / "entry.js"
        if not (self.node.exists() and self.entry.exists()):
            raise Failure(f"no code-server in {root}: run tests/editors/install.sh")
        chromium = shutil.which("chromium")
        if chromium is None:
            raise Failure("no chromium on PATH: run tests/editors/install.sh")
        self.chromium = chromium

    def variables(self, directory):
        """The environment of a program: nothing of ours gets in."""
        path = os.pathsep.join([str(self.node.parent), "/usr/local/bin", "/usr/bin", "/bin"])
        return {"PATH": path, "HOME": str(directory), "LANG": "C.UTF-8", "EXTENSIONS_GALLERY": '{"serviceUrl":"http://127.0.0.1:9/"}'}

    def run(self, directory, *words, cwd=None):
        """Runs Node to its end."""
        command = [str(self.node), *map(str, words)]
        variables = {**self.variables(directory), "npm_config_update_notifier": "false"}
        done = subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            raise Failure(f"{' '.join(command[:4])} failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
        return done.stdout

    def install(self, directory, package):
        """Installs an extension the way a user does from a file."""
        self.run(directory, self.entry, *places(directory), "--install-extension", package, "--force")


def places(directory):
    return ["--user-data-dir", str(directory / "user"), "--extensions-dir", str(directory / "extensions")]


def zipped(folder, package):
    """Makes a package of an extension that needs no build."""
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, pathlib.Path("extension") / path.relative_to(folder))
    return package


def packaged(installation, server, directory):
    """Our extension as a user gets it, with the server in it."""
    package = directory / "ezrouter.vsix"
    installation.run(directory, "scripts/package.mjs", "linux-x64", server, package, cwd=EXTENSION)
    return package


def plain(installation, directory, package):
    """A language client that knows nothing of our server, with the client library of our extension in it."""
    folder = directory / "plain"
    shutil.copytree(HERE / "vscode_plain", folder)
    esbuild = EXTENSION / "node_modules" / "esbuild" / "bin" / "esbuild"
    options = ["--bundle", "--platform=node", "--external:vscode", f"--outfile={folder / 'client.cjs'}"]
    variables = {**installation.variables(directory), "NODE_PATH": str(EXTENSION / "node_modules")}
    subprocess.run([esbuild, folder / "client.js", *options, "--log-level=warning"], env=variables, check=True)
    (folder / "client.js").unlink()
    return zipped(folder, package)


class Browser:
    """One Chromium for all workbenches."""

    def __init__(self, chromium):
        from playwright.sync_api import sync_playwright

        self.playwright = sync_playwright().start()
        self.chromium = self.playwright.chromium.launch(executable_path=chromium, args=CHROMIUM)

    def close(self):
        self.chromium.close()
        self.playwright.stop()


class VSCode:
    """One code-server with one workbench open on one folder."""

    client = "VS Code"
    # Rewrites are to be seen while they are written.
    streams = True
    # Where the scenario's own files are, in the project.
    folder = "."

    def __init__(self, installation, browser, directory, packages, environment, settings=None, machine=None, files=None, trusted=True):
        self.installation = installation
        self.directory = directory
        self.project = directory / "project"
        self.project.mkdir(parents=True, exist_ok=True)
        for name, text in (files or {}).items():
            path = self.project / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        # What only a machine can say is read from a file of its own where the editor runs on a server.
        for place, values in (("User", {**SETTINGS, **(settings or {})}), ("Machine", machine or {})):
            profile = directory / "user" / place
            profile.mkdir(parents=True, exist_ok=True)
            (profile / "settings.json").write_text(json.dumps(values))
        driver = zipped(HERE / "vscode_driver", directory / "driver.vsix")
        for package in [*packages, driver]:
            installation.install(directory, package)
        self.port_file = directory / "driver.port"
        self.log = open(directory / "code-server.log", "w")
        self.port = free_port()
        trust = ["--disable-workspace-trust"] if trusted else []
        self.process = subprocess.Popen(
            [str(installation.node), str(installation.entry), *places(directory), *trust]
            + ["--auth", "none", "--bind-addr", f"127.0.0.1:{self.port}", "--disable-telemetry", "--disable-update-check"]
            + [str(self.project)],
            env={**installation.variables(directory), "EZROUTER_TEST_DRIVER": str(self.port_file), **environment},
            stdout=self.log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.page = None
        try:
            self._open(browser)
        except BaseException:
            self.close()
            raise

    def _open(self, browser):
        address = f"http://127.0.0.1:{self.port}"
        self.until("code-server is up", lambda: answers(f"{address}/healthz"), 30)
        self.context = browser.chromium.new_context(viewport={"width": 1280, "height": 800}, ignore_https_errors=False)
        self.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address)
        self.page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.page.goto(f"{address}/?folder={self.project}")
        self.page.wait_for_selector(".monaco-workbench", timeout=60_000)
        self.until("the driver is there", self.port_file.exists, 60)
        self.driver = f"http://127.0.0.1:{self.port_file.read_text()}"

    def close(self):
        """Ends it, with the extension host and the server, which would live on for hours."""
        with contextlib.suppress(Exception):
            if self.page is not None:
                self.context.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.log.close()

    # Looking

    def js(self, code, argument=None):
        """Runs code in the extension host, with `vscode` and `argument` in scope."""
        data = json.dumps({"code": code, "argument": argument}).encode()
        try:
            with urllib.request.urlopen(urllib.request.Request(self.driver, data), timeout=30) as response:
                answer = json.loads(response.read())
        except OSError as problem:
            raise Failure(f"the extension host does not answer: {problem}\n{code}") from problem
        if "error" in answer:
            raise Failure(f"in the extension host: {answer['error']}\n{code}")
        return answer["result"]

    def until(self, what, condition, seconds=15.0):
        """Waits until a condition holds, and gives its value."""
        deadline = time.monotonic() + seconds
        while True:
            value = condition()
            if value:
                return value
            if deadline < time.monotonic():
                raise Failure(f"waited in vain until {what}: {value!r}")
            if self.page is not None:
                # The page's own events are handled only inside calls to it.
                self.page.wait_for_timeout(20)
            else:
                time.sleep(0.02)

    def picture(self, name):
        """Keeps what is to be seen."""
        if self.page is not None:
            PICTURES.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(Exception):
                self.page.screenshot(path=PICTURES / f"vscode-{name}.png")

    def text(self, name=None):
        """What a document reads; without a name the active one."""
        return self.js(
            """const documents = vscode.workspace.textDocuments;
            const found = argument ? documents.find((one) => one.fileName === argument) : vscode.window.activeTextEditor?.document;
            return found ? found.getText() : null;""",
            name and str(self.project / self.folder / name),
        )

    def wait_text(self, text, name=None, seconds=15.0):
        self.until(f"the text is {text!r}", lambda: self.text(name) == text, seconds)

    def wait_line(self, line, name=None):
        self.until(f"there is the line {line!r}", lambda: line in (self.text(name) or "").splitlines())

    def shows(self, text, seconds=15.0):
        """Waits until the page shows a text."""
        self.until(f"the page shows {text!r}", lambda: text in self.visible(), seconds)

    def visible(self):
        return self.page.inner_text("body").replace("\u00a0", " ")

    def status(self):
        """What the status bar says of us."""
        found = self.page.query_selector("#ezrouter\\.ezrouter\\.ezrouter, [id='ezrouter.ezrouter']")
        return (found.inner_text() if found else "").replace("\u00a0", " ")

    def notifications(self):
        """The texts of the notifications."""
        texts = [element.inner_text() for element in self.page.query_selector_all(".notification-list-item-message")]
        return [text.replace("\u00a0", " ") for text in texts]

    def messages(self):
        """What a failed scenario tells of the editor."""
        try:
            return "\n".join(["notifications:", *self.notifications(), "status: " + self.status(), "text:", str(self.text())])
        except Exception as problem:
            return f"the page does not answer: {problem}"

    # Doing

    def tidy(self):
        """Leaves nothing behind for the next scenario."""
        self.js(
            """await vscode.commands.executeCommand("ezrouter.cancel", {});
            await vscode.commands.executeCommand("notifications.clearAll");
            await vscode.commands.executeCommand("workbench.action.closeQuickOpen");
            for (let round = 0; round < 5 && vscode.window.activeTextEditor; round += 1) {
              await vscode.commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
            }
            await vscode.commands.executeCommand("workbench.action.closeAllEditors");"""
        )

    def open(self, name, text=None):
        """Opens a file, written anew if there is a text."""
        path = self.project / self.folder / name
        if text is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.js("await vscode.window.showTextDocument(vscode.Uri.file(argument), { preview: false });", str(path))
        self.focus()
        return path

    def focus(self):
        self.js('await vscode.commands.executeCommand("workbench.action.focusActiveEditorGroup");')
        self.until("the editor has the focus", lambda: self.page.evaluate("!!document.activeElement?.closest('.editor-instance')"))

    def select(self, first, last):
        """Selects whole lines, counted from 1, as a user does with the keyboard."""
        self.focus()
        self.page.keyboard.press("Control+Home")
        for _ in range(first - 1):
            self.page.keyboard.press("ArrowDown")
        for _ in range(last - first + 1):
            self.page.keyboard.press("Shift+ArrowDown")
        self.until("the lines are selected", lambda: self.selection() == [[first - 1, 0], [last, 0]])

    def selection(self):
        return self.js(
            """const { start, end } = vscode.window.activeTextEditor.selection;
            return [[start.line, start.character], [end.line, end.character]];"""
        )

    def goto(self, line, end=False):
        """Puts the cursor on a line with the keyboard."""
        self.focus()
        self.page.keyboard.press("Control+Home")
        for _ in range(line - 1):
            self.page.keyboard.press("ArrowDown")
        if end:
            self.page.keyboard.press("End")

    def type(self, text):
        self.page.keyboard.type(text)

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def undo(self):
        """Presses Ctrl+Z in the editor, and waits for what comes of it."""
        self.focus()
        before = self.version()
        self.page.keyboard.press("Control+z")
        self.until("undo has changed the document", lambda: self.version() != before, 5)

    def version(self):
        return self.js("return vscode.window.activeTextEditor.document.version;")

    def command(self, title):
        """Runs a command from the palette."""
        self.page.keyboard.press("F1")
        self.page.wait_for_selector(".quick-input-widget input:focus")
        self.page.keyboard.type(title)
        first = self.page.wait_for_selector(f".quick-input-list .monaco-list-row:has-text('{title}')")
        self.until("it is the first", lambda: title in self.page.inner_text(".quick-input-list .monaco-list-row"))
        del first
        self.page.keyboard.press("Enter")

    def answer_prompt(self, words):
        """Types into the box that has opened, and enters it."""
        self.page.wait_for_selector(".quick-input-widget input:focus")
        self.page.keyboard.type(words)
        self.page.keyboard.press("Enter")

    def is_there(self, selector, seconds):
        """Whether something comes to be seen in that time."""
        with contextlib.suppress(Exception):
            self.page.wait_for_selector(selector, timeout=seconds * 1000)
            return True
        return False

    def commands(self):
        """The commands that there are now; those of the server while it runs."""
        return self.js("return vscode.commands.getCommands(true);")

    def choose(self, title):
        """Opens the list of code actions for the selection, and takes one."""
        self.focus()
        # The editor drops the request for the list when something moves meanwhile.
        for _ in range(5):
            self.press("Control+.")
            if self.is_there(".action-widget .monaco-list-row", 2.0):
                return self.page.click(f".action-widget .monaco-list-row:has-text('{title}')", force=True)
        raise Failure("the list of code actions does not open")

    def titles(self):
        """The code actions at the selection."""
        return self.js(
            """const { document, selection } = vscode.window.activeTextEditor;
            const found = await vscode.commands.executeCommand("vscode.executeCodeActionProvider", document.uri, selection);
            return found.map((action) => action.title);"""
        )

    def configure(self, name, value):
        """Makes a setting in the file that is read for the machine."""
        path = self.directory / "user" / "Machine" / "settings.json"
        settings = {**json.loads(path.read_text()), name: value}
        path.write_text(json.dumps({name: value for name, value in settings.items() if value is not None}))

    def thread_button(self, title):
        """Clicks a button of the thread of an answer."""
        self.page.click(f".review-widget .action-label[aria-label^='{title}']")

    def lens(self, title):
        """Clicks a code lens."""
        self.page.click(f".codelens-decoration a:has-text('{title}')")

    def has_lens(self, title):
        return self.page.query_selector(f".codelens-decoration a:has-text('{title}')") is not None


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return response.status == 200
    except (urllib.error.URLError, OSError):
        return False
