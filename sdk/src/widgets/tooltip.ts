/** Tooltips: a card beside an element. Its button completes it, the cross and Escape dismiss it. */

import { findAnchor } from "./anchor";
import { cardContent } from "./card";
import { actionButton, button } from "./dom";
import { openPopover } from "./popover";
import { word, type Surroundings, type Widget } from "./widget";

export function drawTooltip(around: Surroundings): Widget | null {
  const anchor = findAnchor(around.document.anchor);
  return (
    anchor &&
    openTooltip(around, anchor, () => {
      around.finish("dismissed");
    })
  );
}

/** Open the card of a tooltip or a beacon. */
export function openTooltip(around: Surroundings, anchor: Element, dismiss: () => void): Widget {
  const { document, host } = around;
  const complete = (): void => {
    around.finish("completed");
  };
  const end = document.action
    ? actionButton(document.action, complete)
    : button(word(document, "done"), "primary", complete);
  const { nodes, ...names } = cardContent(
    document,
    word(document, "close"),
    document.dismissible ? dismiss : null,
    end,
  );
  return openPopover({
    host,
    anchor,
    placement: document.placement,
    hasRing: false,
    ...names,
    content: nodes,
    onEscape: document.dismissible ? dismiss : null,
    onLost: () => {
      around.withdraw();
    },
  });
}
