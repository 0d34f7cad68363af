/**
 * The documents that content is made of, read leniently: the server has checked them when they were saved, and a page must
 * not break over one that it does not understand.
 */

import { member } from "./transport";
import type { ContentType } from "./types";

export interface Action {
  label: string;
  url: string;
  newTab: boolean;
}

export interface PageMatch {
  matchType: string;
  pattern: string;
}

/** A card with text: what tooltips, modals, banners and the steps of a flow have in common. */
export interface Card {
  title: string;
  body: string;
  image: { url: string; alt: string } | null;
  action: Action | null;
  /** The selector of the element that it belongs to; empty where it belongs to the page. */
  anchor: string;
  placement: string;
  position: string;
  label: string;
  dismissible: boolean;
  /** Where it may be seen; null: everywhere. */
  page: PageMatch | null;
}

export interface Step extends Card {
  /** Whether a click on the anchor leads to the next step, as the button does. */
  advanceOnClick: boolean;
}

export interface Task {
  id: string;
  title: string;
  body: string;
  url: string;
}

export type QuestionKind = "choice" | "choices" | "rating" | "text";

export interface Question {
  id: string;
  kind: QuestionKind;
  prompt: string;
  options: string[];
  scale: number;
  required: boolean;
}

export interface Document extends Card {
  steps: Step[];
  tasks: Task[];
  questions: Question[];
  labels: Partial<Record<string, string>>;
}

/** Return the document, or null if it has nothing that its type needs. */
export function readDocument(type: ContentType, content: unknown): Document | null {
  const document: Document = {
    ...card(content),
    steps: list(content, "steps").map((step) => ({
      ...card(step),
      advanceOnClick: member(step, "advanceOn") === "click",
    })),
    tasks: list(content, "tasks").map(task),
    questions: list(content, "questions").map(question),
    labels: labels(member(content, "labels")),
  };
  return isWhole(type, document) ? document : null;
}

function isWhole(type: ContentType, { anchor, body, questions, steps, tasks, title }: Document): boolean {
  switch (type) {
    case "beacon":
    case "tooltip":
      return anchor !== "" && (body !== "" || title !== "");
    case "flow":
      return steps.length > 0;
    case "survey":
      return questions.length > 0;
    case "task_list":
      return tasks.length > 0;
    default:
      return body !== "" || title !== "";
  }
}

function card(value: unknown): Card {
  const image = member(value, "image");
  const page = member(value, "page");
  return {
    title: text(value, "title"),
    body: text(value, "body"),
    image: text(image, "url") ? { url: text(image, "url"), alt: text(image, "alt") } : null,
    action: action(member(value, "action")),
    anchor: text(value, "anchor"),
    placement: text(value, "placement"),
    position: text(value, "position"),
    label: text(value, "label"),
    dismissible: member(value, "dismissible") !== false,
    page: text(page, "pattern") ? { matchType: text(page, "matchType"), pattern: text(page, "pattern") } : null,
  };
}

function action(value: unknown): Action | null {
  const label = text(value, "label");
  return label ? { label, url: text(value, "url"), newTab: member(value, "newTab") === true } : null;
}

function task(value: unknown, at: number): Task {
  return {
    id: text(value, "id") || String(at),
    title: text(value, "title"),
    body: text(value, "body"),
    url: text(value, "url"),
  };
}

const KINDS = ["choice", "choices", "rating", "text"];

function question(value: unknown, at: number): Question {
  const kind = text(value, "kind");
  const scale = member(value, "scale");
  return {
    id: text(value, "id") || String(at),
    kind: KINDS.includes(kind) ? (kind as QuestionKind) : "text",
    prompt: text(value, "prompt"),
    options: list(value, "options").filter((option) => typeof option === "string"),
    scale: typeof scale === "number" && scale >= 2 && scale <= 11 ? Math.floor(scale) : 5,
    required: member(value, "required") === true,
  };
}

function labels(value: unknown): Partial<Record<string, string>> {
  const entries = typeof value === "object" && value !== null ? Object.entries(value) : [];
  return Object.fromEntries(entries.filter((pair): pair is [string, string] => typeof pair[1] === "string"));
}

function text(value: unknown, name: string): string {
  const found = member(value, name);
  return typeof found === "string" ? found.trim() : "";
}

function list(value: unknown, name: string): unknown[] {
  const found = member(value, name);
  return Array.isArray(found) ? found : [];
}

/** Return whether a card may be seen at an address. */
export function isAt(page: PageMatch | null, url: string): boolean {
  if (!page) return true;
  const { matchType, pattern } = page;
  const { pathname } = new URL(url);
  switch (matchType) {
    case "contains":
      return url.includes(pattern);
    case "startsWith":
      return url.startsWith(pattern) || pathname.startsWith(pattern);
    case "endsWith":
      return url.endsWith(pattern) || pathname.endsWith(pattern);
    default:
      return url === pattern || pathname === pattern;
  }
}
