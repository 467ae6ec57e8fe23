// What the server is doing, as it tells it: one entry for each job that runs or waits for a verdict. Knows no editor.

import { isRunning, type JobNote } from "./protocol.ts";

/** What has become of a job with a note. */
export interface Turn {
  readonly note: JobNote;
  readonly before: JobNote | undefined;
}

/** The jobs, oldest first. */
export class Jobs {
  private readonly known = new Map<string, JobNote>();

  /** Takes a note; a job that needs nothing more is forgotten. */
  take(note: JobNote): Turn {
    const before = this.known.get(note.job);
    if (isRunning(note.state) || note.state === "pending") {
      this.known.set(note.job, note);
    } else {
      this.known.delete(note.job);
    }
    return { note, before };
  }

  /** The server is gone, and all its jobs with it: gives what they were. */
  clear(): JobNote[] {
    const all = [...this.known.values()];
    this.known.clear();
    return all;
  }

  get(job: string): JobNote | undefined {
    return this.known.get(job);
  }

  all(): JobNote[] {
    return [...this.known.values()];
  }

  running(uri?: string): JobNote[] {
    return this.all().filter((note) => isRunning(note.state) && (uri === undefined || note.uri === uri));
  }

  pending(uri?: string): JobNote[] {
    return this.all().filter((note) => note.state === "pending" && (uri === undefined || note.uri === uri));
  }
}
