/** What all widgets have in common. */

import type { Document } from "../documents";
import type { Host } from "./host";

export interface Widget {
  /** Take it off the page. */
  close(): void;
}

/** What a widget may ask of whoever shows it. */
export interface Surroundings {
  host: Host;
  document: Document;
  /** The visitor saw it through, or waved it away. The widget has been closed by then. */
  finish(result: "completed" | "dismissed", answers?: Answers): void;
  /** Its place on the page is gone: it is shown again when the place is back. */
  withdraw(): void;
  /** What the widget kept from an earlier page: the step of a flow, the tasks done. */
  kept: () => unknown;
  keep: (value: unknown) => void;
}

export type Answers = Record<string, string | number | string[]>;

/** Return our own words, or those of the document instead. */
export function word(document: Document, name: keyof typeof WORDS): string {
  return document.labels[name] ?? WORDS[name];
}

const WORDS = {
  back: "Back",
  close: "Close",
  done: "Done",
  next: "Next",
  required: "An answer is needed here.",
  send: "Send",
  show: "Show hint",
};
