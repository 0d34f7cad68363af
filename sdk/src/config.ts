/** What the server wants to be told of, kept from the last page for the time until it has answered on this one. */

import type { Storage } from "./storage";
import { member, type Transport } from "./transport";

export interface Config {
  /** Elements whose clicks matter to a running journey. */
  selectors: string[];
  /** Events that a running journey reacts to: they are sent at once. */
  events: string[];
}

const KEPT = "config";

export function keptConfig(storage: Storage): Config {
  return read(storage.get(KEPT));
}

/** Ask for the present configuration; null if that failed. */
export async function fetchConfig(transport: Transport, storage: Storage): Promise<Config | null> {
  const answer = await transport.get("config");
  if (answer.kind !== "ok") return null;
  const config = read(member(answer.data, "watch"));
  storage.set(KEPT, config);
  return config;
}

function read(watch: unknown): Config {
  return { selectors: texts(member(watch, "selectors")), events: texts(member(watch, "events")) };
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}
