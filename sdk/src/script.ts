/** The SDK for a script tag: `window.Sojourn`. Calls that the snippet took down before are made up for, in order. */

import * as sdk from "./index";

type Call = [name: string, ...given: unknown[]];

interface Stub {
  calls?: unknown;
  stop?: unknown;
}

declare global {
  interface Window {
    Sojourn?: Stub;
  }
}

const before = window.Sojourn;
// A page may name the script twice, as tag managers do: the SDK that is at work stays, or there would be two.
if (typeof before?.stop !== "function") {
  const taken = before?.calls;
  window.Sojourn = sdk;
  if (Array.isArray(taken)) for (const [name, ...given] of taken as Call[]) call(name, given);
}

function call(name: string, given: unknown[]): void {
  const method = (sdk as unknown as Record<string, unknown>)[name];
  if (typeof method === "function") (method as (...given: unknown[]) => void)(...given);
}
