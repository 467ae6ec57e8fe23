// How edits become one undo step, and how a stretch of text is followed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Decision, Joining } from "../src/core/joining.ts";
import { type Change, follow, followAll, type Span } from "../src/core/region.ts";

function apply(joining: Joining, phase: "first" | "next" | "last" | "rewind"): Decision {
  const decision = joining.next(phase);
  if (decision.apply) {
    joining.landed(phase);
  }
  return decision;
}

const INSIDE = { apply: true, stopBefore: false, stopAfter: false };
const ALONE = { apply: true, stopBefore: true, stopAfter: true };

test("edits with nothing between them are one step", () => {
  const joining = new Joining();
  assert.deepEqual(apply(joining, "first"), { ...INSIDE, stopBefore: true });
  assert.deepEqual(apply(joining, "next"), INSIDE);
  assert.deepEqual(apply(joining, "last"), { ...INSIDE, stopAfter: true });
  assert.equal(joining.tell(), true);
});

test("a single edit is a step of its own", () => {
  assert.deepEqual(apply(new Joining(), "last"), ALONE);
});

test("what lies between is told, and the last edit refused once", () => {
  const joining = new Joining();
  apply(joining, "first");
  apply(joining, "next");
  joining.break();
  assert.deepEqual(joining.next("last"), { apply: false });
  assert.equal(joining.tell(), false);
  // The server rewinds and sends the whole.
  assert.deepEqual(apply(joining, "rewind"), ALONE);
  assert.deepEqual(apply(joining, "last"), ALONE);
});

test("a server that sends the last edit all the same has its reasons", () => {
  const joining = new Joining();
  apply(joining, "first");
  apply(joining, "next");
  joining.break();
  assert.deepEqual(joining.next("last"), { apply: false });
  joining.tell();
  assert.deepEqual(apply(joining, "last"), ALONE);
});

test("what comes before the first edit or behind the last parts nothing", () => {
  const joining = new Joining();
  joining.break();
  apply(joining, "first");
  assert.equal(joining.tell(), true);
  apply(joining, "last");
  joining.break();
  assert.equal(joining.tell(), true);
  assert.deepEqual(apply(joining, "rewind"), ALONE, "a rejection can be undone");
});

test("a cancelled rewrite takes its text back in the same step", () => {
  const joining = new Joining();
  apply(joining, "first");
  assert.deepEqual(apply(joining, "rewind"), { ...INSIDE, stopAfter: true });
});

test("a stretch moves with what happens around it", () => {
  const span: Span = { start: 10, end: 20 };
  const cases: [string, Change, boolean, Span][] = [
    ["above", { offset: 2, length: 3, text: "x" }, false, { start: 8, end: 18 }],
    ["below", { offset: 25, length: 3, text: "x" }, false, span],
    ["inside", { offset: 12, length: 2, text: "abcd" }, false, { start: 10, end: 22 }],
    ["at the start", { offset: 10, length: 0, text: "ab" }, false, { start: 12, end: 22 }],
    ["at the end", { offset: 20, length: 0, text: "ab" }, false, span],
    ["own at the start", { offset: 10, length: 0, text: "ab" }, true, { start: 10, end: 22 }],
    ["own at the end", { offset: 20, length: 0, text: "ab" }, true, { start: 10, end: 22 }],
    ["over the start", { offset: 8, length: 4, text: "x" }, false, { start: 9, end: 17 }],
    ["over the end", { offset: 18, length: 4, text: "x" }, false, { start: 10, end: 18 }],
    ["over all", { offset: 5, length: 20, text: "x" }, false, { start: 6, end: 6 }],
    ["the whole", { offset: 10, length: 10, text: "" }, false, { start: 10, end: 10 }],
  ];
  for (const [what, change, own, expected] of cases) {
    assert.deepEqual(follow(span, change, own), expected, what);
  }
});

test("several changes of one event are all told for the text before", () => {
  const changes = [
    { offset: 0, length: 0, text: "ab" },
    { offset: 15, length: 1, text: "" },
    { offset: 30, length: 0, text: "z" },
  ];
  assert.deepEqual(followAll({ start: 10, end: 20 }, changes, false), { start: 12, end: 21 });
});

/** Whole numbers that are the same for the same seed. */
function numbers(seed: number): (most: number) => number {
  let state = seed;
  return (most) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % (most + 1);
  };
}

/** A change that does not cross an end of the stretch: what is put in inside reads `m`, what is put in outside `o`. */
function someChange(random: (most: number) => number, span: Span, length: number): Change {
  const places: [number, number, string][] = [
    [span.start + 1, span.end - 1, "m"],
    [0, span.start, "o"],
    [span.end, length, "o"],
  ];
  const [low, high, letter] = places[random(2)] ?? assert.fail();
  const offset = low + random(high - low);
  return { offset, length: random(high - offset), text: letter.repeat(random(3)) };
}

test("whatever is changed at random, a stretch holds the text that was in it", () => {
  const seed = Number(process.env.EZROUTER_SEED ?? 7);
  console.log(`seed ${seed}`);
  const random = numbers(seed);
  for (let round = 0; round < 500; round += 1) {
    let text = `${"a".repeat(random(10))}[${"m".repeat(random(10))}]${"z".repeat(random(10))}`;
    let span: Span = { start: text.indexOf("["), end: text.indexOf("]") + 1 };
    for (let step = 0; step < 8; step += 1) {
      const change = someChange(random, span, text.length);
      text = text.slice(0, change.offset) + change.text + text.slice(change.offset + change.length);
      span = follow(span, change, false);
      assert.match(text.slice(span.start, span.end), /^\[m*\]$/, `${JSON.stringify(change)} in ${text}`);
    }
  }
});
