/** Reads what the page passed to `init`: it may come from untyped code. */

import type { Options } from "./types";

export interface Settled extends Options {
  host: string;
  autoPage: boolean;
  stream: boolean;
}

/** Return the options with what was left out, or what is wrong with them. */
export function settle(options: unknown): Settled | string {
  if (typeof options !== "object" || options === null) return "init takes an object";
  const given = options as Options;
  if (!isText(given.apiKey)) return "apiKey is missing: the key of the site";
  const host = isText(given.host) ? origin(given.host) : null;
  if (host === null) return "host is missing: the http or https address of the server";
  return { ...given, host, autoPage: given.autoPage !== false, stream: given.stream !== false };
}

function origin(host: string): string | null {
  try {
    const url = new URL(host);
    return /^https?:$/.test(url.protocol) ? (url.origin + url.pathname).replace(/\/+$/, "") : null;
  } catch {
    return null;
  }
}

export function isText(value: unknown): value is string {
  return typeof value === "string" && value.trim() !== "";
}
