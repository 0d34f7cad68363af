/** Notices every address that a page goes to without being loaded anew: history API, back and forward, fragments. */

export interface Visit {
  url: string;
  title: string;
  referrer: string;
}

export class Navigation {
  private url = location.href;
  private referrer = document.referrer;
  private readonly undo: (() => void)[] = [];

  constructor(private readonly onVisit: (visit: Visit) => void) {}

  start(): void {
    for (const name of ["popstate", "hashchange"] as const) {
      window.addEventListener(name, this.look);
      this.undo.push(() => {
        window.removeEventListener(name, this.look);
      });
    }
    for (const name of ["pushState", "replaceState"] as const) this.undo.push(after(history, name, this.look));
  }

  stop(): void {
    for (const each of this.undo.splice(0)) each();
  }

  /** Where the visitor is now. */
  visit(): Visit {
    return { url: this.url, title: document.title, referrer: this.referrer };
  }

  private readonly look = (): void => {
    if (location.href === this.url) return;
    this.referrer = this.url;
    this.url = location.href;
    const { url, referrer } = this;
    // Whoever changes the address sets the title right after, or leads on to another address at once.
    setTimeout(() => {
      this.onVisit({ url, referrer, title: document.title });
    });
  };
}

/** Have something done after each call of a method; returns how to end that. */
function after(target: History, name: "pushState" | "replaceState", then: () => void): () => void {
  const original = target[name].bind(target);
  const wrapped: History["pushState"] = (...given) => {
    original(...given);
    then();
  };
  target[name] = wrapped;
  return () => {
    if (target[name] === wrapped) target[name] = original;
  };
}
