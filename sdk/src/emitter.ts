/** Tells the page what happened. A listener that throws harms neither us nor the others. */

import type { Events, Listener } from "./types";

export class Emitter {
  private readonly listeners = new Map<string, Set<(detail: never) => void>>();

  on<Name extends keyof Events>(name: Name, listener: Listener<Name>): void {
    const present = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, present.add(listener));
  }

  off<Name extends keyof Events>(name: Name, listener: Listener<Name>): void {
    this.listeners.get(name)?.delete(listener);
  }

  emit<Name extends keyof Events>(name: Name, detail: Events[Name]): void {
    for (const listener of [...(this.listeners.get(name) ?? [])]) {
      try {
        // What is kept under a name listens to that name.
        (listener as Listener<Name>)(detail);
      } catch (error) {
        console.error("Sojourn: a listener failed", error);
      }
    }
  }

  /** Tell of something that went wrong; nothing that the SDK does throws into the page. */
  fail(code: string, message: string): void {
    this.emit("error", { code, message });
  }
}
