// How often a server that has died is started again: often enough for a mishap, not for ever. Knows no editor and no clock.

const MOST = 4;
const WITHIN_MS = 3 * 60 * 1000;

/** Counts the deaths of a server. */
export class Restarts {
  private deaths: number[] = [];

  /** The server has died at this moment (milliseconds); says whether to start it again. */
  died(now: number): boolean {
    this.deaths = this.deaths.filter((death) => now - death < WITHIN_MS);
    this.deaths.push(now);
    return this.deaths.length <= MOST;
  }

  /** Forgets: the user has started it by hand. */
  reset(): void {
    this.deaths = [];
  }
}
