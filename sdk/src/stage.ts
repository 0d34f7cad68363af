/**
 * What is on the page: follows the list of what the server wants shown, draws what has its place now, one thing at a time
 * where they would stand in each other's way, and reports what became of it.
 */

import { isAt, readDocument, type Document } from "./documents";
import type { Emitter } from "./emitter";
import type { Storage } from "./storage";
import { member } from "./transport";
import type { ContentItem, ContentNotice, Result, Theme } from "./types";
import { DRAW, slotOf } from "./widgets/draw";
import { Host } from "./widgets/host";
import type { Answers, Widget } from "./widgets/widget";

export type Report = (item: ContentItem, result: Result, answers?: Answers) => void;

interface Entry {
  item: ContentItem;
  document: Document;
  slot: string | null;
  widget: Widget | null;
  wasShown: boolean;
}

const KEPT = "content";
const KEPT_MAX = 50;

export class Stage {
  private readonly entries = new Map<string, Entry>();
  /** Finished here; the server may not know yet. */
  private readonly finished = new Set<string>();
  private readonly host: Host;
  private watcher: MutationObserver | undefined;
  private frame = 0;

  constructor(
    private readonly emitter: Emitter,
    private readonly storage: Storage,
    theme: Theme,
    private readonly report: Report,
    /** Whether an earlier page has the answer, and the server may not. */
    private readonly wasAnswered: (item: ContentItem) => boolean,
  ) {
    this.host = new Host(theme);
  }

  /** Take the list of what is to be shown now. What is no longer on it goes without a report. */
  update(items: readonly ContentItem[]): void {
    const named = new Map(items.map((item) => [keyOf(item), item]));
    for (const key of this.finished) if (!named.has(key)) this.finished.delete(key);
    for (const key of this.entries.keys()) if (!named.has(key)) this.drop(key);
    for (const [key, item] of named) if (!this.entries.has(key) && !this.finished.has(key)) this.add(key, item);
    this.refresh();
  }

  /** Look again what has its place: the address or the page has changed. */
  refresh(): void {
    for (const [key, entry] of this.entries) {
      const isHere = isAt(entry.document.page, location.href);
      if (entry.widget && !isHere) this.close(entry);
      else if (!entry.widget && isHere && this.isFree(entry.slot)) this.draw(key, entry);
    }
    this.watch([...this.entries.values()].some((entry) => !entry.widget && isAt(entry.document.page, location.href)));
  }

  clear(): void {
    for (const key of [...this.entries.keys()]) this.drop(key);
    this.finished.clear();
    this.watch(false);
    this.host.remove();
    this.storage.set(KEPT, null);
  }

  private add(key: string, item: ContentItem): void {
    if (this.wasAnswered(item)) {
      this.finished.add(key);
      return;
    }
    const document = readDocument(item.contentType, item.content);
    if (document) {
      const slot = slotOf(item.contentType, document.position);
      this.entries.set(key, { item, document, slot, widget: null, wasShown: false });
    } else {
      this.finished.add(key);
      this.emitter.fail("invalid_content", `content ${item.contentId} is no ${item.contentType}`);
    }
  }

  private isFree(slot: string | null): boolean {
    return slot === null || ![...this.entries.values()].some((entry) => entry.widget && entry.slot === slot);
  }

  private draw(key: string, entry: Entry): void {
    const { item, document } = entry;
    entry.widget = DRAW[item.contentType]({
      host: this.host,
      document,
      finish: (result, answers) => {
        this.finish(key, entry, result, answers);
      },
      withdraw: () => {
        this.close(entry);
        this.soon();
      },
      kept: () => member(this.storage.get(KEPT), key) ?? null,
      keep: (value) => {
        this.keep(key, value);
      },
    });
    // Some content has nothing left to do when it is drawn again.
    if (this.finished.has(key)) this.close(entry);
    if (!entry.widget || entry.wasShown) return;
    entry.wasShown = true;
    this.report(item, "shown");
    this.emitter.emit("content:shown", noticeOf(item));
  }

  private finish(key: string, entry: Entry, result: "completed" | "dismissed", answers: Answers | undefined): void {
    if (this.finished.has(key)) return;
    this.drop(key);
    this.finished.add(key);
    this.keep(key, undefined);
    this.report(entry.item, result, answers);
    this.emitter.emit(`content:${result}`, noticeOf(entry.item));
    this.soon();
  }

  private drop(key: string): void {
    const entry = this.entries.get(key);
    this.entries.delete(key);
    if (entry) this.close(entry);
  }

  private close(entry: Entry): void {
    const widget = entry.widget;
    entry.widget = null;
    widget?.close();
  }

  private keep(key: string, value: unknown): void {
    const kept = Object.entries(this.storage.get(KEPT) ?? {}).filter(([name]) => name !== key);
    if (value !== undefined) kept.push([key, value]);
    this.storage.set(KEPT, Object.fromEntries(kept.slice(-KEPT_MAX)));
  }

  /** Something waits for its place: look whenever the page changes. */
  private watch(isWaiting: boolean): void {
    if (!isWaiting) {
      this.watcher?.disconnect();
      this.watcher = undefined;
    } else if (!this.watcher) {
      this.watcher = new MutationObserver(() => {
        this.soon();
      });
      this.watcher.observe(document.documentElement, { attributes: true, childList: true, subtree: true });
    }
  }

  private soon(): void {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.refresh();
    });
  }
}

function keyOf(item: ContentItem): string {
  return [item.enrollmentId, item.nodeId, item.since].join(":");
}

function noticeOf({ enrollmentId, journeyId, nodeId, contentId, contentType }: ContentItem): ContentNotice {
  return { enrollmentId, journeyId, nodeId, contentId, contentType };
}
