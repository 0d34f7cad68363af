/**
 * What to show now, as the server tells it: by a stream while the page is seen, so that a tab in the background holds no
 * connection. Where there is no stream it is asked for after each page view and event.
 */

import { delayMs, type Backoff } from "./backoff";
import { member, type Transport } from "./transport";
import type { ContentItem, ContentType } from "./types";
import type { Name } from "./visitor";

/** An enrollment of the visitor: `in_progress`, or how it ended a moment ago. */
export interface Enrollment {
  id: string;
  journeyId: string;
  status: string;
}

export interface Snapshot {
  items: ContentItem[];
  enrollments: Enrollment[];
}

/** As `EventSource` numbers its states; not every browser has one to ask. */
const [OPEN, CLOSED] = [1, 2];
const AGAIN: Backoff = { firstMs: 1000, mostMs: 60_000 };
/** A journey moves soon after an event, not before the event is answered. */
const ASK_AFTER_MS = [400, 2000, 6000];

export class Feed {
  private stream: EventSource | undefined;
  private name: Name | undefined;
  private failures = 0;
  private timers: ReturnType<typeof setTimeout>[] = [];

  constructor(
    private readonly transport: Transport,
    private readonly wantsStream: boolean,
    private readonly onSnapshot: (snapshot: Snapshot) => void,
  ) {}

  /** Follow what there is for a visitor. */
  follow(name: Name): void {
    this.name = name;
    this.close();
    if (document.visibilityState === "hidden") return;
    if (this.canStream()) this.connect(name);
    else void this.ask();
  }

  /** Something was sent that a journey may react to. */
  stir(): void {
    if (this.stream?.readyState === OPEN) return;
    this.forgetTimers();
    for (const afterMs of ASK_AFTER_MS) this.later(() => void this.ask(), afterMs);
  }

  /** The page is seen again. */
  resume(): void {
    if (this.name && !this.stream) this.follow(this.name);
  }

  close(): void {
    this.forgetTimers();
    this.stream?.close();
    this.stream = undefined;
  }

  private canStream(): boolean {
    return this.wantsStream && typeof EventSource === "function";
  }

  private connect(name: Name): void {
    const stream = new EventSource(this.transport.streamAddress(name));
    this.stream = stream;
    stream.addEventListener("content", (message: MessageEvent<unknown>) => {
      this.failures = 0;
      this.take(parsed(message.data));
    });
    stream.addEventListener("error", () => {
      // The browser connects again by itself, unless the server refused.
      if (stream.readyState === CLOSED && this.stream === stream) this.reconnect(name);
    });
  }

  private reconnect(name: Name): void {
    this.close();
    this.failures += 1;
    void this.ask();
    this.later(
      () => {
        this.follow(name);
      },
      delayMs(AGAIN, this.failures, Math.random()),
    );
  }

  private async ask(): Promise<void> {
    const asked = this.name;
    if (!asked) return;
    const answer = await this.transport.get("journeys", { ...asked });
    // What the stream has said meanwhile is newer.
    const isOvertaken = this.stream?.readyState === OPEN;
    if (answer.kind === "ok" && asked === this.name && !isOvertaken) this.take(answer);
  }

  private take(body: unknown): void {
    this.onSnapshot(readSnapshot(body));
  }

  private later(then: () => void, afterMs: number): void {
    this.timers.push(setTimeout(then, afterMs));
  }

  private forgetTimers(): void {
    for (const timer of this.timers.splice(0)) clearTimeout(timer);
  }
}

/** Read an answer or a message of the stream; what is not understood is left out. */
export function readSnapshot(body: unknown): Snapshot {
  return {
    items: list(member(body, "data")).filter(isItem),
    enrollments: list(member(member(body, "meta"), "enrollments")).filter(isEnrollment),
  };
}

function parsed(text: unknown): unknown {
  try {
    return JSON.parse(String(text)) as unknown;
  } catch {
    return null;
  }
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function hasTexts(value: unknown, ...names: string[]): boolean {
  return names.every((name) => typeof member(value, name) === "string");
}

function isItem(value: unknown): value is ContentItem {
  return (
    hasTexts(value, "enrollmentId", "journeyId", "nodeId", "contentId", "contentType", "since") &&
    TYPES.includes(member(value, "contentType") as ContentType)
  );
}

function isEnrollment(value: unknown): value is Enrollment {
  return hasTexts(value, "id", "journeyId", "status");
}

const TYPES: ContentType[] = ["announcement", "banner", "beacon", "flow", "modal", "survey", "task_list", "tooltip"];
