// What is going on, at a glance: the item in the status bar, the notification with its Cancel, and the contexts that keys and
// menus depend on.

import * as vscode from "vscode";
import type { Progress } from "./client.ts";
import { explicit } from "./configuration.ts";
import type { Jobs } from "./core/jobs.ts";
import { forNotification, withoutPictures } from "./core/words.ts";
import type { Server } from "./server.ts";

/** What is over sooner needs no notification, in milliseconds. */
const PATIENCE = 1000;

interface Shown {
  title: string;
  message: string;
  notification: NodeJS.Timeout | undefined;
  report: ((message: string) => void) | undefined;
  end: (() => void) | undefined;
}

/** The status bar, the notifications and the contexts. */
export class Status implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem("ezrouter", vscode.StatusBarAlignment.Right, 100);
  private readonly shown = new Map<string, Shown>();
  private readonly subscription: vscode.Disposable;
  server: Server | undefined;
  /** Whether requests will fail for want of a key. */
  lacksKey = false;

  constructor(
    private readonly jobs: Jobs,
    private readonly uriOf: (document: vscode.TextDocument) => string,
    private readonly cancel: (job: string) => void,
  ) {
    this.item.name = "ezrouter";
    this.item.show();
    this.subscription = vscode.window.onDidChangeActiveTextEditor(() => this.update());
    this.update();
  }

  dispose(): void {
    for (const job of [...this.shown.keys()]) {
      this.end(job);
    }
    this.subscription.dispose();
    this.item.dispose();
  }

  /** Takes a step of a job's progress. */
  progress(job: string, progress: Progress): void {
    if (progress.kind === "begin") {
      this.begin(job, progress.title, progress.message ?? "");
    } else if (progress.kind === "report") {
      const shown = this.shown.get(job);
      if (shown !== undefined && progress.message !== undefined) {
        shown.message = progress.message;
        shown.report?.(progress.message);
      }
    } else {
      this.end(job);
      if (progress.message !== undefined) {
        vscode.window.setStatusBarMessage(`ezrouter: ${withoutPictures(progress.message)}`, 8000);
      }
    }
    this.update();
  }

  /** The server is gone, and with it all that it was doing. */
  clear(): void {
    for (const job of [...this.shown.keys()]) {
      this.end(job);
    }
    this.update();
  }

  /** Shows how things stand. */
  update(): void {
    const uri = vscode.window.activeTextEditor && this.uriOf(vscode.window.activeTextEditor.document);
    const running = this.jobs.running();
    setContext("running", 0 < running.length);
    setContext("runningHere", uri !== undefined && 0 < this.jobs.running(uri).length);
    setContext("pendingHere", uri !== undefined && 0 < this.jobs.pending(uri).length);
    const newest = running.at(-1);
    const shown = newest && this.shown.get(newest.job);
    this.item.backgroundColor = undefined;
    if (newest !== undefined) {
      const others = 1 < running.length ? ` (and ${running.length - 1} more)` : "";
      const words = `${shown?.title ?? "ezrouter"}${others}: ${shown?.message || newest.state}`;
      this.item.text = `$(loading~spin) ${withoutPictures(words)}`;
      this.item.tooltip = "Stop (Escape)";
      this.item.command = { title: "Stop", command: "ezrouter.vscode.stop", arguments: [{}] };
      return;
    }
    this.item.command = "ezrouter.vscode.menu";
    if (this.server?.trouble !== undefined) {
      this.item.text = "$(warning) ezrouter";
      this.item.tooltip = this.server.trouble;
      this.item.backgroundColor = new vscode.ThemeColor("statusBarItem.warningBackground");
      this.item.command = "ezrouter.vscode.restart";
    } else if (this.lacksKey) {
      this.item.text = "$(key) ezrouter: no API key";
      this.item.tooltip = "Set the API key";
      this.item.command = "ezrouter.vscode.setKey";
    } else {
      this.item.text = "$(sparkle) ezrouter";
      this.item.tooltip = "Ask about the selection, or rewrite it";
    }
  }

  private begin(job: string, title: string, message: string): void {
    const shown: Shown = { title, message, notification: undefined, report: undefined, end: undefined };
    this.shown.set(job, shown);
    if ((explicit("progress") ?? "notification") === "notification") {
      shown.notification = setTimeout(() => this.notify(job, shown), PATIENCE);
    }
  }

  private notify(job: string, shown: Shown): void {
    const options = {
      location: vscode.ProgressLocation.Notification,
      title: `ezrouter: ${forNotification(shown.title)}`,
      cancellable: true,
    };
    void vscode.window.withProgress(options, (progress, token) => {
      token.onCancellationRequested(() => this.cancel(job));
      shown.report = (message) => progress.report({ message: forNotification(message) });
      shown.report(shown.message);
      return new Promise<void>((resolve) => {
        shown.end = resolve;
      });
    });
  }

  private end(job: string): void {
    const shown = this.shown.get(job);
    clearTimeout(shown?.notification);
    shown?.end?.();
    this.shown.delete(job);
  }
}

function setContext(name: string, value: boolean): void {
  void vscode.commands.executeCommand("setContext", `ezrouter.${name}`, value);
}
