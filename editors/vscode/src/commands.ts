// The commands of the palette, the menus and the keys. Each gathers what it is about and hands it to the server, which knows
// what to do. The server's own commands (`ezrouter.ask` and the like) are registered by the language client, so ours have
// names of their own.

import * as vscode from "vscode";
import type { Answers } from "./answers.ts";
import type { JobNote } from "./core/protocol.ts";
import type { Documents } from "./documents.ts";
import { hasKey, removeKey, setKey, tryOffline } from "./key.ts";
import { selectModel } from "./models.ts";
import { prompt } from "./prompt.ts";
import type { Review } from "./review.ts";
import type { Server } from "./server.ts";
import { target, targetAndAnswer } from "./target.ts";

/** What the commands work with. */
export interface Parts {
  readonly context: vscode.ExtensionContext;
  readonly server: Server;
  readonly answers: Answers;
  readonly review: Review;
  readonly documents: Documents;
  /** The jobs of the active editor's document, or all. */
  running(here: boolean): JobNote[];
  /** The user has chosen a model, which is to be chosen again after a restart. */
  modelSelected(model: string): void;
}

const PREFIX = "ezrouter.vscode.";

type Handler = (argument?: unknown) => unknown;

/** Registers all commands. */
export function register(parts: Parts): vscode.Disposable {
  const commands: Record<string, Handler> = { ...starting(parts), ...judging(parts), ...threads(parts), ...others(parts) };
  return vscode.Disposable.from(
    ...Object.entries(commands).map(([name, run]) => vscode.commands.registerCommand(PREFIX + name, run)),
  );
}

/** What starts a job. */
function starting(parts: Parts): Record<string, Handler> {
  const { server, answers, context } = parts;
  const ready = (): Promise<boolean> => hasKey(server, context.secrets);
  const asked = async (): Promise<void> => {
    const prompted = await targetAndAnswer(server.client, "around", () =>
      prompt(context.globalState, "ask", "Ask about the selection", "What do you want to know?"),
    );
    if (prompted === undefined) {
      return;
    }
    const { about, answer } = prompted;
    const argument = { ...about, question: answer.words };
    if (answer.show) {
      await server.execute("ezrouter.showRequest", argument);
    } else if (await ready()) {
      await answers.ask(argument, answer.words);
    }
  };
  const rewritten = async (): Promise<void> => {
    const prompted = await targetAndAnswer(server.client, "cursor", ({ isEmpty }) => {
      const title = isEmpty ? "Write at the cursor" : "Rewrite the selection";
      return prompt(context.globalState, "rewrite", title, "What is to be done?");
    });
    if (prompted === undefined) {
      return;
    }
    const { about, answer } = prompted;
    const argument = { ...about, instruction: answer.words };
    if (answer.show) {
      await server.execute("ezrouter.showRequest", argument);
    } else if (await ready()) {
      await server.execute("ezrouter.rewrite", argument);
    }
  };
  return {
    ask: asked,
    rewrite: rewritten,
    explain: async () => {
      const about = await target(server.client, "around");
      return about && (await ready()) && answers.ask({ ...about, action: "explain" }, "Explain");
    },
    fix: async () => {
      const about = await target(server.client, "around");
      return about && (await ready()) && server.execute("ezrouter.rewrite", { ...about, action: "fix" });
    },
    showRequest: async () => {
      const about = await target(server.client, "around");
      return about && server.execute("ezrouter.showRequest", { ...about, action: "explain" });
    },
  };
}

/** What decides about a job. */
function judging(parts: Parts): Record<string, Handler> {
  const { server, review, documents, answers } = parts;
  const pending = (argument: unknown): string | undefined => {
    const named = jobIn(argument);
    const editor = vscode.window.activeTextEditor;
    return named ?? (editor && review.pendingIn(editor.document, editor.selection.active)[0]?.job);
  };
  const judge =
    (command: string): Handler =>
    async (argument) => {
      const job = pending(argument);
      if (job === undefined) {
        void vscode.window.showInformationMessage("There is no rewrite to review in this file.");
        return;
      }
      await server.execute(command, { job });
    };
  return {
    accept: judge("ezrouter.accept"),
    reject: judge("ezrouter.reject"),
    apply: judge("ezrouter.apply"),
    retry: judge("ezrouter.retry"),
    stop: async (argument) => {
      const named = jobIn(argument);
      // The key stops what the user looks at, else the newest; the status bar and the palette stop that too.
      const job = named ?? parts.running(true).at(-1)?.job ?? parts.running(false).at(-1)?.job;
      if (job !== undefined) {
        await server.execute("ezrouter.cancel", { job });
      }
    },
    showChanges: async (argument) => {
      const job = pending(argument);
      const before = job === undefined ? undefined : review.originalOf(job);
      if (before === undefined) {
        await server.execute("ezrouter.showDiff", job === undefined ? {} : { job });
        return;
      }
      const name = vscode.workspace.asRelativePath(before.document.uri).split("/").at(-1) ?? "";
      const original = documents.uri(`original-${job}`, name);
      documents.set(original, before.text);
      await vscode.commands.executeCommand(
        "vscode.diff",
        original,
        before.document.uri,
        `${name} (before and after the rewrite)`,
      );
    },
    retryAnswer: (argument) => withThread(argument, (thread) => answers.again(thread)),
  };
}

/** What stands at a thread of comments. */
function threads({ answers, server }: Parts): Record<string, Handler> {
  const known = (argument: unknown, run: (thread: vscode.CommentThread) => unknown): unknown => {
    const thread = isThread(argument) ? argument : answers.newest();
    if (thread === undefined) {
      void vscode.window.showInformationMessage("There is no answer to show yet.");
      return undefined;
    }
    return run(thread);
  };
  return {
    reply: (argument) => (isReply(argument) ? answers.reply(argument.thread, argument.text) : undefined),
    stopAnswer: (argument) =>
      withThread(argument, (thread) => {
        const job = answers.jobOf(thread);
        return job && server.execute("ezrouter.cancel", { job });
      }),
    openAnswer: (argument) => known(argument, (thread) => answers.preview(thread)),
    copyAnswer: (argument) => known(argument, (thread) => answers.copy(thread)),
    dismissAnswer: (argument) => known(argument, (thread) => answers.dismiss(thread)),
  };
}

/** The rest. */
function others(parts: Parts): Record<string, Handler> {
  const { server, context, documents } = parts;
  return {
    openConversation: () => server.execute("ezrouter.openConversation", here(server)),
    newConversation: async () => {
      if ((await server.execute("ezrouter.newConversation", here(server))) !== undefined) {
        void vscode.window.showInformationMessage("The next question starts a new conversation.");
      }
    },
    send: () => server.execute("ezrouter.send", here(server)),
    selectModel: async () => {
      const model = await selectModel(server);
      if (model !== undefined) {
        parts.modelSelected(model);
      }
    },
    setKey: () => setKey(context.secrets),
    tryOffline: () => tryOffline(),
    removeKey: () => removeKey(context.secrets),
    status: async () => {
      const status = await server.execute("ezrouter.status");
      const uri = documents.uri("status", "ezrouter status.json");
      documents.set(uri, `${JSON.stringify(status ?? { problem: server.trouble ?? "the server does not run" }, undefined, 2)}\n`);
      await vscode.window.showTextDocument(uri);
    },
    restart: () => server.restart(),
    showLog: () => server.log.show(),
    menu: () => vscode.commands.executeCommand("workbench.action.quickOpen", ">ezrouter: "),
  };
}

function here(server: Server): object {
  const document = vscode.window.activeTextEditor?.document;
  return document === undefined ? {} : { uri: server.client.code2ProtocolConverter.asUri(document.uri) };
}

function jobIn(argument: unknown): string | undefined {
  const job: unknown = typeof argument === "object" && argument !== null && "job" in argument ? argument.job : undefined;
  return typeof job === "string" ? job : undefined;
}

function isThread(argument: unknown): argument is vscode.CommentThread {
  return typeof argument === "object" && argument !== null && "comments" in argument && "range" in argument;
}

function isReply(argument: unknown): argument is vscode.CommentReply {
  return typeof argument === "object" && argument !== null && "thread" in argument && "text" in argument;
}

function withThread(argument: unknown, run: (thread: vscode.CommentThread) => unknown): unknown {
  return isThread(argument) ? run(argument) : undefined;
}
