// Which settings the server gets: those that somebody has made, and no defaults, which would beat the user's own file.
// Knows no editor.

/** The settings that are handed on, by their names here; the server takes these spellings. `ezrouter-lsp schema` has the same. */
export const HANDED_ON = [
  "model",
  "surface",
  "maxOutputTokens",
  "thinking",
  "instructions",
  "context.maxBytes",
  "history.scope",
  "history.maxBytes",
  "history.persist",
  "history.keepDays",
  "rewrite.apply",
  "rewrite.review",
  "answer.show",
  "actions",
  "exclude",
  "excludeGitignored",
  "redact",
  "timeouts.connectS",
  "timeouts.firstByteS",
  "timeouts.idleS",
  "retry.attempts",
] as const;

/** A setting as the editor knows it: who has made it, if anybody. */
export interface Made {
  readonly user?: unknown;
  readonly workspace?: unknown;
  readonly folder?: unknown;
}

/** The value in force, if anybody has set one. */
export function inForce(made: Made): unknown {
  return made.folder ?? made.workspace ?? made.user;
}

/**
 * The value that is handed on. What keeps files from being sent is added up: a workspace may keep back more than the user
 * does, and never less.
 */
function handed(name: string, made: Made): unknown {
  const all = [made.user, made.workspace, made.folder];
  if (name === "exclude" && all.some(Array.isArray)) {
    // The user's first: the server reads no more of a list than it takes.
    return [...new Set(all.filter(Array.isArray).flat())];
  }
  if (name === "excludeGitignored" && all.includes(true)) {
    return true;
  }
  return inForce(made);
}

/** The section `ezrouter` as the server gets it. */
export function section(look: (name: string) => Made): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const name of HANDED_ON) {
    const value = handed(name, look(name));
    if (value === undefined) {
      continue;
    }
    const [head, tail] = name.split(".");
    if (head === undefined) {
      continue;
    }
    if (tail === undefined) {
      found[head] = value;
    } else {
      found[head] = { ...(found[head] as object | undefined), [tail]: value };
    }
  }
  return found;
}

/** What the server finds in its environment beside what the editor has: the only way for what must not be in the options. */
export function environment(own: {
  key?: string | undefined;
  baseUrl?: string | undefined;
  offline?: boolean;
}): Record<string, string> {
  const variables: Record<string, string> = {};
  if (own.key) {
    variables.EZROUTER_API_KEY = own.key;
  }
  if (own.baseUrl) {
    variables.EZROUTER_BASE_URL = own.baseUrl;
  }
  if (own.offline) {
    variables.EZROUTER_OFFLINE = "1";
  }
  return variables;
}
