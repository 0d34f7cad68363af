/** The inside of a card: title, text, picture, buttons. */

import type { Card } from "../documents";
import { newId } from "../ids";
import { closeButton, h, picture, richText } from "./dom";

export interface CardContent {
  nodes: (Node | null)[];
  labelledBy: string | undefined;
  describedBy: string | undefined;
}

/** Make the content of a card; `onClose` is null where it cannot be waved away. */
export function cardContent(
  card: Card,
  closeLabel: string,
  onClose: (() => void) | null,
  ...footer: Node[]
): CardContent {
  const titleId = newId();
  const bodyId = newId();
  return {
    labelledBy: card.title ? titleId : bodyId,
    describedBy: card.title && card.body ? bodyId : undefined,
    nodes: [
      onClose && closeButton(closeLabel, onClose),
      picture(card.image),
      card.title ? h("h2", { id: titleId }, card.title) : null,
      card.body ? richText(card.body, bodyId) : null,
      footer.length > 0 ? h("div", { class: "row" }, ...footer) : null,
    ],
  };
}
