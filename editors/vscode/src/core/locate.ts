// Where the server's binary may be, best place first. Nothing of a workspace counts: a relative path, or a relative entry of
// PATH, would lead into whatever folder is open. Knows no editor and no disk.

import { posix, win32 } from "node:path";

/** A place to look at, and what the user calls it. */
export interface Candidate {
  readonly path: string;
  readonly source: "setting" | "bundled" | "PATH";
}

/** What decides where to look. */
export interface Surroundings {
  /** The setting `ezrouter.server.path`; empty if there is none. */
  readonly setting: string;
  /** The extension's own directory. */
  readonly extension: string;
  readonly home: string;
  /** The variable PATH. */
  readonly path: string;
  readonly platform: NodeJS.Platform;
}

/** Where to look; a setting stands alone, so that a mistake in it is noticed. */
export function candidates(from: Surroundings): Candidate[] {
  const path = from.platform === "win32" ? win32 : posix;
  const name = from.platform === "win32" ? "ezrouter-lsp.exe" : "ezrouter-lsp";
  const setting = from.setting.trim();
  if (setting !== "") {
    const expanded = setting.replace(/^~(?=[/\\])/, () => from.home);
    return path.isAbsolute(expanded) ? [{ path: expanded, source: "setting" }] : [];
  }
  const directories = from.path
    .split(path.delimiter)
    .map((entry) => entry.replace(/^"(.*)"$/, "$1"))
    .filter((entry) => path.isAbsolute(entry));
  const unique = [...new Set(directories)];
  return [
    { path: path.join(from.extension, "server", name), source: "bundled" },
    ...unique.map((entry): Candidate => ({ path: path.join(entry, name), source: "PATH" })),
  ];
}
