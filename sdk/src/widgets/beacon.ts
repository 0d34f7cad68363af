/** Beacons: a dot at an element that opens a tooltip. Its button completes the beacon, closing it otherwise dismisses it. */

import { findAnchor, follow } from "./anchor";
import { button } from "./dom";
import { openTooltip } from "./tooltip";
import { word, type Surroundings, type Widget } from "./widget";

const HALF = 14;

export function drawBeacon(around: Surroundings): Widget | null {
  const { document, host } = around;
  const anchor = findAnchor(document.anchor);
  if (!anchor) return null;
  let card: Widget | null = null;
  const dot = button("", "beacon", () => {
    card ??= openTooltip(around, anchor, () => {
      around.finish("dismissed");
    });
    dot.setAttribute("aria-expanded", "true");
  });
  dot.setAttribute("aria-label", document.label || document.title || word(document, "show"));
  dot.setAttribute("aria-haspopup", "dialog");
  dot.setAttribute("aria-expanded", "false");
  host.root.append(dot);
  const unfollow = follow(
    anchor,
    (box) => {
      dot.style.left = `${box.right - HALF}px`;
      dot.style.top = `${box.top - HALF}px`;
    },
    () => {
      around.withdraw();
    },
  );
  return {
    close() {
      unfollow();
      card?.close();
      dot.remove();
    },
  };
}
