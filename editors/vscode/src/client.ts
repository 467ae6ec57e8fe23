// The language client: what it declares, and where its way of doing things is not ours. Which server it talks to is decided
// in server.ts, what becomes of the server's news by the hooks.

import type { ChildProcess } from "node:child_process";
import * as vscode from "vscode";
import {
  type ClientCapabilities,
  DidChangeConfigurationNotification,
  type ErrorHandler,
  LanguageClient,
  MessageType,
  type ProgressToken,
  RevealOutputChannelOn,
  ShowMessageNotification,
  type ShowMessageParams,
  type StaticFeature,
  type WorkDoneProgressBegin,
  type WorkDoneProgressEnd,
  type WorkDoneProgressReport,
} from "vscode-languageclient/node";
import { handedOn, SECTION } from "./configuration.ts";
import {
  type AnswerNote,
  type EditAnswer,
  type EditRequest,
  type JobNote,
  readAnswer,
  readEdit,
  readJob,
} from "./core/protocol.ts";
import { forNotification } from "./core/words.ts";

/** A step of a job's progress. */
export type Progress = WorkDoneProgressBegin | WorkDoneProgressReport | WorkDoneProgressEnd;

/** Who takes what the server says. */
export interface Hooks {
  job(note: JobNote): void;
  answer(note: AnswerNote): void;
  edit(request: EditRequest): Promise<EditAnswer>;
  progress(job: string, progress: Progress): void;
  /** A command of a code action. */
  command(command: string, argument: unknown): Promise<unknown>;
}

/** Documents that the server is told of. */
export const SELECTOR = [{ scheme: "file" }, { scheme: "untitled" }];

const TOKEN = "ezrouter/";

/** Makes a client that is not started yet. */
export function makeClient(
  log: vscode.LogOutputChannel,
  spawn: () => Promise<ChildProcess>,
  hooks: Hooks,
  errorHandler: ErrorHandler,
): LanguageClient {
  const client: LanguageClient = new Quiet(SECTION, "ezrouter", spawn, {
    documentSelector: SELECTOR,
    outputChannel: log,
    revealOutputChannelOn: RevealOutputChannelOn.Never,
    initializationOptions: handedOn,
    errorHandler,
    middleware: {
      executeCommand: (command, args) => hooks.command(command, args[0]),
      handleWorkDoneProgress: (token, params, next) => {
        const job = jobOf(token);
        if (job === undefined) {
          next(token, params);
        } else {
          hooks.progress(job, params);
        }
      },
      workspace: {
        // The client would send the defaults too, and they would beat the user's own file.
        configuration: async (params, token, next) => {
          const others = await next(params, token);
          return params.items.map((item, index) =>
            item.section === SECTION ? handedOn() : Array.isArray(others) ? others[index] : null,
          );
        },
        didChangeConfiguration: () =>
          client.sendNotification(DidChangeConfigurationNotification.type, { settings: { [SECTION]: handedOn() } }),
      },
    },
  });
  client.registerFeature(new OwnMethods());
  // In place of the client's own way, which would make links of what stands in a message.
  client.onNotification(ShowMessageNotification.type, show);
  client.onNotification("ezrouter/job", (params: unknown) => take(readJob(params), hooks.job, log, "job"));
  client.onNotification("ezrouter/answer", (params: unknown) => take(readAnswer(params), hooks.answer, log, "answer"));
  client.onRequest("ezrouter/applyEdit", async (params: unknown): Promise<EditAnswer> => {
    const request = readEdit(params);
    if (request === undefined) {
      log.error("ezrouter/applyEdit: not understood");
      return { applied: false, version: 0 };
    }
    return hooks.edit(request);
  });
  return client;
}

/** Shows a message of the server. */
function show({ type, message }: ShowMessageParams): void {
  const words = forNotification(message);
  if (type === MessageType.Error) {
    void vscode.window.showErrorMessage(words);
  } else if (type === MessageType.Warning) {
    void vscode.window.showWarningMessage(words);
  } else {
    void vscode.window.showInformationMessage(words);
  }
}

/** Logs what fails, and leaves it to others to tell: the server says itself what the user must know. */
class Quiet extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }
}

/** Tells the server which of its own methods are spoken here. */
class OwnMethods implements StaticFeature {
  fillClientCapabilities(capabilities: ClientCapabilities): void {
    const others: object = typeof capabilities.experimental === "object" ? capabilities.experimental : {};
    capabilities.experimental = { ...others, ezrouter: { jobs: true, answer: true, applyEdit: true } };
  }

  initialize(): void {}

  getState(): { kind: "static" } {
    return { kind: "static" };
  }

  clear(): void {}
}

function jobOf(token: ProgressToken): string | undefined {
  return typeof token === "string" && token.startsWith(TOKEN) ? token.slice(TOKEN.length) : undefined;
}

/** The token of a job's progress. */
export function tokenOf(job: string): string {
  return TOKEN + job;
}

function take<T>(note: T | undefined, hook: (note: T) => void, log: vscode.LogOutputChannel, name: string): void {
  if (note === undefined) {
    log.error(`ezrouter/${name}: not understood`);
  } else {
    hook(note);
  }
}
