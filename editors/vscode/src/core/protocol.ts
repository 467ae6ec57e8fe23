// The server's own methods (editors/PROTOCOL.md), as types and as readers: what a server of another version sends is checked
// field by field here, so that nothing behind this file meets a value of the wrong kind. Knows no editor.

/** Where a place in a document is: lines and UTF-16 units, from 0. */
export interface Position {
  readonly line: number;
  readonly character: number;
}

/** A stretch of a document; the end is not part of it. */
export interface Range {
  readonly start: Position;
  readonly end: Position;
}

/** What a job does with its answer. */
export type Kind = "ask" | "rewrite";

const STATES = ["waiting", "thinking", "streaming", "pending", "done", "cancelled", "failed"] as const;

/** How far a job has come. */
export type JobState = (typeof STATES)[number];

/** Tokens of a request. */
export interface Usage {
  readonly input: number;
  readonly cached: number;
  readonly output: number;
  readonly estimated: boolean;
}

/** `ezrouter/job`. */
export interface JobNote {
  readonly job: string;
  readonly kind: Kind;
  readonly uri: string;
  /** Undefined once the text is gone. */
  readonly range: Range | undefined;
  readonly state: JobState;
  readonly parked: boolean;
  readonly message: string | undefined;
  readonly usage: Usage | undefined;
}

/** `ezrouter/answer`. */
export interface AnswerNote {
  readonly job: string;
  readonly uri: string;
  readonly range: Range | undefined;
  /** Markdown that may be drawn as it is: the server has taken out of it what is not text. */
  readonly delta: string;
  readonly done: boolean;
}

const PHASES = ["first", "next", "last", "rewind"] as const;

/** The part that an edit plays in its job. */
export type Phase = (typeof PHASES)[number];

/** One replacement. */
export interface TextEdit {
  readonly range: Range;
  readonly newText: string;
}

/** The request `ezrouter/applyEdit`. */
export interface EditRequest {
  readonly job: string;
  readonly phase: Phase;
  readonly uri: string;
  /** The version that the edits were made for. */
  readonly version: number | undefined;
  readonly edits: readonly TextEdit[];
}

/** The answer to `ezrouter/applyEdit`. */
export interface EditAnswer {
  readonly applied: boolean;
  readonly version: number;
  /** `false`: the job's edits are not one undo step, so the server is to restore the original and send the whole in one. */
  readonly joined?: boolean;
}

type Fields = Record<string, unknown>;

function fields(value: unknown): Fields | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function count(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) && 0 <= value ? value : 0;
}

function oneOf<T extends string>(known: readonly T[], value: unknown): T | undefined {
  return known.find((word) => word === value);
}

function position(value: unknown): Position | undefined {
  const { line, character } = fields(value) ?? {};
  return Number.isInteger(line) && Number.isInteger(character) ? { line: count(line), character: count(character) } : undefined;
}

/** Reads a range, or nothing where none is. */
export function range(value: unknown): Range | undefined {
  const start = position(fields(value)?.start);
  const end = position(fields(value)?.end);
  return start && end ? { start, end } : undefined;
}

function usage(value: unknown): Usage | undefined {
  const found = fields(value);
  return (
    found && {
      input: count(found.input),
      cached: count(found.cached),
      output: count(found.output),
      estimated: found.estimated === true,
    }
  );
}

/** Reads the parameters of `ezrouter/job`. */
export function readJob(value: unknown): JobNote | undefined {
  const found = fields(value) ?? {};
  const [job, uri] = [text(found.job), text(found.uri)];
  const kind = oneOf(["ask", "rewrite"] as const, found.kind);
  const state = oneOf(STATES, found.state);
  if (job === undefined || uri === undefined || kind === undefined || state === undefined) {
    return undefined;
  }
  return {
    job,
    kind,
    uri,
    range: range(found.range),
    state,
    parked: found.parked === true,
    message: text(found.message),
    usage: usage(found.usage),
  };
}

/** Reads the parameters of `ezrouter/answer`. */
export function readAnswer(value: unknown): AnswerNote | undefined {
  const found = fields(value) ?? {};
  const [job, uri, delta] = [text(found.job), text(found.uri), text(found.delta)];
  if (job === undefined || uri === undefined || delta === undefined) {
    return undefined;
  }
  return { job, uri, range: range(found.range), delta, done: found.done === true };
}

/** Reads the parameters of `ezrouter/applyEdit`. */
export function readEdit(value: unknown): EditRequest | undefined {
  const found = fields(value) ?? {};
  const edit = fields(found.edit) ?? {};
  const document = fields(edit.textDocument) ?? {};
  const [job, uri, phase] = [text(found.job), text(document.uri), oneOf(PHASES, found.phase)];
  if (job === undefined || uri === undefined || phase === undefined || !Array.isArray(edit.edits)) {
    return undefined;
  }
  const edits: TextEdit[] = [];
  for (const one of edit.edits) {
    const [where, newText] = [range(fields(one)?.range), text(fields(one)?.newText)];
    if (where === undefined || newText === undefined) {
      return undefined;
    }
    edits.push({ range: where, newText });
  }
  const version = typeof document.version === "number" ? document.version : undefined;
  return { job, phase, uri, version, edits };
}

/** The job that a command has started, from its result. */
export function readStarted(value: unknown): string | undefined {
  return text(fields(value)?.job);
}

/** The catalog, from the result of `ezrouter.models`: the ids, and the model in force. */
export function readModels(value: unknown): { ids: string[]; model: string | undefined; age: number | undefined } {
  const found = fields(value) ?? {};
  const listed = Array.isArray(found.models) ? found.models : [];
  const ids = listed.map((entry) => text(fields(entry)?.id)).filter((id) => id !== undefined);
  return { ids, model: text(found.model), age: typeof found.age === "number" ? found.age : undefined };
}

/** Where the key comes from, from the result of `ezrouter.status`. */
export function readKeySource(value: unknown): string | undefined {
  return text(fields(fields(value)?.settings)?.key);
}

/** Whether nothing more of the answer will come. */
export function hasEnded(state: JobState): boolean {
  return !isRunning(state);
}

/** Whether the answer is still waited for, or coming. */
export function isRunning(state: JobState): boolean {
  return state === "waiting" || state === "thinking" || state === "streaming";
}
