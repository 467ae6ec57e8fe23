// How the edits of one job become one undo step: which of them get an undo stop before or behind, and when the last one is
// refused, because something has put a stop between them. Knows no editor.
//
// VS Code joins an edit with the one before it where no stop lies between them. The cursor, a key, a save and the edits of
// others put stops. Once that has happened, the last edit is refused with `joined: false`: the server then restores the
// original in one edit and puts the whole result in another, which is one undo step wherever the others lie.

import type { Phase } from "./protocol.ts";

/** What to do with an edit. */
export type Decision =
  | { readonly apply: true; readonly stopBefore: boolean; readonly stopAfter: boolean }
  | { readonly apply: false };

/** The edits of one job. */
export class Joining {
  /** Edits that have been applied. */
  private applied = 0;
  /** A stop lies between them. */
  private broken = false;
  /** The server knows that: it will restore and send the whole, or has its reasons not to. */
  private told = false;
  /** The whole result stands in the document, or the original again. */
  private over = false;

  /** Whether the edits so far are one undo step, to be told to the server. */
  tell(): boolean {
    this.told ||= this.broken;
    return !this.broken;
  }

  /** Something lies between the edits so far and those to come. */
  break(): void {
    if (0 < this.applied && !this.over) {
      this.broken = true;
    }
  }

  /** What to do with the next edit. */
  next(phase: Phase): Decision {
    if (phase === "last" && this.broken && 1 < this.applied && !this.told) {
      return { apply: false };
    }
    const ends = phase === "last" || phase === "rewind";
    // Behind the end a rewind is a step of its own: who undoes a rejection wants the new text back.
    const alone = this.applied === 0 || this.broken || this.over;
    return { apply: true, stopBefore: alone, stopAfter: ends };
  }

  /** An edit has been applied. */
  landed(phase: Phase): void {
    this.applied += 1;
    if (phase === "last") {
      this.over = true;
    }
  }
}
