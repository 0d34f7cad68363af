/** What the SDK takes and gives: the types that users of the ES module see. */

export type Json = boolean | number | string | null | Json[] | { [key: string]: Json };
export type Properties = Record<string, Json>;

/** What a journey is started with: values of the attributes that its trigger names. */
export type EntryData = Record<string, boolean | number | string>;

export interface Options {
  /** The key of the site. It is public: it may only say what visitors do and ask what to show them. */
  apiKey: string;
  /** Where Sojourn is, such as `https://journeys.example.com`. */
  host: string;
  /** Who the visitor is, if the page knows already; otherwise see `identify`. */
  userId?: string;
  traits?: Properties;
  /** Whether each address that is visited counts as a page view; yes, unless false. */
  autoPage?: boolean;
  /** Whether content comes as a stream; otherwise it is asked for after each page view and event. Yes, unless false. */
  stream?: boolean;
  /** Where what must outlive the page is kept; `memory` keeps nothing in the browser. `localStorage` unless given. */
  persistence?: "localStorage" | "memory";
  theme?: Theme;
}

export interface Theme {
  /** A CSS color of buttons and rings; it needs to contrast with white. */
  accent?: string;
  colorScheme?: "light" | "dark" | "auto";
  zIndex?: number;
}

export type ContentType = "announcement" | "banner" | "beacon" | "flow" | "modal" | "survey" | "task_list" | "tooltip";

/** Something that a step of a journey shows to this visitor now. */
export interface ContentItem {
  enrollmentId: string;
  journeyId: string;
  nodeId: string;
  contentId: string;
  contentType: ContentType;
  /** The document; its shape depends on `contentType`. It came from the server and is read with suspicion. */
  content: unknown;
  /** Tells this visit of the step from another one of the same person. */
  since: string;
}

export type Result = "shown" | "completed" | "dismissed";

export interface ContentNotice {
  enrollmentId: string;
  journeyId: string;
  nodeId: string;
  contentId: string;
  contentType: ContentType;
}

export interface JourneyNotice {
  enrollmentId: string;
  journeyId: string;
}

/** What the page can listen to with `on`. */
export interface Events {
  ready: { anonymousId: string; userId: string | null };
  identify: { userId: string; traits: Properties };
  "journey:start": JourneyNotice;
  "journey:complete": JourneyNotice & { outcome: string };
  "content:shown": ContentNotice;
  "content:completed": ContentNotice;
  "content:dismissed": ContentNotice;
  error: { code: string; message: string };
}

export type Listener<Name extends keyof Events> = (detail: Events[Name]) => void;
