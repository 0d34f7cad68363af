/** Who is on the page: an anonymous id from the first visit on, and a user id once the page has told. */

import { newId } from "./ids";
import type { Storage } from "./storage";

const ANONYMOUS = "anonymousId";
const USER = "userId";

/** How a request names the visitor. */
export type Name = { userId: string } | { anonymousId: string };

export class Visitor {
  private anonymous: string;
  private user: string | null;

  constructor(private readonly storage: Storage) {
    this.anonymous = text(storage.get(ANONYMOUS)) ?? this.renew();
    this.user = text(storage.get(USER));
  }

  get anonymousId(): string {
    return this.anonymous;
  }

  get userId(): string | null {
    return this.user;
  }

  name(): Name {
    return this.user === null ? { anonymousId: this.anonymous } : { userId: this.user };
  }

  /** Remember who the visitor is; true if that was not known. */
  identify(userId: string): boolean {
    const isNew = this.user !== userId;
    this.user = userId;
    this.storage.set(USER, userId);
    return isNew;
  }

  /** Learn who the visitor is from another tab of the site; true if that is news. */
  reread(): boolean {
    const [anonymous, user] = [text(this.storage.get(ANONYMOUS)), text(this.storage.get(USER))];
    const isNew = user !== this.user || (anonymous !== null && anonymous !== this.anonymous);
    this.user = user;
    this.anonymous = anonymous ?? this.anonymous;
    return isNew;
  }

  /** Forget who the visitor was; whoever comes next is somebody else. */
  reset(): void {
    this.user = null;
    this.storage.set(USER, null);
    this.anonymous = this.renew();
  }

  private renew(): string {
    const id = newId();
    this.storage.set(ANONYMOUS, id);
    return id;
  }
}

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
