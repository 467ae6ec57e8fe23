// The server's life: found, checked, started with the key in its environment, restarted when it has died or when what it was
// started with has changed. What it is used for is not decided here.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { homedir } from "node:os";
import { promisify } from "node:util";
import * as vscode from "vscode";
import {
  CloseAction,
  type CloseHandlerResult,
  ErrorAction,
  ExecuteCommandRequest,
  type LanguageClient,
  State,
} from "vscode-languageclient/node";
import { type Hooks, makeClient } from "./client.ts";
import { explicit } from "./configuration.ts";
import { candidates } from "./core/locate.ts";
import { readKeySource } from "./core/protocol.ts";
import { Restarts } from "./core/restarts.ts";
import { environment } from "./core/settings.ts";
import { isNewEnough, OLDEST, versionIn } from "./core/version.ts";

/** The name under which the key is kept in the editor's secret storage. */
export const SECRET = "ezrouter.apiKey";

/** Commands that send something new to the gateway, and so with the newest key and settings. */
const STARTING = new Set(["ezrouter.ask", "ezrouter.rewrite", "ezrouter.send"]);

/** How long a server may take to answer for the first time, in milliseconds. It takes some ten. */
const START_PATIENCE = 10_000;

/** Who takes what the server says, and what becomes of it. */
export interface ServerHooks extends Hooks {
  /** Whether it is writing something that a restart would break off. */
  isBusy(): boolean;
  /** Whether it is writing nothing, and nothing of it waits for a verdict, which it would not know of after a restart. */
  isIdle(): boolean;
  /** It has ended, and all that it was doing with it. */
  gone(willRestart: boolean): void;
}

const SILENT = `The server did not answer within ${START_PATIENCE / 1000} seconds of its start, so it was ended.`;

/** Why there is no server, in words for the user. */
class Unavailable extends Error {}

/** The server and the connection to it. */
export class Server implements vscode.Disposable {
  private current: LanguageClient;
  private readonly changed = new vscode.EventEmitter<void>();
  /** It has come up, gone down, or been found missing. */
  readonly onDidChange = this.changed.event;
  private readonly restarts = new Restarts();
  private problem: string | undefined;
  private queue: Promise<void> = Promise.resolve();
  private restartWhenIdle = false;
  /** What the newest start has started, if it has got that far. */
  private process: ChildProcess | undefined;
  /** The newest start took too long and was ended here. */
  private overdue = false;

  constructor(
    private readonly context: vscode.ExtensionContext,
    readonly log: vscode.LogOutputChannel,
    private readonly hooks: ServerHooks,
  ) {
    this.current = this.make();
  }

  /** The connection in use. A start takes another one, so nobody keeps it. */
  get client(): LanguageClient {
    return this.current;
  }

  get isRunning(): boolean {
    return this.client.state === State.Running;
  }

  /** Why it does not run, if that is known. */
  get trouble(): string | undefined {
    return this.problem;
  }

  /** Starts it; what stands in the way is shown, with what to do. */
  start(): Promise<void> {
    return this.enqueue(() => this.begin());
  }

  /** Stops it and starts it again, with what has changed since. */
  restart(): Promise<void> {
    this.restarts.reset();
    return this.enqueue(async () => {
      await this.end();
      await this.begin();
    });
  }

  /** Stops it for good. */
  stop(): Promise<void> {
    return this.enqueue(() => this.client.stop().catch(() => undefined));
  }

  /** Restarts it now, or, where that would lose something, as soon as that is over, at the latest for the next question. */
  restartSoon(): void {
    if (this.hooks.isIdle()) {
      void this.restart();
    } else {
      this.restartWhenIdle = true;
    }
  }

  /** Everything it was writing has ended, and has its verdict. */
  idle(): void {
    if (this.restartWhenIdle) {
      this.restartWhenIdle = false;
      void this.restart();
    }
  }

  /**
   * Has it run a command. The server says itself why it refuses one, so a refusal is only logged here.
   * @returns its result, or nothing if it refused.
   */
  async execute(command: string, argument: object = {}): Promise<unknown> {
    if (this.restartWhenIdle && STARTING.has(command) && !this.hooks.isBusy()) {
      this.restartWhenIdle = false;
      await this.restart();
    }
    if (!this.isRunning) {
      await this.start();
    }
    if (!this.isRunning) {
      return undefined;
    }
    try {
      return await this.client.sendRequest(ExecuteCommandRequest.type, { command, arguments: [argument] });
    } catch (error) {
      this.log.warn(`${command}: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  }

  /** Where the server has its key from; `none` if it has none, nothing if that is not known. */
  async keySource(): Promise<string | undefined> {
    return readKeySource(await this.execute("ezrouter.status"));
  }

  dispose(): void {
    this.changed.dispose();
    void this.client.dispose().catch(() => undefined);
  }

  private enqueue(work: () => Promise<void>): Promise<void> {
    this.queue = this.queue.then(work, work);
    return this.queue;
  }

  private make(): LanguageClient {
    this.process = undefined;
    this.overdue = false;
    const client = makeClient(this.log, () => this.spawn(), this.hooks, {
      error: (error) => {
        this.log.error("the connection to the server:", error.message);
        return { action: ErrorAction.Continue, handled: true };
      },
      closed: () => this.closed(),
    });
    client.onDidChangeState(() => this.changed.fire());
    return client;
  }

  private async begin(): Promise<void> {
    if (this.client.state === State.Running) {
      return;
    }
    this.restartWhenIdle = false;
    // A client that has failed once does not start again.
    void this.current.dispose().catch(() => undefined);
    this.current = this.make();
    this.problem = undefined;
    // Nothing else would end a server that says nothing, and whatever is asked meanwhile would wait for it.
    const patience = setTimeout(() => {
      this.overdue = true;
      this.process?.kill("SIGKILL");
    }, START_PATIENCE);
    try {
      await this.client.start();
    } catch (error) {
      this.problem = this.overdue ? SILENT : error instanceof Error ? error.message : String(error);
      this.log.error(this.problem);
      this.changed.fire();
      // One that was there and has ended by itself is taken care of in `closed`.
      if (this.process === undefined || this.overdue) {
        void tellTrouble(this.problem, this.log);
      }
    } finally {
      clearTimeout(patience);
    }
  }

  private async end(): Promise<void> {
    if (this.client.state === State.Running) {
      this.hooks.gone(true);
      await this.client.stop().catch((error: unknown) => this.log.warn("the server did not stop in time:", error));
    }
  }

  /** The server has ended by itself. */
  private closed(): CloseHandlerResult {
    const again = !this.overdue && this.restarts.died(Date.now());
    this.hooks.gone(again);
    if (again) {
      // Behind what the client still has to do with the end of the connection.
      void this.enqueue(async () => {
        await new Promise(setImmediate);
        await this.begin();
      });
    } else if (!this.overdue) {
      this.problem = "The ezrouter server has ended five times within three minutes, so it is not started again.";
      void tellTrouble(this.problem, this.log);
    }
    return { action: CloseAction.DoNotRestart, handled: true, message: "the server has ended" };
  }

  private async spawn(): Promise<ChildProcess> {
    const path = await this.find();
    const key = await this.context.secrets.get(SECRET);
    const own = environment({
      key,
      baseUrl: explicit("baseUrl"),
      offline: explicit<boolean>("offline") === true,
    });
    this.log.info(`starting ${path}`);
    // In the home directory: the open folder is not to be trusted with what is looked for beside a program.
    this.process = spawn(path, ["--stdio"], { cwd: homedir(), env: { ...process.env, ...own }, stdio: "pipe" });
    return this.process;
  }

  /** The first server that is there, if it is new enough. */
  private async find(): Promise<string> {
    const setting = explicit<string>("server.path") ?? "";
    const places = candidates({
      setting,
      extension: this.context.extensionPath,
      home: homedir(),
      path: process.env.PATH ?? "",
      platform: process.platform,
    });
    for (const place of places) {
      const isThere = await access(place.path, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (isThere) {
        await check(place.path);
        return place.path;
      }
    }
    throw new Unavailable(
      setting === ""
        ? "The server ezrouter-lsp was not found, neither with the extension nor on PATH. Install it, or set ezrouter.server.path."
        : `There is no program at ezrouter.server.path: ${setting}. It must be an absolute path.`,
    );
  }
}

/** Fails unless the program is a server that this extension can talk to. */
async function check(path: string): Promise<void> {
  const run = promisify(execFile);
  const { stdout } = await run(path, ["--version"], { cwd: homedir(), timeout: 10_000 }).catch((error: Error) => {
    throw new Unavailable(`${path} does not start: ${error.message}`);
  });
  const version = versionIn(stdout);
  if (version === undefined) {
    throw new Unavailable(`${path} is not an ezrouter-lsp.`);
  }
  if (!isNewEnough(version, OLDEST)) {
    throw new Unavailable(`${path} is version ${version}, and this extension needs ${OLDEST} or newer. Update the server.`);
  }
}

async function tellTrouble(problem: string, log: vscode.LogOutputChannel): Promise<void> {
  const choice = await vscode.window.showErrorMessage(problem, "Try Again", "Open Settings", "Show Log");
  if (choice === "Try Again") {
    await vscode.commands.executeCommand("ezrouter.vscode.restart");
  } else if (choice === "Open Settings") {
    await vscode.commands.executeCommand("workbench.action.openSettings", "ezrouter.server.path");
  } else if (choice === "Show Log") {
    log.show();
  }
}
