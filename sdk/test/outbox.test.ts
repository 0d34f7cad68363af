import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { Emitter } from "../src/emitter.ts";
import { bounded, EVENTS, groups, Outbox, type Parcel } from "../src/outbox.ts";
import { openStorage, type Backing } from "../src/storage.ts";
import { Transport } from "../src/transport.ts";
import { backing, fakeServer } from "./support.ts";

const KEY = "site-key";

function outbox(on: Backing, emitter = new Emitter(), onSent: () => void = () => undefined): Outbox {
  const transport = new Transport({ apiKey: KEY, host: "https://j.example" });
  return new Outbox(openStorage(KEY, on), transport, emitter, onSent);
}

function event(id: string): Parcel {
  return { id, path: EVENTS, body: { id } };
}

function kept(on: ReturnType<typeof backing>): string[] {
  const text = [...on.values.values()][0];
  return text === undefined ? [] : (JSON.parse(text) as Parcel[]).map((parcel) => parcel.id);
}

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
});

test("events go together, in order, and are forgotten when the server has them", async () => {
  const on = backing();
  const { calls } = fakeServer();
  const box = outbox(on);
  for (const parcel of [event("1"), event("2"), { id: "3", path: "identify", body: { id: "3" } }, event("4")])
    box.put(parcel, 5);
  await box.flush();
  assert.deepEqual(
    calls.map(({ url }) => url.split("/api/sdk/")[1]),
    ["events", "identify", "events"],
  );
  assert.deepEqual(calls[0]?.body, { _apiKey: KEY, events: [{ id: "1" }, { id: "2" }] });
  assert.deepEqual(kept(on), []);
});

test("properties that JSON cannot say are an error, do not throw into the page, and harm nothing else", async () => {
  const { calls } = fakeServer();
  const emitter = new Emitter();
  const codes: string[] = [];
  emitter.on("error", ({ code }) => codes.push(code));
  const box = outbox(backing(), emitter);
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  for (const value of [circle, 5n]) box.put({ id: "1", path: EVENTS, body: { value } }, 5);
  box.put(event("2"), 5);
  await box.flush();
  assert.deepEqual(codes, ["not_json", "not_json"]);
  assert.deepEqual(calls[0]?.body.events, [{ id: "2" }]);
});

test("what could not be sent is kept, also by the next page, and sent when the connection is back", async () => {
  const on = backing();
  const first = fakeServer(0);
  const gone = outbox(on);
  gone.put(event("1"), 5);
  await gone.flush();
  assert.equal(first.calls.length, 1);
  assert.deepEqual(kept(on), ["1"]);
  await gone.flush();
  assert.equal(first.calls.length, 1, "it waits before it tries again");
  const second = fakeServer();
  await outbox(on).flush();
  assert.deepEqual(second.calls[0]?.body.events, [{ id: "1" }]);
  assert.deepEqual(kept(on), []);
});

test("it tries again by itself, later each time", async () => {
  const { calls, called } = fakeServer(503, 500);
  const box = outbox(backing());
  box.put(event("1"), 0);
  for (const attempt of [1, 2, 3]) {
    mock.timers.tick(3000);
    await called(attempt);
    await box.flush();
  }
  assert.equal(calls.length, 3);
});

test("what the server refuses for good is dropped and told", async () => {
  const emitter = new Emitter();
  const told: string[] = [];
  emitter.on("error", ({ code, message }) => told.push(`${code}: ${message}`));
  const on = backing();
  fakeServer(400);
  const box = outbox(on, emitter);
  box.put(event("1"), 5);
  await box.flush();
  assert.deepEqual(told, ["refused: no"]);
  assert.deepEqual(kept(on), []);
});

test("one bad event does not take the others with it", async () => {
  const on = backing();
  const { calls } = fakeServer(400, 202, 400);
  const box = outbox(on);
  for (const id of ["1", "2", "3", "4"]) box.put(event(id), 5);
  await box.flush();
  const sent = calls.map(({ body }) => (body.events as { id: string }[]).map(({ id }) => id).join(""));
  assert.deepEqual(sent, ["1234", "1", "2", "34"]);
  assert.deepEqual(kept(on), []);
});

test("events go together again when what was refused is not there any more", async () => {
  const { calls } = fakeServer(400);
  const box = outbox(backing());
  for (const ids of [
    ["1", "2"],
    ["3", "4"],
  ]) {
    for (const id of ids) box.put(event(id), 5);
    await box.flush();
  }
  const sent = calls.map(({ body }) => (body.events as { id: string }[]).map(({ id }) => id).join(""));
  assert.deepEqual(sent, ["12", "1", "2", "34"]);
});

test("tabs of one site take nothing away from each other", async () => {
  const on = backing();
  const [here, there] = [outbox(on), outbox(on)];
  fakeServer(0, 0);
  here.put(event("1"), 5);
  there.put(event("2"), 5);
  assert.deepEqual(kept(on), ["1", "2"]);
  const { calls } = fakeServer();
  await here.flush();
  assert.equal((calls[0]?.body.events as unknown[]).length, 2);
});

test("as the page goes the browser takes over what waits, and it stays kept", () => {
  const on = backing();
  fakeServer();
  const sent: string[] = [];
  Object.defineProperty(globalThis, "navigator", {
    configurable: true,
    value: { sendBeacon: (url: string, body: string) => sent.push(`${url} ${body}`) > 0 },
  });
  const box = outbox(on);
  box.put(event("1"), 10_000);
  box.leave();
  assert.deepEqual(sent, [`https://j.example/api/sdk/events {"_apiKey":"${KEY}","events":[{"id":"1"}]}`]);
  assert.deepEqual(kept(on), ["1"]);
});

test("the newest are kept where there is no room for all", () => {
  const many = Array.from({ length: 700 }, (_, at) => event(String(at)));
  const left = bounded(many);
  assert.equal(left.length, 500);
  assert.equal(left[499]?.id, "699");
  const large = { id: "x", path: EVENTS, body: { text: "x".repeat(200_000) } };
  assert.deepEqual(
    bounded([large, { ...large, id: "y" }]).map(({ id }) => id),
    ["y"],
  );
});

test("what is too large to be kept takes nothing else with it", () => {
  const told: string[] = [];
  const emitter = new Emitter();
  emitter.on("error", ({ code }) => told.push(code));
  const on = backing();
  fakeServer();
  const box = outbox(on, emitter);
  box.put(event("1"), 10_000);
  box.put({ id: "2", path: EVENTS, body: { text: "x".repeat(250_000) } }, 10_000);
  assert.deepEqual(told, ["outbox_full"]);
  assert.deepEqual(kept(on), ["1"]);
});

test("where the page has filled the storage, what happens is sent all the same", async () => {
  const { calls } = fakeServer();
  const box = outbox(backing(10));
  for (const id of ["1", "2"]) box.put(event(id), 5);
  await box.flush();
  await box.flush();
  assert.deepEqual(
    calls.map(({ body }) => body.events),
    [[{ id: "1" }, { id: "2" }]],
  );
});

test("a batch has a limit", () => {
  const many = Array.from({ length: 120 }, (_, at) => event(String(at)));
  assert.deepEqual(
    groups(many).map((group) => group.length),
    [50, 50, 20],
  );
  const long = many.slice(0, 5).map((parcel) => ({ ...parcel, body: { text: "ü".repeat(8000) } }));
  assert.deepEqual(
    groups(long).map((group) => group.length),
    [3, 2],
    "a beacon takes each",
  );
});
