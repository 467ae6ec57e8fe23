// Bundles the extension into out/extension.cjs, with the licences of what is in it. Only what VS Code brings stays outside.

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(dirname(fileURLToPath(import.meta.url)));
const minify = process.argv.includes("--minify");
const { metafile } = await build({
  absWorkingDir: here,
  entryPoints: ["src/extension.ts"],
  outfile: "out/extension.cjs",
  bundle: true,
  external: ["vscode"],
  format: "cjs",
  platform: "node",
  target: "node20",
  minify,
  sourcemap: minify ? false : "linked",
  metafile: true,
});

// The name of the package that a bundled file is of: the last one, where packages lie in packages.
const packageOf = (path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[0];
const folders = new Set(Object.keys(metafile.inputs).map(packageOf));
folders.delete(undefined);
const notices = [...folders].sort().map((folder) => {
  const { name, version, license } = JSON.parse(readFileSync(join(here, folder, "package.json"), "utf8"));
  const file = readdirSync(join(here, folder)).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file && existsSync(join(here, folder, file)) ? readFileSync(join(here, folder, file), "utf8").trim() : "";
  return `${name} ${version}, ${license}\n\n${text}\n`;
});
writeFileSync(join(here, "out/NOTICES.txt"), notices.join(`\n${"-".repeat(72)}\n\n`));
