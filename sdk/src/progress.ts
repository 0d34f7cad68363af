/** Which journeys the visitor is in, to tell the page when one begins and ends. */

import type { Emitter } from "./emitter";
import type { Enrollment } from "./feed";
import type { Storage } from "./storage";
import { member } from "./transport";

const KNOWN = "enrollments";
const ACTIVE = "in_progress";
const KNOWN_MAX = 200;

export class Progress {
  constructor(
    private readonly storage: Storage,
    private readonly emitter: Emitter,
  ) {}

  /** Take what is so now. Who came and went between two snapshots is told of as well: first the start, then the end. */
  update(enrollments: readonly Enrollment[]): void {
    const before = this.known();
    const after = new Map(before);
    for (const { id, journeyId, status } of enrollments) {
      const notice = { enrollmentId: id, journeyId };
      if (!before.has(id)) this.emitter.emit("journey:start", notice);
      if (status !== ACTIVE && before.get(id) !== status) {
        this.emitter.emit("journey:complete", { ...notice, outcome: status });
      }
      after.delete(id);
      after.set(id, status);
    }
    this.storage.set(KNOWN, [...after].slice(-KNOWN_MAX));
  }

  forget(): void {
    this.storage.set(KNOWN, null);
  }

  private known(): Map<string, string> {
    const kept = this.storage.get(KNOWN);
    const pairs = Array.isArray(kept) ? kept : [];
    return new Map(pairs.map((pair) => [String(member(pair, "0")), String(member(pair, "1"))]));
  }
}
