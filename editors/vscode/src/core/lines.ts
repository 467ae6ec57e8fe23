// Which lines of a rewrite are new, and which old ones it has taken away, for the decorations. Knows no editor.

import { diffArrays } from "diff";

/** Lines that were put in the place of others. */
export interface Hunk {
  /** The first new line, counted from 0 in the new text. */
  readonly line: number;
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/** Above so many lines, and so many that differ, the comparison would take longer than a keystroke may. */
const MOST_LINES = 3000;
const MOST_DIFFERENCES = 1000;

/** What differs between two texts, line by line. */
export function hunks(before: string, after: string): Hunk[] {
  const [old, now] = [split(before), split(after)];
  const isLong = MOST_LINES < old.length + now.length;
  const parts = isLong ? undefined : diffArrays(old, now, { maxEditLength: MOST_DIFFERENCES });
  if (parts === undefined) {
    return before === after ? [] : [{ line: 0, added: now, removed: old }];
  }
  const found: { line: number; added: string[]; removed: string[] }[] = [];
  let line = 0;
  let open = false;
  for (const part of parts) {
    if (!part.added && !part.removed) {
      line += part.value.length;
      open = false;
      continue;
    }
    if (!open) {
      found.push({ line, added: [], removed: [] });
      open = true;
    }
    const hunk = found[found.length - 1];
    if (part.added) {
      hunk?.added.push(...part.value);
      line += part.value.length;
    } else {
      hunk?.removed.push(...part.value);
    }
  }
  return found;
}

function split(text: string): string[] {
  const lines = text.split(/\r\n|\r|\n/);
  if (lines[lines.length - 1] === "") {
    lines.pop();
  }
  return lines;
}
