/** The element of the page that a widget belongs to. */

/** Return the element, if it is there and seen; a selector that is none finds nothing. */
export function findAnchor(selector: string): Element | null {
  try {
    return [...document.querySelectorAll(selector)].find((each) => each.getClientRects().length > 0) ?? null;
  } catch {
    return null;
  }
}

/** Call `move` with the element's box now and whenever it may have moved, and `lost` once it is gone. Returns how to end that. */
export function follow(anchor: Element, move: (box: DOMRect) => void, lost: () => void): () => void {
  let frame = 0;
  const look = (): void => {
    frame = 0;
    if (anchor.isConnected && anchor.getClientRects().length > 0) move(anchor.getBoundingClientRect());
    else lost();
  };
  const soon = (): void => {
    frame ||= requestAnimationFrame(look);
  };
  const sizes = new ResizeObserver(soon);
  const changes = new MutationObserver(soon);
  sizes.observe(anchor);
  sizes.observe(document.documentElement);
  changes.observe(document.documentElement, { attributes: true, childList: true, subtree: true });
  window.addEventListener("scroll", soon, { capture: true, passive: true });
  window.addEventListener("resize", soon);
  look();
  return () => {
    cancelAnimationFrame(frame);
    sizes.disconnect();
    changes.disconnect();
    window.removeEventListener("scroll", soon, { capture: true });
    window.removeEventListener("resize", soon);
  };
}

export function bringIntoView(anchor: Element): void {
  const { top, bottom } = anchor.getBoundingClientRect();
  if (top >= 0 && bottom <= innerHeight) return;
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  anchor.scrollIntoView({ block: "center", inline: "nearest", behavior: isCalm ? "auto" : "smooth" });
}
