// What a command is about when nothing is selected: the innermost thing around the cursor, else its line. Knows no editor.

import type { Position, Range } from "./protocol.ts";

/** A named thing in a document, as the editor's outline has it. */
export interface Outlined {
  readonly range: Range;
  readonly children: readonly Outlined[];
}

/** Whether a position is in a range, its ends included. */
export function holds(range: Range, position: Position): boolean {
  return compare(range.start, position) <= 0 && compare(position, range.end) <= 0;
}

/** Which of two positions comes first: below 0 the one, above 0 the other. */
export function compare(one: Position, other: Position): number {
  return one.line - other.line || one.character - other.character;
}

/** The innermost thing with at least two lines around a position. */
export function enclosing(outline: readonly Outlined[], position: Position): Range | undefined {
  for (const thing of outline) {
    if (holds(thing.range, position)) {
      const inner = enclosing(thing.children, position);
      return inner ?? (thing.range.start.line < thing.range.end.line ? thing.range : undefined);
    }
  }
  return undefined;
}
