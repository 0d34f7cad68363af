/** A card beside an element of the page: tooltips, opened beacons and the steps of a flow that have an anchor. */

import { bringIntoView, follow } from "./anchor";
import { h } from "./dom";
import { isTyping, onEscape, rememberFocus } from "./focus";
import type { Host } from "./host";
import { place } from "./placing";
import type { Widget } from "./widget";

export interface PopoverOptions {
  host: Host;
  anchor: Element;
  placement: string;
  /** A ring around the element draws the eye to it. */
  hasRing: boolean;
  labelledBy: string | undefined;
  describedBy: string | undefined;
  content: (Node | null)[];
  /** Escape was pressed; null: the card stays, and Escape is the page's. */
  onEscape: (() => void) | null;
  onLost: () => void;
}

/** Show the card. It takes the focus unless the visitor is writing, and then says aloud that it is there. */
export function openPopover(options: PopoverOptions): Widget {
  const { host, anchor } = options;
  const arrow = h("span", { class: "arrow", "aria-hidden": "true" });
  const card = h(
    "div",
    {
      class: "card",
      role: "dialog",
      tabindex: "-1",
      "aria-modal": "false",
      "aria-labelledby": options.labelledBy,
      "aria-describedby": options.describedBy,
    },
    arrow,
    ...options.content,
  );
  const ring = options.hasRing ? h("div", { class: "ring" }) : null;
  const giveBack = rememberFocus(card);
  host.root.append(...(ring ? [ring, card] : [card]));
  bringIntoView(anchor);
  const unfollow = follow(
    anchor,
    (box) => {
      put(card, arrow, box, options.placement);
      if (ring) surround(ring, box);
    },
    options.onLost,
  );
  const unlisten = options.onEscape && onEscape(options.onEscape);
  if (isTyping()) host.announce(card.textContent);
  else card.focus({ preventScroll: true });
  return {
    close() {
      unfollow();
      unlisten?.();
      giveBack();
      card.remove();
      ring?.remove();
    },
  };
}

function put(card: HTMLElement, arrow: HTMLElement, anchor: DOMRect, wanted: string): void {
  const view = { left: 0, top: 0, width: document.documentElement.clientWidth, height: innerHeight };
  const size = { left: 0, top: 0, width: card.offsetWidth, height: card.offsetHeight };
  const found = place(anchor, size, view, wanted);
  card.style.left = `${found.left}px`;
  card.style.top = `${found.top}px`;
  const isVertical = found.side === "top" || found.side === "bottom";
  arrow.removeAttribute("style");
  arrow.style[isVertical ? "left" : "top"] = `${found.arrow - 6}px`;
  arrow.style[({ top: "bottom", bottom: "top", left: "right", right: "left" } as const)[found.side]] = "-5px";
}

const RING_GAP = 4;

function surround(ring: HTMLElement, box: DOMRect): void {
  ring.style.left = `${box.left - RING_GAP}px`;
  ring.style.top = `${box.top - RING_GAP}px`;
  ring.style.width = `${box.width + 2 * RING_GAP}px`;
  ring.style.height = `${box.height + 2 * RING_GAP}px`;
}
