// What a command is about: the selection, or what stands around the cursor, as arguments of the server's commands.

import { setTimeout as delay } from "node:timers/promises";
import * as vscode from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";
import type { Range } from "./core/protocol.ts";
import { followAll, type Span } from "./core/region.ts";
import { enclosing, type Outlined } from "./core/selection.ts";
import { changesOf, rangeIn } from "./edits.ts";

/** What `ezrouter.ask` and `ezrouter.rewrite` take. */
export interface Target {
  readonly uri: string;
  readonly range: Range;
  readonly diagnostics: readonly object[];
}

/** A language server that is still reading a project must not hold a question up, in milliseconds. */
const PATIENCE = 1000;

/** Whether nothing selected means the place of the cursor, or what is around it. */
export type IfEmpty = "cursor" | "around";

/** What a command is about; nothing, said with a message, if there is no editor. */
export async function target(client: LanguageClient, ifEmpty: IfEmpty): Promise<Target | undefined> {
  const place = await chosen(ifEmpty);
  return place && described(client, place.document, place.range);
}

/** The same with an answer of the user's, who may go on typing in the document while they are asked for it. */
export async function targetAndAnswer<T>(
  client: LanguageClient,
  ifEmpty: IfEmpty,
  ask: (range: vscode.Range) => Promise<T | undefined>,
): Promise<{ about: Target; answer: T } | undefined> {
  const place = await chosen(ifEmpty);
  if (place === undefined) {
    return undefined;
  }
  const { document, range } = place;
  let span: Span = { start: document.offsetAt(range.start), end: document.offsetAt(range.end) };
  const following = vscode.workspace.onDidChangeTextDocument((event) => {
    if (event.document === document) {
      span = followAll(span, changesOf(event), false);
    }
  });
  try {
    const answer = await ask(range);
    return answer === undefined ? undefined : { about: await described(client, document, rangeIn(document, span)), answer };
  } finally {
    following.dispose();
  }
}

async function chosen(ifEmpty: IfEmpty): Promise<{ document: vscode.TextDocument; range: vscode.Range } | undefined> {
  const editor = vscode.window.activeTextEditor;
  if (editor === undefined) {
    void vscode.window.showInformationMessage("Open a file and select some text first.");
    return undefined;
  }
  const { document, selection } = editor;
  return { document, range: selection.isEmpty && ifEmpty === "around" ? await around(document, selection.active) : selection };
}

async function described(client: LanguageClient, document: vscode.TextDocument, range: vscode.Range): Promise<Target> {
  const diagnostics = vscode.languages.getDiagnostics(document.uri).filter((one) => one.range.intersection(range) !== undefined);
  const converter = client.code2ProtocolConverter;
  return {
    uri: converter.asUri(document.uri),
    range: plain(range),
    diagnostics: await converter.asDiagnostics(diagnostics),
  };
}

async function around(document: vscode.TextDocument, position: vscode.Position): Promise<vscode.Range> {
  const outline = await Promise.race([
    Promise.resolve(vscode.commands.executeCommand<unknown>("vscode.executeDocumentSymbolProvider", document.uri)),
    delay(PATIENCE),
  ]).catch(() => undefined);
  const found = enclosing(outlined(outline), position);
  return found === undefined
    ? document.lineAt(position.line).range
    : new vscode.Range(found.start.line, found.start.character, found.end.line, found.end.character);
}

/** Other extensions answer with nested symbols, or with a flat list of places. */
function outlined(outline: unknown): Outlined[] {
  const list: unknown[] = Array.isArray(outline) ? outline : [];
  return list
    .filter((one) => one instanceof vscode.DocumentSymbol)
    .map((one) => ({ range: plain(one.range), children: outlined(one.children) }));
}

function plain({ start, end }: vscode.Range): Range {
  return { start: { line: start.line, character: start.character }, end: { line: end.line, character: end.character } };
}
