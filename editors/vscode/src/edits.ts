// Puts the edits of a rewrite into its document, so that they become one undo step where the editor allows it. Which of them
// are joined is decided in core/joining.ts.

import * as vscode from "vscode";
import { Joining } from "./core/joining.ts";
import type { EditAnswer, EditRequest, JobNote } from "./core/protocol.ts";
import { isRunning } from "./core/protocol.ts";
import type { Change, Span } from "./core/region.ts";

/** Applies edits, one document at a time. */
export class Edits implements vscode.Disposable {
  private readonly joinings = new Map<string, { uri: string; joining: Joining }>();
  /** Under way, by document. */
  private readonly current = new Map<string, EditRequest>();
  private readonly subscriptions: vscode.Disposable[];

  constructor(
    private readonly uriOf: (document: vscode.TextDocument) => string,
    private readonly log: vscode.LogOutputChannel,
  ) {
    this.subscriptions = [
      vscode.workspace.onDidChangeTextDocument((event) => {
        if (0 < event.contentChanges.length) {
          this.breakIn(event.document, this.ownerOf(event));
        }
      }),
      vscode.workspace.onDidSaveTextDocument((document) => this.breakIn(document)),
      vscode.window.onDidChangeTextEditorSelection((event) => {
        // An edit that moves the cursor along has no kind.
        if (event.kind !== undefined) {
          this.breakIn(event.textEditor.document);
        }
      }),
    ];
  }

  dispose(): void {
    vscode.Disposable.from(...this.subscriptions).dispose();
  }

  /** The job whose edit this change is, if it is one of ours. */
  ownerOf(event: vscode.TextDocumentChangeEvent): string | undefined {
    const request = this.current.get(this.uriOf(event.document));
    if (request === undefined || event.reason !== undefined) {
      return undefined;
    }
    const expected = request.edits.map((edit) => edit.newText.replace(/\r\n?/g, "\n")).sort();
    const found = event.contentChanges.map((change) => change.text.replace(/\r\n?/g, "\n")).sort();
    const same = expected.length === found.length && expected.every((text, index) => text === found[index]);
    return same ? request.job : undefined;
  }

  /** A job has ended, or its result waits: its edits are complete. */
  note(note: JobNote): void {
    if (!isRunning(note.state) && note.state !== "pending") {
      this.joinings.delete(note.job);
    }
  }

  /** The server is gone: the next one gives the same names to other jobs. */
  clear(): void {
    this.joinings.clear();
  }

  /** Applies what the server asks for. */
  async apply(request: EditRequest): Promise<EditAnswer> {
    const document = vscode.workspace.textDocuments.find((one) => this.uriOf(one) === request.uri);
    if (document === undefined) {
      return { applied: false, version: 0 };
    }
    const refused = (): EditAnswer => ({ applied: false, version: document.version });
    if (request.version !== undefined && request.version !== document.version) {
      return refused();
    }
    const joining = this.joiningOf(request);
    const decision = joining.next(request.phase);
    if (!decision.apply) {
      return { ...refused(), joined: joining.tell() };
    }
    this.current.set(request.uri, request);
    try {
      const editor = vscode.window.visibleTextEditors.find((one) => one.document === document);
      const applied = await (editor === undefined ? inBackground(document, request) : inEditor(editor, request, decision));
      if (!applied) {
        return refused();
      }
      joining.landed(request.phase);
      if (editor === undefined) {
        joining.break();
      }
      return { applied, version: document.version, joined: joining.tell() };
    } catch (error) {
      this.log.warn("an edit was not applied:", error);
      return refused();
    } finally {
      this.current.delete(request.uri);
    }
  }

  private joiningOf(request: EditRequest): Joining {
    const known = this.joinings.get(request.job)?.joining;
    const joining = known ?? new Joining();
    this.joinings.set(request.job, { uri: request.uri, joining });
    return joining;
  }

  /** Something else than the edits of `owner` lies between the edits in a document. */
  private breakIn(document: vscode.TextDocument, owner?: string): void {
    const uri = this.uriOf(document);
    for (const [job, { uri: where, joining }] of this.joinings) {
      if (where === uri && job !== owner) {
        joining.break();
      }
    }
  }
}

function inEditor(
  editor: vscode.TextEditor,
  request: EditRequest,
  { stopBefore, stopAfter }: { stopBefore: boolean; stopAfter: boolean },
): Thenable<boolean> {
  return editor.edit(
    (builder) => {
      for (const edit of request.edits) {
        builder.replace(rangeOf(edit.range), edit.newText);
      }
    },
    { undoStopBefore: stopBefore, undoStopAfter: stopAfter },
  );
}

/** The document has no visible editor: the edit is an undo step of its own. */
function inBackground(document: vscode.TextDocument, request: EditRequest): Thenable<boolean> {
  const edit = new vscode.WorkspaceEdit();
  edit.set(
    document.uri,
    request.edits.map((one) => vscode.TextEdit.replace(rangeOf(one.range), one.newText)),
  );
  return vscode.workspace.applyEdit(edit);
}

/** The changes of a document, for what follows a stretch of it. */
export function changesOf({ contentChanges }: vscode.TextDocumentChangeEvent): Change[] {
  return contentChanges.map(({ rangeOffset, rangeLength, text }) => ({ offset: rangeOffset, length: rangeLength, text }));
}

/** Where a stretch of a document is. */
export function rangeIn(document: vscode.TextDocument, span: Span): vscode.Range {
  return new vscode.Range(document.positionAt(span.start), document.positionAt(span.end));
}

/** A range of the protocol as the editor's. */
export function rangeOf(range: EditRequest["edits"][number]["range"]): vscode.Range {
  return new vscode.Range(range.start.line, range.start.character, range.end.line, range.end.character);
}
