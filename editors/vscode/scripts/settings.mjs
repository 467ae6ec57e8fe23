// Writes the server's settings into package.json, from what `ezrouter-lsp schema` prints. A test of the server's repository
// (tests/vscode.rs) fails when the two differ.
//   usage: node scripts/settings.mjs SERVER

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

/** A workspace may not weaken what protects the user, or take the history away. */
const USER_ONLY = ["redact", "history.persist", "history.keepDays", "timeouts.", "retry."];

const camel = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
const sentence = (words) => words.charAt(0).toUpperCase() + words.slice(1) + (/[.!?]$/.test(words) ? "" : ".");

/** The schema's settings that an editor may make, by their names in VS Code. */
function fromSchema(properties, prefix = "") {
  return Object.entries(properties).flatMap(([name, value]) => {
    const path = prefix + camel(name);
    if (value.properties && !value["x-where"]) {
      return fromSchema(value.properties, `${path}.`);
    }
    return value["x-where"]?.includes("editor") ? [[`ezrouter.${path}`, setting(path, value)]] : [];
  });
}

function setting(path, { description, "x-where": _where, "x-environment": _environment, ...rest }) {
  const type = rest.type ?? (rest.enum ? "string" : undefined);
  const scope = USER_ONLY.some((name) => path.startsWith(name)) ? "machine" : "window";
  return { ...rest, type, scope, markdownDescription: sentence(description ?? "") };
}

const schema = JSON.parse(execFileSync(process.argv[2] ?? "ezrouter-lsp", ["schema"], { encoding: "utf8" }));
const file = new URL("../package.json", import.meta.url);
const manifest = JSON.parse(readFileSync(file, "utf8"));
const { own } = manifest.contributes.configuration.reduce(
  (found, part) => (part.title === "ezrouter: this extension" ? { own: part } : found),
  { own: undefined },
);
manifest.contributes.configuration = [
  own,
  { title: "ezrouter: requests and rewrites", properties: Object.fromEntries(fromSchema(schema.properties)) },
];
writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`);
