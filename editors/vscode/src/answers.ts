// Answers where they were asked for: a thread of comments under the selected text, with a box for the next question, and the
// same as a Markdown preview. What a thread holds is decided in core/conversation.ts, what belongs to it in core/routing.ts.

import * as vscode from "vscode";
import { answerMarkdown, Conversation, documentMarkdown } from "./core/conversation.ts";
import { type AnswerNote, isRunning, type JobNote, type Range, range as readRange, readStarted } from "./core/protocol.ts";
import { followAll, type Span } from "./core/region.ts";
import { Routing } from "./core/routing.ts";
import type { Documents } from "./documents.ts";
import { changesOf, rangeIn, rangeOf } from "./edits.ts";

/** How often a thread is drawn anew while its answer comes, in milliseconds. */
const DRAW_EVERY = 80;

/** The argument of `ezrouter.ask`, as far as it matters here. */
export interface Asked {
  readonly uri: string;
  readonly range: unknown;
  readonly [more: string]: unknown;
}

interface Thread {
  readonly id: string;
  /** Of the document, as the server calls it. */
  readonly uri: string;
  readonly thread: vscode.CommentThread;
  readonly conversation: Conversation;
  readonly preview: vscode.Uri;
  /** Where the text stands that it is about, while its document is open. */
  span: Span | undefined;
  /** The newest question, for a server that does not know it any more. */
  asked: Asked | undefined;
  drawing: NodeJS.Timeout | undefined;
}

/** All threads. */
export class Answers implements vscode.Disposable {
  private readonly controller = vscode.comments.createCommentController("ezrouter", "ezrouter");
  private readonly threads = new Map<string, Thread>();
  private readonly routing: Routing<JobNote | AnswerNote>;
  private readonly subscriptions = [
    vscode.workspace.onDidChangeTextDocument((event) => this.follow(event)),
    vscode.window.onDidChangeVisibleTextEditors(() => this.move()),
  ];
  private count = 0;

  constructor(
    private readonly execute: (command: string, argument: object) => Promise<unknown>,
    private readonly toUri: (uri: string) => vscode.Uri,
    private readonly documents: Documents,
  ) {
    this.controller.options = { prompt: "Ask a follow-up question", placeHolder: "Ask a follow-up question" };
    this.routing = new Routing<JobNote | AnswerNote>(
      (place, news) => this.deliver(place, news),
      // An answer that goes into a conversation document comes as edits, and needs no thread.
      (news) => ("delta" in news && news.delta !== "" ? this.open(news.uri, news.range, "Question").id : undefined),
    );
  }

  dispose(): void {
    for (const { drawing } of this.threads.values()) {
      clearTimeout(drawing);
    }
    vscode.Disposable.from(...this.subscriptions).dispose();
    this.controller.dispose();
  }

  take(news: JobNote | AnswerNote): void {
    this.routing.take(news);
  }

  /** Whether a job is one of these. */
  has(job: string): boolean {
    return this.routing.place(job) !== undefined;
  }

  /** Asks about a text in a thread of its own. */
  async ask(argument: Asked, question: string): Promise<unknown> {
    return this.start("ezrouter.ask", argument, question, () => this.open(argument.uri, readRange(argument.range), question));
  }

  /** Asks the next question of a thread. */
  async reply(thread: vscode.CommentThread, question: string): Promise<void> {
    const known = this.of(thread);
    const newest = known?.conversation.newest;
    if (known === undefined || question.trim() === "") {
      return;
    }
    if (newest !== undefined && isRunning(newest.state)) {
      void vscode.window.showInformationMessage("ezrouter is still answering in this thread: wait for it, or stop it first.");
      return;
    }
    await this.start("ezrouter.ask", { uri: known.uri, range: rangeNow(known), question }, question, () => known);
  }

  /** Asks a question again. */
  async retry(job: string): Promise<unknown> {
    const place = this.routing.place(job);
    const known = place === undefined ? undefined : this.threads.get(place);
    if (known === undefined) {
      return this.execute("ezrouter.retry", { job });
    }
    const index = known.conversation.exchanges.findIndex((exchange) => exchange.job === job);
    return this.start("ezrouter.retry", { job }, "", () => known, index);
  }

  /** Asks the newest question of a thread again, also one that was asked of a server that has ended since. */
  async again(thread: vscode.CommentThread): Promise<unknown> {
    const known = this.of(thread);
    const newest = known?.conversation.newest;
    if (known === undefined || newest === undefined) {
      return undefined;
    }
    if (newest.job !== undefined) {
      return this.retry(newest.job);
    }
    if (known.asked === undefined) {
      void vscode.window.showInformationMessage("The server that was asked has ended: ask in the box under the answer.");
      return undefined;
    }
    const index = known.conversation.exchanges.length - 1;
    return this.start("ezrouter.ask", { ...known.asked, range: rangeNow(known) }, "", () => known, index);
  }

  /** The newest job of a thread. */
  jobOf(thread: vscode.CommentThread): string | undefined {
    return this.of(thread)?.conversation.newest?.job;
  }

  /** Opens a thread as a preview that follows the answer. */
  async preview(thread: vscode.CommentThread): Promise<void> {
    const known = this.of(thread);
    if (known === undefined) {
      return;
    }
    this.documents.set(known.preview, documentMarkdown(known.conversation));
    await vscode.commands.executeCommand("markdown.showPreviewToSide", known.preview);
  }

  async copy(thread: vscode.CommentThread): Promise<void> {
    await vscode.env.clipboard.writeText(this.of(thread)?.conversation.newest?.text.trim() ?? "");
  }

  /** Puts a thread away. */
  async dismiss(thread: vscode.CommentThread): Promise<void> {
    const known = this.of(thread);
    if (known === undefined) {
      thread.dispose();
      return;
    }
    clearTimeout(known.drawing);
    this.routing.forget(known.id);
    this.threads.delete(known.id);
    this.documents.forget(known.preview);
    thread.dispose();
    for (const { job, state } of known.conversation.exchanges) {
      if (job !== undefined) {
        await this.execute(isRunning(state) ? "ezrouter.cancel" : "ezrouter.dismiss", { job });
      }
    }
  }

  /** The thread that was written in last, for commands without one. */
  newest(): vscode.CommentThread | undefined {
    return [...this.threads.values()].at(-1)?.thread;
  }

  /** The server is gone: nothing more comes. */
  end(reason: string): void {
    this.routing.clear();
    for (const known of this.threads.values()) {
      known.conversation.end(reason);
      this.draw(known);
    }
  }

  private of(thread: vscode.CommentThread): Thread | undefined {
    return [...this.threads.values()].find((known) => known.thread === thread);
  }

  private async start(
    command: string,
    argument: Asked | { readonly job: string },
    question: string,
    place: () => Thread,
    instead?: number,
  ): Promise<unknown> {
    this.routing.sent();
    let known: Thread | undefined;
    let job: string | undefined;
    try {
      const result = await this.execute(command, argument);
      job = readStarted(result);
      if (job !== undefined) {
        known = place();
        if ("uri" in argument) {
          known.asked = argument;
        }
        known.conversation.ask(job, question, instead);
        this.draw(known);
      }
      return result;
    } finally {
      this.routing.answered(job, known?.id);
    }
  }

  private open(uri: string, range: JobNote["range"], question: string): Thread {
    this.count += 1;
    const id = `answer-${this.count}`;
    const thread = this.controller.createCommentThread(this.toUri(uri), new vscode.Range(0, 0, 0, 0), []);
    thread.label = "ezrouter";
    thread.collapsibleState = vscode.CommentThreadCollapsibleState.Expanded;
    const known: Thread = {
      id,
      uri,
      thread,
      conversation: new Conversation(),
      preview: this.documents.uri(id, `${question.slice(0, 40) || "Answer"}.md`),
      span: undefined,
      asked: undefined,
      drawing: undefined,
    };
    settle(known, range);
    this.threads.set(id, known);
    return known;
  }

  private deliver(place: string, news: JobNote | AnswerNote): void {
    const known = this.threads.get(place);
    if (known === undefined) {
      return;
    }
    const { conversation } = known;
    if (!conversation.exchanges.some((exchange) => exchange.job === news.job)) {
      conversation.ask(news.job, "Question");
    }
    if ("delta" in news) {
      conversation.answer(news);
    } else {
      conversation.note(news);
      settle(known, news.range);
    }
    known.drawing ??= setTimeout(() => this.draw(known), DRAW_EVERY);
  }

  /** The threads stay with the text that they are about. */
  private follow(event: vscode.TextDocumentChangeEvent): void {
    const { document } = event;
    const changes = changesOf(event);
    for (const known of this.threads.values()) {
      if (known.span !== undefined && known.thread.uri.toString() === document.uri.toString()) {
        known.span = followAll(known.span, changes, false);
      }
    }
  }

  /** An editor moves what it has drawn of a thread, and draws it where it was first when it is opened again. */
  private move(): void {
    for (const { thread, span } of this.threads.values()) {
      const document = openDocument(thread.uri);
      if (document !== undefined && span !== undefined) {
        thread.range = lastLineOf(rangeIn(document, span));
      }
    }
  }

  private draw(known: Thread): void {
    clearTimeout(known.drawing);
    known.drawing = undefined;
    const { thread, conversation } = known;
    thread.comments = conversation.exchanges.flatMap((exchange) => {
      const question = new vscode.MarkdownString();
      question.appendText(exchange.question);
      return [comment("You", question), comment("ezrouter", new vscode.MarkdownString(answerMarkdown(exchange)))];
    });
    thread.contextValue = conversation.running ? "running" : "ended";
    if (this.documents.has(known.preview)) {
      this.documents.set(known.preview, documentMarkdown(conversation));
    }
  }
}

/** Puts a thread where the server says that its text stands. */
function settle(known: Thread, range: JobNote["range"]): void {
  if (range === undefined) {
    return;
  }
  const where = rangeOf(range);
  const document = openDocument(known.thread.uri);
  known.span = document && { start: document.offsetAt(where.start), end: document.offsetAt(where.end) };
  known.thread.range = lastLineOf(where);
}

/** The text that a thread is about, as the server's commands take it. */
function rangeNow({ thread, span }: Thread): Range | undefined {
  const document = openDocument(thread.uri);
  const where = document && span ? rangeIn(document, span) : thread.range;
  return (
    where && {
      start: { line: where.start.line, character: where.start.character },
      end: { line: where.end.line, character: where.end.character },
    }
  );
}

function openDocument(uri: vscode.Uri): vscode.TextDocument | undefined {
  return vscode.workspace.textDocuments.find((one) => one.uri.toString() === uri.toString());
}

/** A selection of whole lines ends before the next line: the thread belongs under its own. */
function lastLineOf(range: vscode.Range): vscode.Range {
  const { start, end } = range;
  const isNext = end.character === 0 && start.line < end.line;
  return isNext ? new vscode.Range(start, new vscode.Position(end.line - 1, Number.MAX_SAFE_INTEGER)) : range;
}

function comment(name: string, body: vscode.MarkdownString): vscode.Comment {
  return { body, mode: vscode.CommentMode.Preview, author: { name } };
}
