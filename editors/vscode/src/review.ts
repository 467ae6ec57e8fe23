// Rewrites while they are written and until they are accepted: which lines are new, which went, and the lenses to decide.
// What differs is computed in core/lines.ts.

import * as vscode from "vscode";
import { type Hunk, hunks } from "./core/lines.ts";
import { isRunning, type JobNote } from "./core/protocol.ts";
import { followAll, type Span } from "./core/region.ts";
import { changesOf, rangeOf } from "./edits.ts";

/** A rewrite and its text. */
interface Reviewed {
  note: JobNote;
  readonly document: vscode.TextDocument;
  readonly original: string;
  span: Span;
  /** The end of the newest edit: what follows has still to be replaced. */
  border: number;
}

/** Above so many characters old text beside a line would only hide what follows. */
const LONGEST_GHOST = 100;

/** All rewrites that are running or wait for a verdict. */
export class Review implements vscode.CodeLensProvider, vscode.Disposable {
  private readonly reviewed = new Map<string, Reviewed>();
  private readonly lensesChanged = new vscode.EventEmitter<void>();
  readonly onDidChangeCodeLenses = this.lensesChanged.event;
  private readonly added = vscode.window.createTextEditorDecorationType({
    isWholeLine: true,
    backgroundColor: new vscode.ThemeColor("diffEditor.insertedLineBackground"),
    overviewRulerColor: new vscode.ThemeColor("editorOverviewRuler.addedForeground"),
    overviewRulerLane: vscode.OverviewRulerLane.Left,
  });
  private readonly waiting = vscode.window.createTextEditorDecorationType({
    isWholeLine: true,
    backgroundColor: new vscode.ThemeColor("diffEditor.removedLineBackground"),
    opacity: "0.6",
  });
  private readonly gone = vscode.window.createTextEditorDecorationType({
    isWholeLine: true,
    border: "1px dashed",
    borderColor: new vscode.ThemeColor("editorOverviewRuler.deletedForeground"),
    overviewRulerColor: new vscode.ThemeColor("editorOverviewRuler.deletedForeground"),
    overviewRulerLane: vscode.OverviewRulerLane.Left,
  });
  private readonly subscriptions: vscode.Disposable[];
  private drawing: NodeJS.Timeout | undefined;
  /** How long the newest drawing took, in milliseconds. */
  private took = 0;

  constructor(
    private readonly documentOf: (uri: string) => vscode.TextDocument | undefined,
    private readonly ownerOf: (event: vscode.TextDocumentChangeEvent) => string | undefined,
  ) {
    this.subscriptions = [
      vscode.workspace.onDidChangeTextDocument((event) => this.follow(event)),
      vscode.window.onDidChangeVisibleTextEditors(() => this.draw()),
      this.added,
      this.waiting,
      this.gone,
      this.lensesChanged,
    ];
  }

  dispose(): void {
    clearTimeout(this.drawing);
    vscode.Disposable.from(...this.subscriptions).dispose();
  }

  /** Takes news of a rewrite. */
  take(note: JobNote): void {
    const known = this.reviewed.get(note.job);
    if (isRunning(note.state) || note.state === "pending") {
      const reviewed = known ?? this.begin(note);
      if (reviewed !== undefined) {
        reviewed.note = note;
        this.place(reviewed, note);
        this.reviewed.set(note.job, reviewed);
      }
    } else {
      this.reviewed.delete(note.job);
    }
    this.lensesChanged.fire();
    this.draw();
  }

  /** The server is gone. */
  clear(): void {
    this.reviewed.clear();
    this.lensesChanged.fire();
    this.draw();
  }

  /** The rewrites that wait for a verdict in a document, the one at `position` first. */
  pendingIn(document: vscode.TextDocument, position: vscode.Position): JobNote[] {
    const offset = document.offsetAt(position);
    const here = [...this.reviewed.values()].filter((one) => one.document === document && one.note.state === "pending");
    const distance = ({ span }: Reviewed): number => Math.max(span.start - offset, offset - span.end, 0);
    return here.sort((one, other) => distance(one) - distance(other)).map((one) => one.note);
  }

  /** What a document would read without a rewrite, for a comparison. */
  originalOf(job: string): { document: vscode.TextDocument; text: string } | undefined {
    const reviewed = this.reviewed.get(job);
    if (reviewed === undefined) {
      return undefined;
    }
    const { document, span, original } = reviewed;
    const text = document.getText();
    return { document, text: text.slice(0, span.start) + original + text.slice(span.end) };
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    return [...this.reviewed.values()].filter((one) => one.document === document).flatMap((one) => lenses(one));
  }

  private begin(note: JobNote): Reviewed | undefined {
    const document = this.documentOf(note.uri);
    if (document === undefined || note.range === undefined) {
      return undefined;
    }
    const range = document.validateRange(rangeOf(note.range));
    const span = { start: document.offsetAt(range.start), end: document.offsetAt(range.end) };
    // An answer stands in the place of nothing.
    const original = note.kind === "ask" ? "" : document.getText(range);
    return { note, document, original, span, border: span.start };
  }

  /** The server knows best where a rewrite stands, once it has ended. */
  private place(reviewed: Reviewed, note: JobNote): void {
    if (note.state === "pending" && note.range !== undefined) {
      const { document } = reviewed;
      const range = document.validateRange(rangeOf(note.range));
      reviewed.span = { start: document.offsetAt(range.start), end: document.offsetAt(range.end) };
    }
  }

  private follow(event: vscode.TextDocumentChangeEvent): void {
    if (event.contentChanges.length === 0) {
      return;
    }
    const owner = this.ownerOf(event);
    const changes = changesOf(event);
    let touched = false;
    for (const [job, reviewed] of this.reviewed) {
      if (reviewed.document !== event.document) {
        continue;
      }
      touched = true;
      reviewed.span = followAll(reviewed.span, changes, owner === job);
      const border = followAll({ start: reviewed.border, end: reviewed.border }, changes, false);
      const ends = changes.map((change) => change.offset + change.text.length);
      reviewed.border = owner === job ? Math.max(border.end, ...ends) : border.end;
    }
    if (touched) {
      // What takes long is done seldom: it never takes a fifth of the time.
      this.drawing ??= setTimeout(() => this.draw(), Math.max(50, 4 * this.took));
    }
  }

  private draw(): void {
    clearTimeout(this.drawing);
    this.drawing = undefined;
    const began = performance.now();
    for (const editor of vscode.window.visibleTextEditors) {
      const here = [...this.reviewed.values()].filter((one) => one.document === editor.document);
      const drawn = here.map((one) => drawing(one));
      editor.setDecorations(
        this.added,
        drawn.flatMap((one) => one.added),
      );
      editor.setDecorations(
        this.waiting,
        drawn.flatMap((one) => one.waiting),
      );
      editor.setDecorations(
        this.gone,
        drawn.flatMap((one) => one.gone),
      );
    }
    this.took = performance.now() - began;
  }
}

interface Drawing {
  readonly added: vscode.DecorationOptions[];
  readonly waiting: vscode.DecorationOptions[];
  readonly gone: vscode.DecorationOptions[];
}

function drawing({ document, note, original, span, border }: Reviewed): Drawing {
  const start = document.positionAt(span.start);
  // From the first line's beginning, so that lines are compared with lines; and no more than is compared is read.
  const lineStart = start.with({ character: 0 });
  const before = document.getText(new vscode.Range(lineStart, start)) + original;
  const now = document.getText(new vscode.Range(lineStart, document.positionAt(span.end)));
  const found: Drawing = { added: [], waiting: [], gone: [] };
  for (const hunk of hunks(before, now)) {
    const first = start.line + hunk.line;
    if (hunk.added.length === 0) {
      const line = Math.min(first, document.lineCount - 1);
      found.gone.push({ range: document.lineAt(line).range, hoverMessage: removedText(hunk) });
    }
    for (const index of hunk.added.keys()) {
      const range = document.lineAt(Math.min(first + index, document.lineCount - 1)).range;
      found.added.push({
        range,
        ...(removedText(hunk) && { hoverMessage: removedText(hunk) }),
        renderOptions: ghost(hunk, index),
      });
    }
  }
  if (isRunning(note.state)) {
    const first = document.positionAt(border).line + (span.start < border ? 1 : 0);
    const end = document.positionAt(span.end);
    const last = end.character === 0 ? end.line - 1 : end.line;
    if (first <= last) {
      found.waiting.push({ range: new vscode.Range(first, 0, last, 0) });
    }
  }
  return found;
}

/** The old text, shown when the mouse rests on the new. */
function removedText(hunk: Hunk): vscode.MarkdownString {
  const text = new vscode.MarkdownString();
  text.appendCodeblock(hunk.removed.map((line) => `- ${line}`).join("\n") || "(nothing stood here)", "diff");
  return text;
}

/** The old line beside the new one. */
function ghost(hunk: Hunk, index: number): vscode.DecorationInstanceRenderOptions {
  const old = hunk.removed[index]?.trim() ?? "";
  const more = index === hunk.added.length - 1 ? hunk.removed.length - hunk.added.length : 0;
  const cut = LONGEST_GHOST < old.length ? `${old.slice(0, LONGEST_GHOST)}…` : old;
  const rest = 0 < more ? `  (and ${more} more)` : "";
  if (cut + rest === "") {
    return {};
  }
  return {
    after: {
      contentText: cut + rest,
      margin: "0 0 0 3em",
      color: new vscode.ThemeColor("editorCodeLens.foreground"),
      textDecoration: "line-through",
    },
  };
}

function lenses({ document, span, note }: Reviewed): vscode.CodeLens[] {
  const range = new vscode.Range(document.positionAt(span.start), document.positionAt(span.start));
  const lens = (title: string, command: string, tooltip: string): vscode.CodeLens =>
    new vscode.CodeLens(range, { title, command, tooltip, arguments: [{ job: note.job }] });
  if (isRunning(note.state)) {
    return [
      lens("$(loading~spin) ezrouter is writing … Stop", "ezrouter.vscode.stop", "Stop, and restore the original (Escape)"),
    ];
  }
  const first = note.parked
    ? [
        lens("$(check) Apply the rest", "ezrouter.vscode.apply", "Put the whole result in place"),
        lens("$(discard) Restore the original", "ezrouter.vscode.reject", "Take out what has been written"),
      ]
    : [
        lens("$(check) Accept", "ezrouter.vscode.accept", "Keep the new text"),
        lens("$(discard) Reject", "ezrouter.vscode.reject", "Restore the original"),
      ];
  return [
    ...first,
    lens("$(refresh) Retry", "ezrouter.vscode.retry", "Restore the original and ask again"),
    lens("$(diff) Show Changes", "ezrouter.vscode.showChanges", "Compare with the original"),
  ];
}
