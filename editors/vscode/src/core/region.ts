// Follows a stretch of a document through its changes, in UTF-16 offsets. Knows no editor.

/** A change of a document. */
export interface Change {
  readonly offset: number;
  /** Of the text that goes. */
  readonly length: number;
  readonly text: string;
}

/** A stretch of a document. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * Where a stretch is after a change. Text put in exactly at an end is outside, as the server sees it too, unless the change
 * is `own`: a part of the work on this stretch.
 */
export function follow(span: Span, change: Change, own: boolean): Span {
  const changeEnd = change.offset + change.length;
  const delta = change.text.length - change.length;
  const touches = span.start <= change.offset && changeEnd <= span.end;
  if (touches && own) {
    return { start: span.start, end: span.end + delta };
  }
  if (changeEnd <= span.start) {
    return { start: span.start + delta, end: span.end + delta };
  }
  if (span.end <= change.offset) {
    return span;
  }
  if (touches) {
    return { start: span.start, end: span.end + delta };
  }
  // What reaches over an end takes the part inside with it; what was put in stands outside.
  const start = change.offset < span.start ? change.offset + change.text.length : span.start;
  const end = span.end < changeEnd ? Math.max(start, change.offset) : span.end + delta;
  return { start, end: Math.max(start, end) };
}

/** The same through several changes of one event, whose offsets are all those of the text before. */
export function followAll(span: Span, changes: readonly Change[], own: boolean): Span {
  const backwards = [...changes].sort((one, other) => other.offset - one.offset);
  return backwards.reduce((moved, change) => follow(moved, change, own), span);
}
