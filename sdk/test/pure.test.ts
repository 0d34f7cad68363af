import assert from "node:assert/strict";
import { test } from "node:test";

import { delayMs } from "../src/backoff.ts";
import { isAt, readDocument } from "../src/documents.ts";
import { readSnapshot } from "../src/feed.ts";
import { newId } from "../src/ids.ts";
import { settle } from "../src/options.ts";
import { blocks, inlines } from "../src/richtext.ts";
import { retryAfterMs } from "../src/transport.ts";
import { safeUrl } from "../src/urls.ts";
import { stepAt } from "../src/widgets/flow.ts";
import { place } from "../src/widgets/placing.ts";

test("ids are random UUIDs", () => {
  const ids = new Set(Array.from({ length: 100 }, newId));
  assert.equal(ids.size, 100);
  for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test("delays double up to a limit and are spread over their second half", () => {
  const backoff = { firstMs: 1000, mostMs: 5000 };
  assert.deepEqual(
    [1, 2, 3, 4, 1000].map((failures) => delayMs(backoff, failures, 0)),
    [500, 1000, 2000, 2500, 2500],
  );
  assert.equal(delayMs(backoff, 1, 0.5), 750);
});

test("a server's wish for patience is honoured within reason", () => {
  assert.deepEqual(["7", "0", "-3", "soon", null, "999999"].map(retryAfterMs), [7000, 0, 0, 0, 0, 3_600_000]);
});

test("addresses that would run code are no addresses", () => {
  const base = "https://shop.example/a/b";
  assert.equal(safeUrl("../c?d", base), "https://shop.example/c?d");
  assert.equal(safeUrl("mailto:a@b.example", base), "mailto:a@b.example");
  const bad = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    " java\nscript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "blob:https://x/y",
    "http://",
  ];
  for (const url of bad) assert.equal(safeUrl(url, base), null, url);
});

test("markup becomes values; HTML stays text", () => {
  assert.deepEqual(inlines("a **b** *c* `d` [e](/f) <b>g</b>"), [
    { kind: "text", text: "a " },
    { kind: "strong", text: "b" },
    { kind: "text", text: " " },
    { kind: "em", text: "c" },
    { kind: "text", text: " " },
    { kind: "code", text: "d" },
    { kind: "text", text: " " },
    { kind: "link", text: "e", url: "/f" },
    { kind: "text", text: " <b>g</b>" },
  ]);
  assert.deepEqual(inlines("2 * 3 * 4"), [{ kind: "text", text: "2 * 3 * 4" }]);
  assert.deepEqual(
    blocks("a\nb\n\n- c\n- d\n").map((block) => block.kind),
    ["paragraph", "list"],
  );
  assert.deepEqual(blocks("  \n\n"), []);
});

test("documents without what their type needs are none", () => {
  assert.equal(readDocument("tooltip", { body: "x" }), null);
  assert.equal(readDocument("flow", { steps: [] }), null);
  assert.equal(readDocument("modal", null), null);
  assert.equal(readDocument("survey", { questions: "no" }), null);
  const flow = readDocument("flow", {
    steps: [{ body: " x ", anchor: "#a", advanceOn: "click" }],
    labels: { next: "Go", done: 3 },
  });
  assert.equal(flow?.steps[0]?.body, "x");
  assert.equal(flow.steps[0].advanceOnClick, true);
  assert.deepEqual(flow.labels, { next: "Go" });
});

test("a card is seen at the addresses that match", () => {
  const url = "https://shop.example/cart?step=2#pay";
  assert.ok(isAt(null, url));
  for (const [matchType, pattern, expected] of [
    ["exact", "/cart", true],
    ["exact", "/car", false],
    ["contains", "step=2", true],
    ["startsWith", "/ca", true],
    ["startsWith", "https://shop.", true],
    ["endsWith", "#pay", true],
    ["endsWith", "/basket", false],
  ] as const) {
    assert.equal(isAt({ matchType, pattern }, url), expected, `${matchType} ${pattern}`);
  }
});

test("what is not understood in a snapshot is left out", () => {
  const item = {
    enrollmentId: "e",
    journeyId: "j",
    nodeId: "n",
    contentId: "c",
    contentType: "modal",
    content: {},
    since: "s",
  };
  const { items, enrollments } = readSnapshot({
    data: [item, { ...item, contentType: "hologram" }, null, { ...item, nodeId: 7 }],
    meta: { enrollments: [{ id: "e", journeyId: "j", status: "in_progress" }, 4] },
  });
  assert.deepEqual(items, [item]);
  assert.equal(enrollments.length, 1);
  assert.deepEqual(readSnapshot("nonsense"), { items: [], enrollments: [] });
});

test("a flow goes on at a step that it has", () => {
  assert.deepEqual(
    [null, "2", -1, 1.5, 1, 7].map((kept) => stepAt(kept, 3)),
    [0, 0, 0, 0, 1, 2],
  );
});

test("init says what is missing", () => {
  const complaints = [
    [undefined, /object/],
    [{ host: "https://a.example" }, /apiKey/],
    [{ apiKey: "k" }, /host/],
    [{ apiKey: "k", host: "javascript:1" }, /host/],
  ] as const;
  for (const [options, complaint] of complaints) assert.match(settle(options) as string, complaint);
  const settled = settle({ apiKey: "k", host: "https://a.example/journeys/" });
  assert.ok(typeof settled === "object");
  assert.equal(settled.host, "https://a.example/journeys");
  assert.ok(settled.autoPage && settled.stream);
});

test("a card goes where it was asked to if there is room, and stays in the window", () => {
  const view = { left: 0, top: 0, width: 1000, height: 600 };
  const card = { left: 0, top: 0, width: 300, height: 120 };
  const middle = { left: 450, top: 280, width: 100, height: 40 };
  assert.deepEqual(place(middle, card, view, "top"), { side: "top", left: 350, top: 146, arrow: 150 });
  assert.equal(place(middle, card, view, "auto").side, "bottom");
  assert.equal(place({ ...middle, top: 560 }, card, view, "bottom").side, "top");
  const corner = place({ left: 980, top: 0, width: 20, height: 20 }, card, view, "bottom");
  assert.equal(corner.left, 1000 - 300 - 12);
  assert.equal(corner.arrow, 280);
  for (const wanted of ["left", "right", "top", "bottom", "constructor"]) {
    const { left, top } = place(
      { left: 0, top: 0, width: 10, height: 10 },
      card,
      { ...view, width: 320, height: 200 },
      wanted,
    );
    assert.ok(left >= 12 && top >= 12, wanted);
  }
});
