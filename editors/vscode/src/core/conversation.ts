// Questions and answers about one piece of text: what has come, and how it reads as comments and as a Markdown document.
// Knows no editor.

import { type AnswerNote, isRunning, type JobNote, type JobState, type Usage } from "./protocol.ts";

/** A question and its answer. */
export interface Exchange {
  /** Undefined once the server that knew it is gone: the next one may give its name to another job. */
  readonly job: string | undefined;
  readonly question: string;
  readonly text: string;
  readonly state: JobState;
  readonly message: string | undefined;
  readonly usage: Usage | undefined;
}

/** What was asked about one piece of text. */
export class Conversation {
  private readonly list: Exchange[] = [];

  get exchanges(): readonly Exchange[] {
    return this.list;
  }

  /** The newest exchange. */
  get newest(): Exchange | undefined {
    return this.list[this.list.length - 1];
  }

  get running(): boolean {
    return this.list.some((exchange) => isRunning(exchange.state));
  }

  /** A question is asked; `instead` is the number of the exchange that it replaces. */
  ask(job: string, question: string, instead?: number): void {
    const exchange: Exchange = { job, question, text: "", state: "waiting", message: undefined, usage: undefined };
    const known = this.list.findIndex((one) => one.job === job);
    const isThere = instead !== undefined && this.list[instead] !== undefined;
    const index = known < 0 ? (isThere ? instead : this.list.length) : known;
    this.list[index] = { ...exchange, question: question || (this.list[index]?.question ?? "") };
  }

  /** How a job stands. */
  note(note: JobNote): void {
    this.change(note.job, { state: note.state, message: note.message, usage: note.usage });
  }

  /** A piece of an answer. */
  answer(note: AnswerNote): void {
    const known = this.list.find((one) => one.job === note.job);
    this.change(note.job, { text: (known?.text ?? "") + note.delta });
  }

  /** The server is gone: nothing more will come, and nothing of this is known to the next one. */
  end(reason: string): void {
    for (const [index, exchange] of this.list.entries()) {
      const ended: Partial<Exchange> = isRunning(exchange.state) ? { state: "failed", message: reason } : {};
      this.list[index] = { ...exchange, ...ended, job: undefined };
    }
  }

  private change(job: string, what: Partial<Exchange>): void {
    const index = this.list.findIndex((one) => one.job === job);
    const known = this.list[index];
    if (known !== undefined) {
      this.list[index] = { ...known, ...what };
    }
  }
}

/** The answer of an exchange as Markdown, with a line on how it stands. */
export function answerMarkdown(exchange: Exchange): string {
  const status = statusLine(exchange);
  const text = exchange.text.trimEnd();
  if (text === "") {
    return status;
  }
  if (status === "") {
    return text;
  }
  return `${closed(text)}\n\n---\n${status}`;
}

/** The whole conversation as a Markdown document. */
export function documentMarkdown(conversation: Conversation): string {
  const parts = conversation.exchanges.map((exchange) => `## ${escaped(exchange.question)}\n\n${answerMarkdown(exchange)}\n`);
  return parts.join("\n");
}

function statusLine(exchange: Exchange): string {
  const words = exchange.message === undefined ? "" : `: ${escaped(exchange.message)}`;
  switch (exchange.state) {
    case "waiting":
      return "*waiting for the model …*";
    case "thinking":
      return "*thinking …*";
    case "streaming":
      return "*still writing …*";
    case "failed":
      return `**Failed**${words}`;
    case "cancelled":
      return `*Stopped${words}*`;
    default:
      return exchange.usage === undefined ? "" : `*${tokens(exchange.usage)}*`;
  }
}

/** Tokens in words. */
export function tokens(usage: Usage): string {
  const about = usage.estimated ? "about " : "";
  const cached = 0 < usage.cached ? ` (${usage.cached} cached)` : "";
  return `${about}${usage.input} tokens in${cached}, ${usage.output} out`;
}

/** A fence that is still open would take what follows into the code. */
function closed(text: string): string {
  let open: string | undefined;
  for (const line of text.split("\n")) {
    const fence = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence === undefined) {
      continue;
    }
    if (open === undefined) {
      open = fence;
    } else if (fence.startsWith(open) && line.trim() === fence) {
      open = undefined;
    }
  }
  return open === undefined ? text : `${text}\n${open}`;
}

/** Plain words inside Markdown, on one line. */
export function escaped(words: string): string {
  return words
    .replace(/\s+/g, " ")
    .trim()
    .replace(/[\\`*_{}[\]()#+\-.!|<>~&:@]/g, "\\$&");
}
