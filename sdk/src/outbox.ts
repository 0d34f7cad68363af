/**
 * What waits to be sent: kept in storage until the server has it, so that it survives a lost connection and a closed
 * page. Everything carries an id by which the server knows a repeat; sending twice is harmless, losing is not.
 */

import { delayMs, type Backoff } from "./backoff";
import type { Emitter } from "./emitter";
import type { Storage } from "./storage";
import { member, type Transport } from "./transport";

export interface Parcel {
  id: string;
  /** Where to; events next to each other go together. */
  path: string;
  body: object;
}

export const EVENTS = "events";
const WAITING = "outbox";
const BATCH_MAX = 50;
const PARCELS_MAX = 500;
const CHARACTERS_MAX = 250_000;
/** Browsers let a page hand over 64 KiB as it goes, so no batch is larger than this unless a single event is. */
const BEACON_MAX = 50_000;
const BRACKETS = 2;
const AGAIN: Backoff = { firstMs: 1000, mostMs: 60_000 };

export class Outbox {
  private failures = 0;
  private notBefore = 0;
  /** Something in a batch was refused: one by one, until it is found. */
  private isSearching = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private sending: Promise<void> | undefined;

  constructor(
    private readonly storage: Storage,
    private readonly transport: Transport,
    private readonly emitter: Emitter,
    /** Called when the server has taken something. */
    private readonly onSent: () => void,
  ) {}

  /** Keep something and send it soon. What comes within `withinMs` goes along. */
  put(parcel: Parcel, withinMs: number): void {
    if (!isSayable(parcel)) {
      this.emitter.fail("not_json", "what JSON cannot say, such as an object in a circle or a BigInt, is not sent");
      return;
    }
    const kept = bounded([...this.waiting(), parcel]);
    if (!kept.includes(parcel)) {
      this.emitter.fail("outbox_full", "what is larger than all that may wait is not sent");
      return;
    }
    this.storage.set(WAITING, kept);
    this.schedule(withinMs);
  }

  /** Return whether something has yet to reach the server, as far as we know. */
  has(id: string): boolean {
    return this.waiting().some((parcel) => parcel.id === id);
  }

  /** Send what waits, now unless the server asked for patience. */
  async flush(): Promise<void> {
    this.sending ??= this.drain().finally(() => {
      this.sending = undefined;
    });
    await this.sending;
  }

  /** The connection is back: what failed may succeed. */
  retry(): void {
    this.failures = 0;
    this.notBefore = 0;
    this.schedule(0);
  }

  /**
   * The page goes. What the browser takes over stays kept as well, since nobody will tell whether it arrived: whoever
   * opens the next page sends it again, and the server knows it by its id.
   */
  leave(): void {
    let room = BEACON_MAX;
    for (const group of groups(this.waiting())) {
      const size = bytesOf(group);
      if (size > room) return;
      room -= size;
      if (!this.transport.beacon(pathOf(group), bodyOf(group))) return;
    }
  }

  private schedule(withinMs: number): void {
    const wait = Math.max(withinMs, this.notBefore - Date.now());
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.flush(), wait);
  }

  private async drain(): Promise<void> {
    for (;;) {
      const group = groups(this.waiting())[0]?.slice(0, this.isSearching ? 1 : BATCH_MAX);
      // Whatever it was has gone, perhaps from another tab.
      if (!group) this.isSearching = false;
      if (!group || Date.now() < this.notBefore) return;
      const answer = await this.transport.post(pathOf(group), bodyOf(group));
      if (answer.kind === "later") {
        this.postpone(answer.afterMs);
        return;
      }
      this.failures = 0;
      const isRefused = answer.kind === "refused";
      this.isSearching = isRefused ? group.length > 1 : this.isSearching;
      if (isRefused && group.length > 1) continue;
      this.forget(group);
      if (answer.kind === "refused") this.emitter.fail("refused", answer.message);
      else this.onSent();
    }
  }

  private postpone(afterMs: number): void {
    this.failures += 1;
    const wait = Math.max(afterMs, delayMs(AGAIN, this.failures, Math.random()));
    this.notBefore = Date.now() + wait;
    this.schedule(wait);
  }

  private forget(sent: readonly Parcel[]): void {
    const ids = new Set(sent.map((parcel) => parcel.id));
    const left = this.waiting().filter((parcel) => !ids.has(parcel.id));
    this.storage.set(WAITING, left.length > 0 ? left : null);
  }

  /** Read anew each time: another tab of the site may have put or sent something. */
  private waiting(): Parcel[] {
    const kept = this.storage.get(WAITING);
    return Array.isArray(kept) ? kept.filter(isParcel) : [];
  }
}

/** Return what of it may be kept: the newest, and the rest where it fits. */
export function bounded(parcels: readonly Parcel[]): Parcel[] {
  const kept: Parcel[] = [];
  let characters = 0;
  for (const parcel of [...parcels].reverse().slice(0, PARCELS_MAX)) {
    characters += JSON.stringify(parcel).length;
    if (characters > CHARACTERS_MAX) break;
    kept.unshift(parcel);
  }
  return kept;
}

/** Part what waits into requests, in order: neighbouring events together, everything else by itself. */
export function groups(parcels: readonly Parcel[]): Parcel[][] {
  const found: Parcel[][] = [];
  let room = 0;
  for (const parcel of parcels) {
    const last = found[found.length - 1];
    const size = bytesOf(parcel);
    const fits = last && last.length < BATCH_MAX && size <= room;
    if (fits && parcel.path === EVENTS && last[0]?.path === EVENTS) last.push(parcel);
    else {
      found.push([parcel]);
      room = BEACON_MAX - BRACKETS;
    }
    room -= size;
  }
  return found;
}

function isSayable(value: object): boolean {
  try {
    JSON.stringify(value);
    return true;
  } catch {
    return false;
  }
}

/** Return how much room something takes in a list of JSON. */
function bytesOf(value: object): number {
  return new TextEncoder().encode(JSON.stringify(value)).length + 1;
}

function pathOf(group: readonly Parcel[]): string {
  return group[0]?.path ?? EVENTS;
}

function bodyOf(group: readonly Parcel[]): object {
  return pathOf(group) === EVENTS ? { events: group.map((parcel) => parcel.body) } : (group[0]?.body ?? {});
}

function isParcel(value: unknown): value is Parcel {
  return (
    typeof member(value, "id") === "string" &&
    typeof member(value, "path") === "string" &&
    typeof member(value, "body") === "object"
  );
}
