// The extension's root: makes the parts, and carries what the server says to those that show it.

import * as vscode from "vscode";
import { WorkDoneProgressCancelNotification } from "vscode-languageclient/node";
import { Answers } from "./answers.ts";
import { SELECTOR, tokenOf } from "./client.ts";
import { register } from "./commands.ts";
import { SECTION } from "./configuration.ts";
import { Jobs } from "./core/jobs.ts";
import { isRunning, type JobNote } from "./core/protocol.ts";
import { forNotification } from "./core/words.ts";
import { Documents } from "./documents.ts";
import { Edits } from "./edits.ts";
import { hasKey } from "./key.ts";
import { Review } from "./review.ts";
import { SECRET, Server, type ServerHooks } from "./server.ts";
import { Status } from "./status.ts";

/** Settings that the server has from its environment, which only a new start changes. */
const FROM_ENVIRONMENT = ["server.path", "baseUrl", "offline"].map((name) => `${SECTION}.${name}`);

let stop: (() => Promise<void>) | undefined;

/** Called by the editor when the extension is wanted. */
export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const log = vscode.window.createOutputChannel("ezrouter", { log: true });
  const jobs = new Jobs();
  let model: string | undefined;
  const uriOf = (document: vscode.TextDocument): string => server.client.code2ProtocolConverter.asUri(document.uri);
  const documentOf = (uri: string): vscode.TextDocument | undefined =>
    vscode.workspace.textDocuments.find((one) => uriOf(one) === uri);

  const edits = new Edits(uriOf, log);
  const documents = new Documents();
  const review = new Review(documentOf, (event) => edits.ownerOf(event));
  const execute = (command: string, argument: object): Promise<unknown> => server.execute(command, argument);
  const answers = new Answers(execute, (uri) => server.client.protocol2CodeConverter.asUri(uri), documents);

  const hooks = carrier({ jobs, edits, review, answers, secrets: context.secrets, server: () => server, status: () => status });
  const server = new Server(context, log, hooks);
  const status = new Status(jobs, uriOf, (job) => {
    void server.client.sendNotification(WorkDoneProgressCancelNotification.type, { token: tokenOf(job) });
  });
  status.server = server;

  const lookForKey = async (): Promise<void> => {
    status.lacksKey = server.isRunning && (await server.keySource()) === "none";
    status.update();
  };
  const running = (here: boolean): JobNote[] => {
    const editor = vscode.window.activeTextEditor;
    return here ? jobs.running(editor && uriOf(editor.document)) : jobs.running();
  };
  context.subscriptions.push(
    log,
    edits,
    documents,
    review,
    answers,
    status,
    server,
    vscode.languages.registerCodeLensProvider(SELECTOR, review),
    register({ context, server, answers, review, documents, running, modelSelected: (chosen) => (model = chosen) }),
    context.secrets.onDidChange(({ key }) => {
      if (key === SECRET) {
        server.restartSoon();
      }
    }),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (FROM_ENVIRONMENT.some((name) => event.affectsConfiguration(name))) {
        server.restartSoon();
      }
    }),
    server.onDidChange(() => {
      if (server.isRunning && model !== undefined) {
        void server.execute("ezrouter.selectModel", { model });
      }
      void lookForKey();
    }),
  );
  stop = () => server.stop();
  await server.start();
}

/** Called by the editor before it ends: the server ends with it. */
export async function deactivate(): Promise<void> {
  await stop?.();
}

/** What the news of the server is carried to. The server and the status bar are made with the carrier, so they come later. */
interface Receivers {
  readonly jobs: Jobs;
  readonly edits: Edits;
  readonly review: Review;
  readonly answers: Answers;
  readonly secrets: vscode.SecretStorage;
  readonly server: () => Server;
  readonly status: () => Status;
}

function carrier({ jobs, edits, review, answers, secrets, server, status }: Receivers): ServerHooks {
  return {
    job: (note) => {
      jobs.take(note);
      edits.note(note);
      if (note.kind === "ask") {
        answers.take(note);
      }
      // An answer in a conversation document that was cut off waits for a verdict as a rewrite does.
      if (note.kind === "rewrite" || !isRunning(note.state)) {
        review.take(note);
      }
      status().update();
      if (jobs.all().length === 0) {
        server().idle();
      }
    },
    answer: (note) => answers.take(note),
    edit: (request) => edits.apply(request),
    progress: (job, progress) => status().progress(job, progress),
    command: (command, argument) => runOffered(command, argument, { server: server(), answers, secrets }),
    isBusy: () => 0 < jobs.running().length,
    isIdle: () => jobs.all().length === 0,
    gone: (willRestart) => {
      const lost = jobs.clear().filter((note) => note.kind === "rewrite" && isRunning(note.state));
      edits.clear();
      answers.end("the server has ended");
      review.clear();
      status().clear();
      if (willRestart) {
        void offerOriginals(lost, server());
      }
    },
  };
}

/** A command of a code action: questions get a thread, and where there is no key the user is asked for one first. */
async function runOffered(
  command: string,
  argument: unknown,
  { server, answers, secrets }: { server: Server; answers: Answers; secrets: vscode.SecretStorage },
): Promise<unknown> {
  const given = typeof argument === "object" && argument !== null ? argument : {};
  const starts = command === "ezrouter.ask" || command === "ezrouter.rewrite";
  if (starts && !(await hasKey(server, secrets))) {
    return undefined;
  }
  if (command === "ezrouter.ask" && "uri" in given && typeof given.uri === "string" && "range" in given) {
    return answers.ask({ ...given, uri: given.uri, range: given.range }, titleOf(given));
  }
  if (command === "ezrouter.retry" && "job" in given && typeof given.job === "string" && answers.has(given.job)) {
    return answers.retry(given.job);
  }
  return server.execute(command, given);
}

/** What is asked, in words. */
function titleOf(argument: object): string {
  if ("question" in argument && typeof argument.question === "string") {
    return argument.question;
  }
  const action = "action" in argument && typeof argument.action === "string" ? argument.action : "question";
  const words = action.replace(/[_.-]+/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The server has died in the middle of rewrites: the next one has their originals. */
async function offerOriginals(lost: JobNote[], server: Server): Promise<void> {
  for (const uri of new Set(lost.map((note) => note.uri))) {
    const name = vscode.Uri.parse(uri).path.split("/").at(-1) ?? uri;
    const restore = "Restore the Original";
    const words = `ezrouter's server ended in the middle of a rewrite of ${forNotification(name)}.`;
    if ((await vscode.window.showWarningMessage(words, restore, "Keep the Text")) === restore) {
      await server.execute("ezrouter.restore", { uri });
    }
  }
}
