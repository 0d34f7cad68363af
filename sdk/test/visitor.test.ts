import assert from "node:assert/strict";
import { test } from "node:test";

import { Emitter } from "../src/emitter.ts";
import { Progress } from "../src/progress.ts";
import { openStorage } from "../src/storage.ts";
import { Visitor } from "../src/visitor.ts";
import { backing } from "./support.ts";

test("a visitor keeps an anonymous id until reset", () => {
  const storage = openStorage("k", backing());
  const first = new Visitor(storage);
  assert.equal(new Visitor(storage).anonymousId, first.anonymousId);
  assert.ok(first.identify("u1"));
  assert.ok(!first.identify("u1"));
  assert.deepEqual(new Visitor(storage).name(), { userId: "u1" });
  const before = first.anonymousId;
  first.reset();
  assert.notEqual(first.anonymousId, before);
  assert.deepEqual(new Visitor(storage).name(), { anonymousId: first.anonymousId });
});

test("sites on one page address do not share their storage, and garbage counts as nothing", () => {
  const on = backing();
  openStorage("k1", on).set("x", 1);
  assert.equal(openStorage("k2", on).get("x"), null);
  on.setItem("sojourn:k1:x", "{");
  assert.equal(openStorage("k1", on).get("x"), null);
});

test("journeys begin and end once, even if both were missed", () => {
  const told: string[] = [];
  const emitter = new Emitter();
  emitter.on("journey:start", ({ enrollmentId }) => told.push(`start ${enrollmentId}`));
  emitter.on("journey:complete", ({ enrollmentId, outcome }) => told.push(`${outcome} ${enrollmentId}`));
  const storage = openStorage("k", backing());
  new Progress(storage, emitter).update([{ id: "a", journeyId: "j", status: "in_progress" }]);
  const next = new Progress(storage, emitter);
  const both = [
    { id: "a", journeyId: "j", status: "completed" },
    { id: "b", journeyId: "j", status: "goal_reached" },
  ];
  next.update(both);
  next.update(both);
  next.update([]);
  next.update(both);
  assert.deepEqual(told, ["start a", "completed a", "start b", "goal_reached b"]);
});

test("a listener that throws harms nobody", () => {
  const told: string[] = [];
  const emitter = new Emitter();
  const silent = console.error;
  console.error = () => undefined;
  emitter.on("error", () => {
    throw new Error("mine");
  });
  const listener = ({ code }: { code: string }): unknown => told.push(code);
  emitter.on("error", listener);
  emitter.fail("x", "y");
  emitter.off("error", listener);
  emitter.fail("z", "y");
  console.error = silent;
  assert.deepEqual(told, ["x"]);
});
