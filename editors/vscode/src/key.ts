// The API key: asked for, kept in the editor's secret storage, and never shown, logged or put into settings.

import * as vscode from "vscode";
import { SECRET, type Server } from "./server.ts";

/** Asks for the key and keeps it. The server is restarted with it when the storage tells the change. */
export async function setKey(secrets: vscode.SecretStorage): Promise<boolean> {
  const key = await vscode.window.showInputBox({
    title: "ezrouter API key",
    prompt: "It is kept in the secret storage of VS Code, and goes to the gateway only.",
    placeHolder: "sk-…",
    password: true,
    ignoreFocusOut: true,
    validateInput: (value) =>
      /^[\x21-\x7e]*$/.test(value.trim()) ? undefined : "A key is one line of letters, digits and dashes.",
  });
  const trimmed = key?.trim();
  if (!trimmed) {
    return false;
  }
  await secrets.store(SECRET, trimmed);
  return true;
}

/** Forgets the key. */
export async function removeKey(secrets: vscode.SecretStorage): Promise<void> {
  await secrets.delete(SECRET);
  void vscode.window.showInformationMessage("The API key was removed from the secret storage of VS Code.");
}

/** Has the server answer from a script. */
export async function tryOffline(): Promise<void> {
  await vscode.workspace.getConfiguration("ezrouter").update("offline", true, vscode.ConfigurationTarget.Global);
  const end = "Stop Trying";
  const words = "Answers are scripted now, and nothing leaves this computer.";
  if ((await vscode.window.showInformationMessage(words, end)) === end) {
    await vscode.workspace.getConfiguration("ezrouter").update("offline", undefined, vscode.ConfigurationTarget.Global);
  }
}

/** Whether a request can be sent; without a key the user is asked for one. */
export async function hasKey(server: Server, secrets: vscode.SecretStorage): Promise<boolean> {
  const source = await server.keySource();
  if (source !== "none") {
    // Why there is no server has been told.
    return server.isRunning;
  }
  const [set, without] = ["Set API Key", "Try Without a Key"];
  const choice = await vscode.window.showWarningMessage(
    "ezrouter needs an API key of your account before it can ask a model.",
    set,
    without,
  );
  if (choice === set) {
    await setKey(secrets);
  } else if (choice === without) {
    void tryOffline();
  }
  return false;
}
