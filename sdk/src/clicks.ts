/** Notices clicks on the elements that running journeys name, by one listener for the whole page. */

export interface Click {
  selector: string;
  url: string;
  text: string;
}

const TEXT_MAX = 200;

export class Clicks {
  private selectors: string[] = [];

  constructor(
    private readonly onClick: (click: Click) => void,
    private readonly onInvalid: (selector: string) => void,
  ) {}

  /** Watch these selectors from now on. */
  watch(selectors: readonly string[]): void {
    this.selectors = selectors.filter((selector) => {
      const isValid = matches(document.documentElement, selector) !== null;
      if (!isValid) this.onInvalid(selector);
      return isValid;
    });
  }

  start(): void {
    // While it goes down, so that a page which stops the click on its way up is no hindrance.
    document.addEventListener("click", this.look, { capture: true });
  }

  stop(): void {
    document.removeEventListener("click", this.look, { capture: true });
  }

  private readonly look = (happened: Event): void => {
    const target = happened.composedPath()[0] ?? happened.target;
    if (!(target instanceof Element)) return;
    for (const selector of this.selectors) {
      const element = target.closest(selector);
      if (element) this.onClick({ selector, url: location.href, text: label(element) });
    }
  };
}

function label(element: Element): string {
  const words = element.textContent.trim();
  const said = words === "" ? (element.getAttribute("aria-label") ?? "") : words;
  return said.trim().replace(/\s+/g, " ").slice(0, TEXT_MAX);
}

/** Return whether an element matches; null if the selector is none. */
function matches(element: Element, selector: string): boolean | null {
  try {
    return element.matches(selector);
  } catch {
    return null;
  }
}
