// The extension's settings as the editor holds them. What of it the server gets is decided in core/settings.ts.

import * as vscode from "vscode";
import { type Made, section } from "./core/settings.ts";

/** The section of all settings. */
export const SECTION = "ezrouter";

/**
 * A setting that only the user can make: a workspace's value is not even looked at, although the editor, to which these are
 * `machine` or `application` settings, would not give it either.
 */
export function explicit<T = string>(name: string): T | undefined {
  return vscode.workspace.getConfiguration(SECTION).inspect<T>(name)?.globalValue;
}

/** The settings that the server gets. */
export function handedOn(): Record<string, unknown> {
  const settings = vscode.workspace.getConfiguration(SECTION);
  return section((name): Made => {
    const found = settings.inspect(name);
    if (found === undefined) {
      return {};
    }
    // In an untrusted workspace the editor leaves out the workspace's values of the restricted settings.
    return { user: found.globalValue, workspace: found.workspaceValue, folder: found.workspaceFolderValue };
  });
}
