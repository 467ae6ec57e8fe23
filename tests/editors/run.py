"""Runs the real-editor scenarios and prints one line for each. It needs nothing but the environment that install.sh
made (EZROUTER_TEST_EDITORS) and a built server; it knows no editor itself."""

import argparse
import os
import pathlib
import sys
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# A scenario that fails, and then passes this often in a row, is unsteady: told, but not a failure.
PASSES_AGAIN = 2
# So many may be unsteady in one run. More than that is no busy machine.
UNSTEADY = 3


def arguments():
    parser = argparse.ArgumentParser(description="Run the server in real editors.")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="scenarios whose name has NAME in it")
    parser.add_argument("--server", type=pathlib.Path, default=ROOT / "target" / "debug" / "ezrouter-lsp")
    parser.add_argument("--record", action="store_true", help="write what is recorded to tests/fixtures")
    parser.add_argument("--list", action="store_true", help="print the names only")
    return parser.parse_args()


def environment():
    """The directory of install.sh; runs this program again with its Python, which has the client library."""
    directory = os.environ.get("EZROUTER_TEST_EDITORS")
    if not directory:
        sys.exit("EZROUTER_TEST_EDITORS is not set: see tests/editors/README.md")
    path = pathlib.Path(directory).resolve()
    python = path / "bin" / "python"
    if not python.exists():
        sys.exit(f"no environment in {path}: run tests/editors/install.sh {directory}")
    if pathlib.Path(sys.prefix).resolve() != path:
        os.execv(python, [str(python), "-B", *sys.argv])
    return path


def attempt(scenario, tools):
    """Runs one scenario; the failure to report, or None."""
    from scenario import Failure, scratch

    with scratch() as directory:
        try:
            with scenario.bench(tools, directory) as bench:
                try:
                    scenario.run(bench)
                    return None
                except Failure as failure:
                    return f"{failure}\n{bench.report()}"
                except (OSError, EOFError) as failure:
                    return f"the editor is gone or hung too long: {failure!r}\n{bench.report()}"
                except Exception:
                    return f"{traceback.format_exc()}\n{bench.report()}"
        except Failure as failure:
            return str(failure)
        except Exception:
            # What could not be started, or did not end.
            return traceback.format_exc()


def play(scenario, tools):
    """Plays one scenario and prints how it went; whether it passed in the end, and what failed at first, or None. Real
    editors on a busy machine miss a deadline now and then, so a failure is played again: what is broken fails again."""
    started = time.monotonic()
    failure = attempt(scenario, tools)
    word, rest = ("ok", "") if failure is None else ("failed", f": {failure}")
    print(f"{word} {scenario.name} ({time.monotonic() - started:.1f} s){rest}", flush=True)
    passes = failure is None or all(attempt(scenario, tools) is None for _ in range(PASSES_AGAIN))
    if failure is not None:
        print(f"{'UNSTEADY' if passes else 'FAIL'} {scenario.name}", flush=True)
    return passes, failure


def conclude(count, failures, unsteady, differences):
    """Prints what went wrong, last, where it is found; gives whether all is well."""
    for word, failed in (("UNSTEADY", unsteady), ("FAIL", failures)):
        for name, failure in failed:
            print(f"\n{word} {name}: " + "\n".join(failure.splitlines()[:12]))
    for difference in differences:
        print(f"FAIL {difference}")
    print(f"{count - len(failures)} passed, of which {len(unsteady)} not at once; {len(failures) + len(differences)} failed", flush=True)
    if len(unsteady) > UNSTEADY:
        print(f"FAIL more than {UNSTEADY} scenarios are unsteady", flush=True)
    return bool(count) and not failures and not differences and len(unsteady) <= UNSTEADY


def main():
    options = arguments()
    path = environment()
    sys.path.insert(0, str(HERE))
    import scenario as scenarios
    # Loading them registers their scenarios.
    import test_neovim  # noqa: F401, I001
    import test_neovim_plugin  # noqa: F401
    import test_neovim_scripted  # noqa: F401
    import test_conversation  # noqa: F401
    import test_commands  # noqa: F401
    import test_emacs  # noqa: F401
    import test_emacs_plugin  # noqa: F401
    import test_every_editor  # noqa: F401
    import test_first_minutes  # noqa: F401
    import test_helix  # noqa: F401
    import test_kakoune  # noqa: F401
    import test_model  # noqa: F401
    import test_model_surfaces  # noqa: F401
    import test_settings  # noqa: F401
    import test_terminal  # noqa: F401
    # What has to do with VS Code comes last: behind Playwright no Neovim can be started in this process.
    import test_handshakes  # noqa: F401
    import test_vscode  # noqa: F401
    import test_vscode_setups  # noqa: F401
    import undo_table
    tools = scenarios.Tools(
        environment=path,
        server=options.server.resolve(),
        fixtures=ROOT / "tests" / "fixtures",
        record=options.record,
    )
    wanted = [one for one in scenarios.SCENARIOS if not options.only or any(part in one.name for part in options.only)]
    if options.list:
        print("\n".join(one.name for one in wanted))
        return
    if not tools.server.exists():
        sys.exit(f"no server in {tools.server}: run cargo build, or give --server")
    failures, unsteady = [], []
    with scenarios.AT_END:
        for one in wanted:
            passes, failure = play(one, tools)
            if failure is not None:
                (unsteady if passes else failures).append((one.name, failure))
    if undo_table.MEASURED:
        print(f"\n{undo_table.table()}\n")
    well = conclude(len(wanted), failures, unsteady, undo_table.differences(everything=not options.only))
    # Threads of a killed editor must not keep the runner alive.
    sys.stdout.flush()
    os._exit(0 if well else 1)


if __name__ == "__main__":
    main()
