// Versions of the server: read from what `--version` prints, and compared. Knows no editor.

/** The oldest server that this extension can talk to. */
export const OLDEST = "0.1.0";

/** The version in what `ezrouter-lsp --version` prints; nothing if another program printed it. */
export function versionIn(printed: string): string | undefined {
  return /^ezrouter-lsp (\d+\.\d+\.\d+)\b/.exec(printed.trim())?.[1];
}

/** Whether `version` is `oldest` or newer. */
export function isNewEnough(version: string, oldest: string): boolean {
  const [found, wanted] = [version, oldest].map((one) => one.split(".").map(Number));
  for (let index = 0; index < 3; index += 1) {
    const difference = (found?.[index] ?? 0) - (wanted?.[index] ?? 0);
    if (difference !== 0) {
      return 0 < difference;
    }
  }
  return true;
}
