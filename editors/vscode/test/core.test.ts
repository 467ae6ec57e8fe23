// The parts that know no editor.

import assert from "node:assert/strict";
import { test } from "node:test";
import { answerMarkdown, Conversation, documentMarkdown, escaped } from "../src/core/conversation.ts";
import { kept, remember } from "../src/core/instructions.ts";
import { Jobs } from "../src/core/jobs.ts";
import { hunks } from "../src/core/lines.ts";
import { candidates, type Surroundings } from "../src/core/locate.ts";
import { type JobNote, readAnswer, readEdit, readJob, readKeySource, readModels, readStarted } from "../src/core/protocol.ts";
import { Restarts } from "../src/core/restarts.ts";
import { Routing } from "../src/core/routing.ts";
import { enclosing, holds } from "../src/core/selection.ts";
import { environment, HANDED_ON, section } from "../src/core/settings.ts";
import { isNewEnough, versionIn } from "../src/core/version.ts";
import { forName, forNotification, withoutPictures } from "../src/core/words.ts";

const RANGE = { start: { line: 3, character: 0 }, end: { line: 5, character: 0 } };

function note(job: string, state: JobNote["state"], more: Partial<JobNote> = {}): JobNote {
  return {
    job,
    kind: "ask",
    uri: "file:///a.py",
    range: RANGE,
    state,
    parked: false,
    message: undefined,
    usage: undefined,
    ...more,
  };
}

test("the server's messages are read, and what is not one is refused", () => {
  const job = { job: "1", kind: "rewrite", uri: "file:///a.py", range: RANGE, state: "pending", parked: true, later: 1 };
  assert.deepEqual(readJob(job), note("1", "pending", { kind: "rewrite", parked: true }));
  assert.equal(readJob({ ...job, range: null })?.range, undefined);
  assert.equal(
    readJob({ ...job, range: { start: { line: 0.5, character: 0 }, end: { line: 1, character: 0 } } })?.range,
    undefined,
  );
  for (const wrong of [null, 1, "job", [], {}, { ...job, state: "odd" }, { ...job, kind: "" }, { ...job, uri: 7 }]) {
    assert.equal(readJob(wrong), undefined);
  }
  assert.deepEqual(readJob({ ...job, usage: { input: 5, cached: "no", output: -1 } })?.usage, {
    input: 5,
    cached: 0,
    output: 0,
    estimated: false,
  });
  assert.equal(readAnswer({ job: "1", uri: "u", range: null, delta: "x", done: true })?.done, true);
  assert.equal(readAnswer({ job: "1", uri: "u", done: true }), undefined);
});

test("an edit is read whole or not at all", () => {
  const edits = [{ range: RANGE, newText: "x" }];
  const request = { job: "1", seq: 1, phase: "first", edit: { textDocument: { uri: "u", version: 3 }, edits } };
  assert.deepEqual(readEdit(request), { job: "1", phase: "first", uri: "u", version: 3, edits });
  assert.equal(readEdit({ ...request, phase: "final" }), undefined);
  assert.equal(readEdit({ ...request, edit: { textDocument: { uri: "u" }, edits: [{ range: RANGE }] } }), undefined);
  assert.equal(readEdit({ ...request, edit: { textDocument: { uri: "u" }, edits } })?.version, undefined);
});

test("results of commands are read leniently", () => {
  assert.equal(readStarted({ job: "7" }), "7");
  assert.equal(readStarted(null), undefined);
  assert.deepEqual(readModels({ models: [{ id: "a" }, {}, 3], model: "a", age: 2 }), { ids: ["a"], model: "a", age: 2 });
  assert.deepEqual(readModels(undefined), { ids: [], model: undefined, age: undefined });
  assert.equal(readKeySource({ settings: { key: "none" } }), "none");
  assert.equal(readKeySource(undefined), undefined);
});

test("the server is looked for where a workspace has no say", () => {
  const from: Surroundings = {
    setting: "",
    extension: "/ext",
    home: "/home/me",
    path: "/usr/bin:.::bin:/usr/bin:/opt/b",
    platform: "linux",
  };
  const paths = (changes: Partial<Surroundings>): string[] => candidates({ ...from, ...changes }).map((one) => one.path);
  assert.deepEqual(paths({}), ["/ext/server/ezrouter-lsp", "/usr/bin/ezrouter-lsp", "/opt/b/ezrouter-lsp"]);
  assert.deepEqual(paths({ setting: "/own/lsp" }), ["/own/lsp"]);
  assert.deepEqual(paths({ setting: " ~/bin/lsp " }), ["/home/me/bin/lsp"]);
  for (const relative of ["lsp", "./lsp", "$" + "{workspaceFolder}/lsp", "~other/lsp"]) {
    assert.deepEqual(paths({ setting: relative }), [], relative);
  }
  const windows = candidates({ ...from, extension: "C:\\ext", path: 'C:\\bin;"D:\\my bin";bin', platform: "win32" });
  assert.deepEqual(
    windows.map((one) => one.path),
    ["C:\\ext\\server\\ezrouter-lsp.exe", "C:\\bin\\ezrouter-lsp.exe", "D:\\my bin\\ezrouter-lsp.exe"],
  );
});

test("versions", () => {
  assert.equal(versionIn("ezrouter-lsp 0.1.0\n"), "0.1.0");
  assert.equal(versionIn("ezrouter-lsp 1.12.3-rc.1"), "1.12.3");
  assert.equal(versionIn("other 1.0.0"), undefined);
  assert.equal(versionIn(""), undefined);
  const cases: [string, string, boolean][] = [
    ["0.1.0", "0.1.0", true],
    ["0.10.0", "0.9.9", true],
    ["0.1.9", "0.2.0", false],
    ["1.0.0", "0.9.0", true],
  ];
  for (const [found, oldest, enough] of cases) {
    assert.equal(isNewEnough(found, oldest), enough, `${found} ${oldest}`);
  }
});

test("a server that dies again and again is left alone, one that dies now and then is not", () => {
  const often = new Restarts();
  assert.deepEqual(
    [1, 2, 3, 4, 5].map((second) => often.died(second * 1000)),
    [true, true, true, true, false],
  );
  often.reset();
  assert.equal(often.died(6000), true);
  const seldom = new Restarts();
  for (let minute = 0; minute < 20; minute += 1) {
    assert.equal(seldom.died(minute * 60_000), true, `minute ${minute}`);
  }
});

test("instructions are kept newest first, each once, and not without end", () => {
  let list = remember([], " make it short ");
  list = remember(list, "explain");
  list = remember(list, "make it short");
  assert.deepEqual(list, ["make it short", "explain"]);
  assert.deepEqual(remember(list, "  "), list);
  assert.deepEqual(remember(list, "x".repeat(5000)), list);
  for (let index = 0; index < 100; index += 1) {
    list = remember(list, `number ${index}`);
  }
  assert.equal(list.length, 50);
  assert.deepEqual(kept(["a", 1, null, "b"]), ["a", "b"]);
  assert.deepEqual(kept("a"), []);
});

test("the server gets the settings that were made, and no defaults", () => {
  assert.deepEqual(
    section(() => ({})),
    {},
  );
  const made: Record<string, object> = {
    model: { user: "mine", workspace: "theirs" },
    "timeouts.idleS": { user: 5 },
    "timeouts.connectS": { workspace: 6, folder: 7 },
    "rewrite.review": { user: false },
    "server.path": { workspace: "/evil" },
  };
  assert.deepEqual(
    section((name) => made[name] ?? {}),
    { model: "theirs", timeouts: { connectS: 7, idleS: 5 }, rewrite: { review: false } },
  );
  const guards = (made: Record<string, object>): unknown => section((name) => made[name] ?? {});
  assert.deepEqual(guards({ exclude: { user: ["secret/*"], workspace: [], folder: ["*.key", "secret/*"] } }), {
    exclude: ["secret/*", "*.key"],
  });
  assert.deepEqual(guards({ exclude: { user: ["secret/*"], workspace: "none" } }), { exclude: ["secret/*"] });
  assert.deepEqual(guards({ exclude: { user: "secret/*" } }), { exclude: "secret/*" }, "the server says what is wrong");
  assert.deepEqual(guards({ excludeGitignored: { user: true, workspace: false } }), { excludeGitignored: true });
  assert.deepEqual(guards({ excludeGitignored: { user: false } }), { excludeGitignored: false });
  for (const forbidden of ["baseUrl", "apiKeyCommand", "apiKeyFile", "proxy", "caFile", "log", "server.path"]) {
    assert.ok(!HANDED_ON.some((name) => name === forbidden), forbidden);
  }
  assert.deepEqual(environment({ key: "sk-1", baseUrl: "", offline: false }), { EZROUTER_API_KEY: "sk-1" });
  assert.deepEqual(environment({ baseUrl: "https://x", offline: true }), {
    EZROUTER_BASE_URL: "https://x",
    EZROUTER_OFFLINE: "1",
  });
});

test("jobs are known from their first news to their verdict", () => {
  const jobs = new Jobs();
  jobs.take(note("1", "waiting", { kind: "rewrite" }));
  jobs.take(note("2", "streaming", { uri: "file:///b.py" }));
  assert.deepEqual(
    jobs.running("file:///a.py").map((one) => one.job),
    ["1"],
  );
  assert.equal(jobs.running().length, 2);
  const { before } = jobs.take(note("1", "pending", { kind: "rewrite" }));
  assert.equal(before?.state, "waiting");
  assert.equal(jobs.pending("file:///a.py").length, 1);
  jobs.take(note("1", "done", { kind: "rewrite" }));
  assert.equal(jobs.get("1"), undefined);
  assert.equal(jobs.clear().length, 1);
  assert.deepEqual(jobs.all(), []);
});

test("news that come before the answer to their command find their conversation", () => {
  const delivered: string[] = [];
  let opened = 0;
  const routing = new Routing<{ job: string; text: string }>(
    (place, news) => delivered.push(`${place}: ${news.text}`),
    ({ text }) => {
      if (text === "") {
        return undefined;
      }
      opened += 1;
      return `new ${opened}`;
    },
  );
  routing.take({ job: "3", text: "" });
  assert.deepEqual(delivered, []);
  routing.sent();
  routing.take({ job: "1", text: "early" });
  routing.take({ job: "2", text: "another's" });
  assert.deepEqual(delivered, []);
  routing.answered("1", "here");
  assert.deepEqual(delivered, ["here: early", "new 1: another's"]);
  routing.take({ job: "1", text: "late" });
  assert.equal(delivered.at(-1), "here: late");
  routing.sent();
  routing.answered(undefined, undefined);
  routing.forget("here");
  assert.equal(routing.place("1"), undefined);
  const before = [...delivered];
  routing.take({ job: "1", text: "after" });
  assert.deepEqual(delivered, before, "what was put away does not come back");
  routing.clear();
  routing.take({ job: "1", text: "of the next server" });
  assert.equal(delivered.at(-1), "new 2: of the next server");
});

test("a conversation holds questions and answers, and tells how they stand", () => {
  const conversation = new Conversation();
  conversation.ask("1", "Why?");
  assert.equal(answerMarkdown(conversation.exchanges[0] ?? assert.fail()), "*waiting for the model …*");
  conversation.note(note("1", "streaming"));
  conversation.answer({ job: "1", uri: "u", range: undefined, delta: "```\ncode", done: false });
  const streaming = answerMarkdown(conversation.exchanges[0] ?? assert.fail());
  assert.equal(streaming, "```\ncode\n```\n\n---\n*still writing …*");
  conversation.answer({ job: "1", uri: "u", range: undefined, delta: "\n```\n", done: true });
  conversation.note(note("1", "done", { usage: { input: 9, cached: 4, output: 2, estimated: false } }));
  assert.equal(conversation.running, false);
  assert.equal(
    documentMarkdown(conversation),
    "## Why?\n\n```\ncode\n```\n\n---\n*9 tokens in (4 cached), 2 out*\n".replace("Why?", "Why?"),
  );
  conversation.ask("2", "", 0);
  assert.equal(conversation.exchanges.length, 1);
  assert.equal(conversation.newest?.question, "Why?");
  conversation.end("the server has ended");
  assert.equal(answerMarkdown(conversation.newest ?? assert.fail()), "**Failed**: the server has ended");
  conversation.note(note("unknown", "done"));
  assert.equal(conversation.exchanges.length, 1);
  conversation.note(note("2", "waiting"));
  assert.equal(conversation.running, false, "a job of the next server that has the same name");
  conversation.ask("2", "", 0);
  assert.equal(conversation.exchanges.length, 1);
  assert.equal(conversation.newest?.question, "Why?");
  conversation.ask("3", "Which?", -1);
  assert.equal(conversation.exchanges.length, 2, "in the place of an answer that was replaced already");
});

test("words stand in Markdown as words", () => {
  assert.equal(escaped("![x](http://evil)\n# a `b` <c>"), "\\!\\[x\\]\\(http\\://evil\\) \\# a \\`b\\` \\<c\\>");
});

test("others' words are words in notifications and in the status bar", () => {
  assert.equal(forNotification("see [this](command:x) and [that](https://y)"), "see [this] (command:x) and [that] (https://y)");
  assert.equal(forNotification("a[0](b)]("), "a[0] (b)] (");
  assert.equal(withoutPictures("$(gear) costs $ 3 (net)"), "$ (gear) costs $ 3 (net)");
});

test("the name of a document can stand in an address", () => {
  assert.equal(forName("a/b\\c? 50% #1"), "a_b_c_ 50_ _1");
  const cut = `${"x".repeat(39)}\u{1f600}`.slice(0, 40);
  assert.throws(() => encodeURIComponent(cut));
  assert.equal(encodeURIComponent(forName(cut)), `${"x".repeat(39)}_`);
  assert.equal(forName("\u{1f600}"), "\u{1f600}");
});

test("lines that are new, and those that went", () => {
  assert.deepEqual(hunks("a\nb\nc\n", "a\nB\nC\nc\n"), [{ line: 1, added: ["B", "C"], removed: ["b"] }]);
  assert.deepEqual(hunks("a\nb\n", "a\n"), [{ line: 1, added: [], removed: ["b"] }]);
  assert.deepEqual(hunks("a\r\nb\r\n", "a\nb\n"), []);
  assert.deepEqual(hunks("", "x\n"), [{ line: 0, added: ["x"], removed: [] }]);
  const long = "x\n".repeat(4000);
  assert.equal(hunks(long, `${long}y\n`).length, 1);
});

test("with nothing selected the innermost thing is meant", () => {
  const at = (line: number): { line: number; character: number } => ({ line, character: 2 });
  const span = (first: number, last: number): typeof RANGE => ({ start: at(first), end: at(last) });
  const outline = [
    { range: span(0, 9), children: [{ range: span(1, 4), children: [{ range: span(2, 2), children: [] }] }] },
    { range: span(11, 20), children: [] },
  ];
  assert.deepEqual(enclosing(outline, at(2)), span(1, 4));
  assert.deepEqual(enclosing(outline, at(7)), span(0, 9));
  assert.deepEqual(enclosing(outline, at(20)), span(11, 20));
  assert.equal(enclosing(outline, at(10)), undefined);
  assert.ok(holds(span(1, 2), at(1)) && !holds(span(1, 2), { line: 2, character: 3 }));
});
