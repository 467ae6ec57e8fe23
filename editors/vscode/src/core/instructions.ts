// The instructions that were given before, newest first, to be picked again. Knows no editor.

const MOST = 50;
/** What is longer is a text of its own and would only fill the list. */
const LONGEST = 2000;

/** The list with `instruction` at its head. */
export function remember(list: readonly string[], instruction: string): string[] {
  const words = instruction.trim();
  if (words === "" || LONGEST < words.length) {
    return [...list];
  }
  return [words, ...list.filter((one) => one !== words)].slice(0, MOST);
}

/** Reads a list that was kept. */
export function kept(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === "string").slice(0, MOST) : [];
}
