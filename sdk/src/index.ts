/** The SDK as a module: one site per page. Nothing here throws; what is wrong is told as an `error` event. */

import { Client } from "./client";
import { Emitter } from "./emitter";
import { settle } from "./options";
import type { EntryData, Events, Listener, Options, Properties } from "./types";

export type * from "./types";

const emitter = new Emitter();
let client: Client | undefined;

/** Begin. A second call has no effect, so it may stand in code that runs for each view. */
export function init(options: Options): void {
  if (client) return;
  const settled = settle(options);
  if (typeof settled === "string") {
    emitter.fail("invalid_options", settled);
    console.error(`Sojourn: ${settled}`);
    return;
  }
  client = new Client(settled, emitter);
  void client.start();
}

/** Say who the visitor is. Traits are merged with those known; what was done before belongs to this user, too. */
export function identify(userId: string, traits: Properties = {}, role?: string): void {
  started()?.identify(userId, traits, role);
}

/** Say that the visitor did something. */
export function track(name: string, properties: Properties = {}): void {
  started()?.track(name, properties);
}

/** Say that the visitor sees a page; needed only with `autoPage: false`. */
export function page(properties: Properties = {}): void {
  started()?.page(properties);
}

/** Forget the visitor, as when somebody logs out. */
export function reset(): void {
  started()?.reset();
}

/** Enroll the visitor in a journey whose trigger is MANUAL, if they are in its audience. */
export function startJourney(journeyId: string, data: EntryData | null = {}): void {
  started()?.startJourney(journeyId, data);
}

export function on<Name extends keyof Events>(name: Name, listener: Listener<Name>): void {
  emitter.on(name, listener);
}

export function off<Name extends keyof Events>(name: Name, listener: Listener<Name>): void {
  emitter.off(name, listener);
}

/** End: take everything off the page. `init` may begin again. */
export function stop(): void {
  client?.stop();
  client = undefined;
}

function started(): Client | undefined {
  if (!client) emitter.fail("not_started", "init comes first");
  return client;
}
