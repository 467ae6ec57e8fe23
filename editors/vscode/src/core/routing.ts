// To which conversation a job belongs. A job's first news may come before the answer to the command that has started it, so
// news of unknown jobs waits while a command is on its way. Knows no editor.

/** Sorts news by conversation; `News` has the id of its job. */
export class Routing<News extends { readonly job: string }> {
  /** Nothing as a place: nobody wants the news any more. */
  private readonly places = new Map<string, string | undefined>();
  private readonly held: News[] = [];
  private commands = 0;
  private readonly deliver: (place: string, news: News) => void;
  private readonly open: (news: News) => string | undefined;

  /** `open` makes a conversation for a job that nobody here has asked for, or says that it needs none. */
  constructor(deliver: (place: string, news: News) => void, open: (news: News) => string | undefined) {
    this.deliver = deliver;
    this.open = open;
  }

  /** A command that will start a job is sent. */
  sent(): void {
    this.commands += 1;
  }

  /** It was answered: with a job, whose news go to `place`, or with a refusal. */
  answered(job: string | undefined, place: string | undefined): void {
    this.commands -= 1;
    if (job !== undefined && place !== undefined) {
      this.places.set(job, place);
    }
    const held = this.held.splice(0);
    for (const news of held) {
      this.take(news);
    }
  }

  /** News of a job. */
  take(news: News): void {
    if (this.places.has(news.job)) {
      const place = this.places.get(news.job);
      if (place !== undefined) {
        this.deliver(place, news);
      }
    } else if (0 < this.commands) {
      this.held.push(news);
    } else {
      const opened = this.open(news);
      if (opened !== undefined) {
        this.places.set(news.job, opened);
        this.deliver(opened, news);
      }
    }
  }

  /** The conversation of a job. */
  place(job: string): string | undefined {
    return this.places.get(job);
  }

  /** A conversation is gone: what still comes of its jobs goes nowhere, and opens no other one. */
  forget(place: string): void {
    for (const [job, known] of this.places) {
      if (known === place) {
        this.places.set(job, undefined);
      }
    }
  }

  /** The server is gone: the next one gives the same names to other jobs. */
  clear(): void {
    this.places.clear();
    this.held.length = 0;
  }
}
