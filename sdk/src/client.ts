/** One site's SDK at work: puts the parts together. */

import { Clicks, type Click } from "./clicks";
import { fetchConfig, keptConfig, type Config } from "./config";
import type { Emitter } from "./emitter";
import { Feed } from "./feed";
import { newId } from "./ids";
import { Navigation, type Visit } from "./navigation";
import { isText, type Settled } from "./options";
import { EVENTS, Outbox } from "./outbox";
import { Progress } from "./progress";
import { Stage, type Report } from "./stage";
import { browserBacking, openStorage, type Storage } from "./storage";
import { Transport } from "./transport";
import type { ContentItem, EntryData, Properties, Result } from "./types";
import { Visitor } from "./visitor";

/** How long events wait for others to go along with. */
const SOON_MS = 1000;
const NOW_MS = 20;

export class Client {
  private readonly storage: Storage;
  private readonly transport: Transport;
  private readonly visitor: Visitor;
  private readonly outbox: Outbox;
  private readonly feed: Feed;
  private readonly progress: Progress;
  private readonly stage: Stage;
  private readonly navigation: Navigation;
  private readonly clicks: Clicks;
  private config: Config;

  constructor(
    private readonly options: Settled,
    private readonly emitter: Emitter,
  ) {
    this.storage = openStorage(options.apiKey, options.persistence === "memory" ? undefined : browserBacking());
    this.transport = new Transport(options);
    this.visitor = new Visitor(this.storage);
    this.config = keptConfig(this.storage);
    this.progress = new Progress(this.storage, emitter);
    this.stage = new Stage(emitter, this.storage, options.theme ?? {}, this.report, this.wasAnswered);
    this.feed = new Feed(this.transport, options.stream, ({ items, enrollments }) => {
      this.progress.update(enrollments);
      this.stage.update(items);
    });
    this.outbox = new Outbox(this.storage, this.transport, emitter, () => {
      this.feed.stir();
    });
    this.navigation = new Navigation(this.arrive);
    this.clicks = new Clicks(this.click, (selector) => {
      emitter.fail("invalid_selector", `no valid selector: ${selector}`);
    });
  }

  /** Begin: watch the page, say that it was visited, and ask what to show. */
  async start(): Promise<void> {
    const { userId, traits } = this.options;
    window.addEventListener("online", this.online);
    window.addEventListener("pagehide", this.leave);
    window.addEventListener("pageshow", this.seen);
    window.addEventListener("storage", this.elsewhere);
    document.addEventListener("visibilitychange", this.seen);
    this.navigation.start();
    this.clicks.start();
    this.clicks.watch(this.config.selectors);
    if (isText(userId)) this.identify(userId, traits ?? {});
    if (this.options.autoPage) this.page();
    void this.outbox.flush();
    this.feed.follow(this.visitor.name());
    const config = await fetchConfig(this.transport, this.storage);
    if (config) {
      this.config = config;
      this.clicks.watch(config.selectors);
    } else {
      this.emitter.fail("config_unavailable", "the configuration of the site could not be had");
    }
    this.emitter.emit("ready", { anonymousId: this.visitor.anonymousId, userId: this.visitor.userId });
  }

  identify(userId: string, traits: Properties, role?: string): void {
    if (!isText(userId)) {
      this.emitter.fail("invalid_user", "identify takes the id of the user");
      return;
    }
    const isNew = this.visitor.identify(userId);
    const { anonymousId } = this.visitor;
    const body = { id: newId(), userId, anonymousId, traits, ...(role === undefined ? {} : { role }) };
    this.outbox.put({ id: body.id, path: "identify", body }, NOW_MS);
    this.emitter.emit("identify", { userId, traits });
    if (isNew) this.feed.follow(this.visitor.name());
  }

  track(name: string, properties: Properties): void {
    if (!isText(name)) {
      this.emitter.fail("invalid_event", "track takes the name of the event");
      return;
    }
    this.say({ type: "CUSTOM", name, properties }, this.config.events.includes(name) ? NOW_MS : SOON_MS);
  }

  page(properties: Properties = {}, { url, title, referrer }: Visit = this.navigation.visit()): void {
    this.say({ type: "PAGE_VIEW", url, properties: { title, referrer, ...properties } }, NOW_MS);
    this.stage.refresh();
  }

  startJourney(journeyId: string, data: EntryData | null = {}): void {
    if (!isText(journeyId)) {
      this.emitter.fail("invalid_journey", "startJourney takes the id of the journey");
      return;
    }
    const id = newId();
    const body = { id, ...this.visitor.name(), data: texts(data ?? {}) };
    this.outbox.put({ id, path: `journeys/${encodeURIComponent(journeyId)}/start`, body }, NOW_MS);
  }

  /** Forget the visitor: whoever comes next is somebody else. What waits to be sent still is. */
  reset(): void {
    this.visitor.reset();
    this.progress.forget();
    this.stage.clear();
    this.feed.follow(this.visitor.name());
  }

  /** End everything, as if the SDK had never been here. */
  stop(): void {
    window.removeEventListener("online", this.online);
    window.removeEventListener("pagehide", this.leave);
    window.removeEventListener("pageshow", this.seen);
    window.removeEventListener("storage", this.elsewhere);
    document.removeEventListener("visibilitychange", this.seen);
    this.navigation.stop();
    this.clicks.stop();
    this.feed.close();
    this.stage.clear();
  }

  private say(what: object, withinMs: number): void {
    const id = newId();
    const body = { id, timestamp: new Date().toISOString(), url: location.href, ...this.visitor.name(), ...what };
    this.outbox.put({ id, path: EVENTS, body }, withinMs);
  }

  private readonly report: Report = (item, result, answers) => {
    // The same id for the same fact: whoever sees a banner on ten pages has been shown it once.
    const id = reportId(item, result);
    const path = `journeys/${encodeURIComponent(item.enrollmentId)}/nodes/${encodeURIComponent(item.nodeId)}`;
    const body = { id, result, since: item.since, ...(answers ? { answers } : {}) };
    this.outbox.put({ id, path, body }, NOW_MS);
  };

  private readonly wasAnswered = (item: ContentItem): boolean =>
    this.outbox.has(reportId(item, "completed")) || this.outbox.has(reportId(item, "dismissed"));

  private readonly arrive = (visit: Visit): void => {
    if (this.options.autoPage) this.page({}, visit);
    else this.stage.refresh();
  };

  private readonly click = ({ selector, url, text }: Click): void => {
    this.say({ type: "CLICK", url, properties: { selector, text } }, NOW_MS);
  };

  private readonly online = (): void => {
    this.outbox.retry();
    this.feed.resume();
  };

  private readonly leave = (): void => {
    this.outbox.leave();
    this.feed.close();
  };

  /** In another tab the visitor has signed in or out: here they are the same. */
  private readonly elsewhere = (): void => {
    if (this.visitor.reread()) this.feed.follow(this.visitor.name());
  };

  private readonly seen = (): void => {
    if (document.visibilityState === "hidden") this.leave();
    else this.feed.resume();
  };
}

function reportId(item: ContentItem, result: Result): string {
  return [item.enrollmentId, item.nodeId, item.since, result].join(":");
}

/** The server keeps texts. What has none stays what it is, and the server says so. */
function texts(data: Properties): Properties {
  return Object.fromEntries(
    Object.entries(data).map(([name, value]) => [name, typeof value === "object" ? value : String(value)]),
  );
}
