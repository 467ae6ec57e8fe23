// Documents without a file: answers as Markdown, originals to compare with, the server's status. They are read only.

import * as vscode from "vscode";
import { forName } from "./core/words.ts";

const SCHEME = "ezrouter-view";

/** The oldest of more than so many are forgotten: a preview may ask for its text long after its document was closed. */
const MOST = 50;

/** Holds the texts of such documents. */
export class Documents implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly texts = new Map<string, string>();
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;
  private readonly subscriptions: vscode.Disposable[];

  constructor() {
    this.subscriptions = [vscode.workspace.registerTextDocumentContentProvider(SCHEME, this), this.changed];
  }

  dispose(): void {
    vscode.Disposable.from(...this.subscriptions).dispose();
  }

  /** Where the document with this name and id is. */
  uri(id: string, name: string): vscode.Uri {
    return vscode.Uri.from({ scheme: SCHEME, path: `/${id}/${forName(name)}` });
  }

  /** Gives a document a text, also one that is open. */
  set(uri: vscode.Uri, text: string): void {
    this.texts.delete(uri.toString());
    this.texts.set(uri.toString(), text);
    for (const oldest of [...this.texts.keys()].slice(0, -MOST)) {
      this.texts.delete(oldest);
    }
    this.changed.fire(uri);
  }

  /** Whether a document has been shown. */
  has(uri: vscode.Uri): boolean {
    return this.texts.has(uri.toString());
  }

  /** Nobody will look at it again. */
  forget(uri: vscode.Uri): void {
    this.texts.delete(uri.toString());
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.toString()) ?? "";
  }
}
