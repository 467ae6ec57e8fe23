// Words of others in places where the editor would make more of them than words. Knows no editor.

/**
 * Words for a notification. VS Code makes links of `[text](target)` there, also to commands: a gateway, a model or the name of
 * a file must not be able to offer one.
 */
export function forNotification(words: string): string {
  return words.replace(/\](?=\()/g, "] ");
}

/** Words for the name of a document, which stands in an address: half of a character cannot. */
export function forName(words: string): string {
  return words.replace(/[/\\?#%\p{Surrogate}]/gu, "_");
}

/** Words for the status bar and for lists, where `$(name)` is a picture. */
export function withoutPictures(words: string): string {
  return words.replace(/\$(?=\()/g, "$ ");
}
