// The choice of a model: the gateway's catalog, and any other name that is typed.

import * as vscode from "vscode";
import { readModels } from "./core/protocol.ts";
import { withoutPictures } from "./core/words.ts";
import type { Server } from "./server.ts";

const KEEP: vscode.QuickInputButton = {
  iconPath: new vscode.ThemeIcon("pin"),
  tooltip: "Select it, and keep it in the settings",
};

interface Entry extends vscode.QuickPickItem {
  readonly id: string;
}

/** Lets the user choose a model, which holds until the server stops; with the pin it is put into the settings too. */
export async function selectModel(server: Server): Promise<string | undefined> {
  const result = await server.execute("ezrouter.models");
  if (result === undefined) {
    return undefined;
  }
  const { ids, model, age } = readModels(result);
  const entries: Entry[] = [...new Set(model === undefined ? ids : [model, ...ids])].map((id) => ({
    id,
    label: withoutPictures(id),
    buttons: [KEEP],
    ...(id === model ? { description: "in force" } : {}),
  }));
  const chosen = await choose(entries, age === undefined);
  if (chosen === undefined) {
    return undefined;
  }
  await server.execute("ezrouter.selectModel", { model: chosen.id });
  if (chosen.keep) {
    await vscode.workspace.getConfiguration("ezrouter").update("model", chosen.id, vscode.ConfigurationTarget.Global);
  }
  return chosen.id;
}

function choose(entries: Entry[], unseen: boolean): Promise<{ id: string; keep: boolean } | undefined> {
  const pick = vscode.window.createQuickPick<Entry>();
  pick.title = "ezrouter: model";
  pick.placeholder = unseen ? "The catalog has not been seen yet; type a model's id" : "Choose a model, or type its id";
  pick.items = entries;
  pick.onDidChangeValue((value) => {
    const typed = value.trim();
    // Behind those that it is a part of: a model may have the beginning of another's id.
    const isKnown = typed === "" || entries.some((entry) => entry.id === typed);
    const other: Entry = {
      id: typed,
      label: withoutPictures(typed),
      description: "not in the catalog",
      buttons: [KEEP],
      alwaysShow: true,
    };
    pick.items = isKnown ? entries : [...entries, other];
  });
  return new Promise((resolve) => {
    pick.onDidAccept(() => {
      const id = pick.activeItems[0]?.id;
      resolve(id === undefined ? undefined : { id, keep: false });
      pick.hide();
    });
    pick.onDidTriggerItemButton(({ item }) => {
      resolve({ id: item.id, keep: true });
      pick.hide();
    });
    pick.onDidHide(() => {
      resolve(undefined);
      pick.dispose();
    });
    pick.show();
  });
}
