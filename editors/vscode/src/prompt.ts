// The box in which a question or an instruction is typed, with those of before to choose from.

import * as vscode from "vscode";
import { kept, remember } from "./core/instructions.ts";
import { withoutPictures } from "./core/words.ts";

/** What was typed, and how the box was left. */
export interface Prompted {
  readonly words: string;
  /** To see what would be sent, instead of sending it. */
  readonly show: boolean;
}

interface Entry extends vscode.QuickPickItem {
  readonly words: string;
}

const SHOW: vscode.QuickInputButton = { iconPath: new vscode.ThemeIcon("eye"), tooltip: "Show exactly what would be sent" };

/** Asks for words. The list of `kind` is kept on this computer. */
export function prompt(
  memory: vscode.Memento,
  kind: "ask" | "rewrite",
  title: string,
  placeholder: string,
): Promise<Prompted | undefined> {
  const key = `instructions.${kind}`;
  const before = kept(memory.get(key));
  const history: Entry[] = before.map((words) => ({ label: `$(history) ${withoutPictures(words)}`, words, alwaysShow: true }));
  const pick = vscode.window.createQuickPick<Entry>();
  pick.title = title;
  pick.placeholder = placeholder;
  pick.buttons = [SHOW];
  pick.items = history;
  pick.ignoreFocusOut = true;
  pick.onDidChangeValue((value) => {
    const typed: Entry = { label: withoutPictures(value), description: "Enter", words: value, alwaysShow: true };
    const fitting = history.filter((entry) => entry.words !== value && entry.words.toLowerCase().includes(value.toLowerCase()));
    pick.items = value.trim() === "" ? history : [typed, ...fitting];
    pick.activeItems = pick.items.slice(0, 1);
  });
  return new Promise((resolve) => {
    const leave = (show: boolean): void => {
      const words = (pick.activeItems[0]?.words ?? pick.value).trim();
      if (words === "") {
        return;
      }
      if (!show) {
        void memory.update(key, remember(before, words));
      }
      resolve({ words, show });
      pick.hide();
    };
    pick.onDidAccept(() => leave(false));
    pick.onDidTriggerButton(() => leave(true));
    pick.onDidHide(() => {
      resolve(undefined);
      pick.dispose();
    });
    pick.show();
  });
}
