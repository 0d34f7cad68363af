/** Where a card goes beside its element. Pure. */

export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

export type Side = "top" | "right" | "bottom" | "left";

export interface Place {
  side: Side;
  left: number;
  top: number;
  /** Where the arrow's middle is along the card's edge. */
  arrow: number;
}

const GAP = 14;
const MARGIN = 12;
const ARROW_INSET = 20;
const OPPOSITE: Record<Side, Side> = { top: "bottom", bottom: "top", left: "right", right: "left" };

/** Choose the side that was asked for if there is room, else the opposite, else any, and stay within the window. */
export function place(anchor: Box, card: Box, view: Box, wanted: string): Place {
  const sides = preferred(wanted);
  const side = sides.find((each) => room(each, anchor, view) >= extent(each, card)) ?? widest(anchor, view);
  const isVertical = side === "top" || side === "bottom";
  const middleX = anchor.left + anchor.width / 2;
  const middleY = anchor.top + anchor.height / 2;
  const left = isVertical
    ? clamp(middleX - card.width / 2, MARGIN, view.width - card.width - MARGIN)
    : clamp(
        side === "left" ? anchor.left - card.width - GAP : anchor.left + anchor.width + GAP,
        MARGIN,
        view.width - card.width - MARGIN,
      );
  const top = isVertical
    ? clamp(
        side === "top" ? anchor.top - card.height - GAP : anchor.top + anchor.height + GAP,
        MARGIN,
        view.height - card.height - MARGIN,
      )
    : clamp(middleY - card.height / 2, MARGIN, view.height - card.height - MARGIN);
  const arrow = isVertical
    ? clamp(middleX - left, ARROW_INSET, card.width - ARROW_INSET)
    : clamp(middleY - top, ARROW_INSET, card.height - ARROW_INSET);
  return { side, left, top, arrow };
}

function preferred(wanted: string): Side[] {
  const first: Side = wanted in OPPOSITE ? (wanted as Side) : "bottom";
  return [...new Set<Side>([first, OPPOSITE[first], "bottom", "top", "right", "left"])];
}

function room(side: Side, anchor: Box, view: Box): number {
  switch (side) {
    case "top":
      return anchor.top;
    case "bottom":
      return view.height - anchor.top - anchor.height;
    case "left":
      return anchor.left;
    case "right":
      return view.width - anchor.left - anchor.width;
  }
}

function extent(side: Side, card: Box): number {
  return (side === "top" || side === "bottom" ? card.height : card.width) + GAP + MARGIN;
}

function widest(anchor: Box, view: Box): Side {
  return room("bottom", anchor, view) >= room("top", anchor, view) ? "bottom" : "top";
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(value, most));
}
