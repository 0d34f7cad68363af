/** The element on the page that holds all widgets in its shadow. */

import type { Theme } from "../types";
import { h } from "./dom";
import { STYLES } from "./styles";

const HIGHEST = 2_147_483_000;

export class Host {
  private element: HTMLElement | undefined;
  private shadow: ShadowRoot | undefined;
  private live: HTMLElement | undefined;

  constructor(private readonly theme: Theme) {}

  /** Where widgets go; made when the first one is drawn. */
  get root(): ShadowRoot {
    if (this.shadow && this.element?.isConnected) return this.shadow;
    this.element = h("sojourn-widgets" as "div");
    this.shadow = this.element.attachShadow({ mode: "open" });
    this.dress(this.element, this.shadow);
    this.live = h("div", { class: "live", "aria-live": "polite" });
    this.shadow.append(this.live);
    // Content may come before the page's body has.
    (document.querySelector("body") ?? document.documentElement).append(this.element);
    return this.shadow;
  }

  /** Have a screen reader say something that came up without taking the focus. */
  announce(text: string): void {
    if (this.root.isConnected && this.live) this.live.textContent = text;
  }

  remove(): void {
    this.element?.remove();
    this.element = this.shadow = this.live = undefined;
  }

  private dress(element: HTMLElement, shadow: ShadowRoot): void {
    const { accent, colorScheme, zIndex } = this.theme;
    const isDark = colorScheme === "auto" ? matchMedia("(prefers-color-scheme: dark)").matches : colorScheme === "dark";
    element.dataset.scheme = isDark ? "dark" : "light";
    element.style.setProperty("--z", String(zIndex ?? HIGHEST));
    if (accent !== undefined) element.style.setProperty("--sojourn-accent", accent);
    try {
      // A page's content security policy may forbid style elements, not this.
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLES);
      shadow.adoptedStyleSheets = [sheet];
    } catch {
      shadow.append(h("style", {}, STYLES));
    }
  }
}
