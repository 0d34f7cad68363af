/** A server that remembers what it was told, and a browser's storage. */

import type { Backing } from "../src/storage.ts";

export interface Call {
  url: string;
  body: Record<string, unknown>;
}

/** Replace `fetch`: answers with these statuses in turn, then with 202. Returns the calls, and how to wait for them. */
export function fakeServer(...statuses: number[]): { calls: Call[]; called: (count: number) => Promise<void> } {
  const calls: Call[] = [];
  let wake: () => void = () => undefined;
  globalThis.fetch = (url, init) => {
    calls.push({ url: url as string, body: JSON.parse(init?.body as string) as Record<string, unknown> });
    wake();
    const status = statuses.shift() ?? 202;
    if (status === 0) return Promise.reject(new TypeError("no connection"));
    return Promise.resolve(new Response(JSON.stringify({ data: {}, error: { message: "no" } }), { status }));
  };
  return {
    calls,
    async called(count) {
      while (calls.length < count) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

export function backing(room = Infinity): Backing & { values: Map<string, string> } {
  const values = new Map<string, string>();
  return {
    values,
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => {
      if (value.length > room) throw new DOMException("full", "QuotaExceededError");
      values.set(key, value);
    },
    removeItem: (key) => void values.delete(key),
  };
}
