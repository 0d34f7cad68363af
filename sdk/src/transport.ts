/**
 * Talks to the server. Posts are plain text with the key in the body, as `sendBeacon` needs it: the browser then asks
 * nobody for permission first, which would cost a round trip per address.
 */

import type { Name } from "./visitor";

export type Answer =
  | { kind: "ok"; data: unknown; meta: unknown }
  /** The same request may succeed later, not before `afterMs`. */
  | { kind: "later"; afterMs: number }
  | { kind: "refused"; status: number; message: string };

export interface Endpoint {
  apiKey: string;
  /** Without a slash at the end. */
  host: string;
}

const PATIENCE_MS = 15_000;
const LATER_STATUSES = [408, 425, 429];

export class Transport {
  constructor(private readonly endpoint: Endpoint) {}

  get(path: string, query: Partial<Record<string, string>> = {}): Promise<Answer> {
    return ask(this.address(path, query), { method: "GET" });
  }

  post(path: string, body: object): Promise<Answer> {
    return ask(this.url(path), { method: "POST", body: this.sealed(body) });
  }

  /** Hand something to the browser to send when the page is gone; false if it does not take it. */
  beacon(path: string, body: object): boolean {
    try {
      return navigator.sendBeacon(this.url(path), this.sealed(body));
    } catch {
      return false;
    }
  }

  /** Where the stream of what to show is. */
  streamAddress(name: Name): string {
    return this.address("journeys/stream", { ...name });
  }

  private url(path: string): string {
    return `${this.endpoint.host}/api/sdk/${path}`;
  }

  private address(path: string, query: Partial<Record<string, string>>): string {
    const pairs = new URLSearchParams({ apiKey: this.endpoint.apiKey });
    for (const [key, value] of Object.entries(query)) if (value !== undefined) pairs.set(key, value);
    return `${this.url(path)}?${pairs.toString()}`;
  }

  private sealed(body: object): string {
    return JSON.stringify({ _apiKey: this.endpoint.apiKey, ...body });
  }
}

async function ask(url: string, init: RequestInit): Promise<Answer> {
  const patience = new AbortController();
  const timer = setTimeout(() => {
    patience.abort();
  }, PATIENCE_MS);
  try {
    const response = await fetch(url, { ...init, credentials: "omit", mode: "cors", signal: patience.signal });
    return await read(response);
  } catch {
    return { kind: "later", afterMs: 0 };
  } finally {
    clearTimeout(timer);
  }
}

async function read(response: Response): Promise<Answer> {
  const { status } = response;
  if (status >= 500 || LATER_STATUSES.includes(status)) {
    return { kind: "later", afterMs: retryAfterMs(response.headers.get("retry-after")) };
  }
  const body = await json(response);
  if (status < 300) return { kind: "ok", data: member(body, "data"), meta: member(body, "meta") };
  const message = member(member(body, "error"), "message");
  return { kind: "refused", status, message: typeof message === "string" ? message : `status ${status}` };
}

async function json(response: Response): Promise<unknown> {
  try {
    return (await response.json()) as unknown;
  } catch {
    return null;
  }
}

/** Return how long a server asked us to wait; no longer than an hour. */
export function retryAfterMs(header: string | null): number {
  const seconds = Number(header ?? "");
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 3600) * 1000 : 0;
}

/** Return a member of an object, undefined where there is none. */
export function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
