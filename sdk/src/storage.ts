/**
 * What outlives the page: values in `localStorage` under one prefix per site. What that refuses, because the page may not
 * use it or has filled it, lives as long as the page.
 */

export interface Storage {
  get(name: string): unknown;
  /** Keep a value. Null takes it away. */
  set(name: string, value: unknown): void;
}

/** The part of `localStorage` that is used. */
export interface Backing {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** Open the storage of a site. A key is public, but long: its first characters tell sites apart well enough. */
export function openStorage(apiKey: string, backing: Backing = memory()): Storage {
  const prefix = `sojourn:${apiKey.slice(0, 24)}:`;
  const refused = new Map<string, unknown>();
  return {
    get(name) {
      if (refused.has(name)) return refused.get(name);
      try {
        return JSON.parse(backing.getItem(prefix + name) ?? "null") as unknown;
      } catch {
        return null;
      }
    },
    set(name, value) {
      try {
        if (value === null) backing.removeItem(prefix + name);
        else backing.setItem(prefix + name, JSON.stringify(value));
        refused.delete(name);
      } catch {
        refused.set(name, value);
      }
    },
  };
}

/** Return the browser's storage if this page may use it. */
export function browserBacking(): Backing | undefined {
  try {
    const probe = "sojourn:probe";
    localStorage.setItem(probe, "1");
    localStorage.removeItem(probe);
    return localStorage;
  } catch {
    return undefined;
  }
}

function memory(): Backing {
  const values = new Map<string, string>();
  return {
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => void values.set(key, value),
    removeItem: (key) => void values.delete(key),
  };
}
