// Makes the package for one platform, with the server's binary inside.
//   usage: node scripts/package.mjs [TARGET [SERVER [FILE]]]
//   TARGET is a platform of VS Code (linux-x64, linux-arm64, darwin-x64, darwin-arm64, win32-x64, ...), else this one; SERVER is
//   its binary, else the release build of this repository; FILE is written, else ezrouter.vsix.

import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(dirname(fileURLToPath(import.meta.url)));
const repository = dirname(dirname(here));
const target = process.argv[2] ?? `${process.platform}-${process.arch}`;
const name = target.startsWith("win32") ? "ezrouter-lsp.exe" : "ezrouter-lsp";
const server = process.argv[3] ?? join(repository, "target", "release", name);
const file = process.argv[4] ?? "ezrouter.vsix";
const binary = join(here, "server", name);

rmSync(join(here, "server"), { recursive: true, force: true });
mkdirSync(join(here, "server"));
copyFileSync(server, binary);
chmodSync(binary, 0o755);
copyFileSync(join(repository, "LICENSE-MIT"), join(here, "LICENSE.txt"));
copyFileSync(join(repository, "LICENSE-APACHE"), join(here, "LICENSE-APACHE"));

const run = (...words) => execFileSync(process.execPath, words, { cwd: here, stdio: "inherit" });
run("scripts/build.mjs", "--minify");
const vsce = createRequire(import.meta.url).resolve("@vscode/vsce/vsce");
run(
  vsce,
  "package",
  "--target",
  target,
  "--no-dependencies",
  "--no-rewrite-relative-links",
  "--allow-missing-repository",
  "--out",
  file,
);
