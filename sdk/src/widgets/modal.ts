/** Modals and announcements: a dialog with one button. */

import { cardContent } from "./card";
import { openDialog } from "./dialog";
import { actionButton, button } from "./dom";
import { word, type Surroundings, type Widget } from "./widget";

export function drawModal(around: Surroundings): Widget {
  const { document, host } = around;
  const complete = (): void => {
    around.finish("completed");
  };
  const dismiss = document.dismissible
    ? () => {
        around.finish("dismissed");
      }
    : null;
  const end = document.action
    ? actionButton(document.action, complete)
    : button(word(document, "done"), "primary", complete);
  const { nodes, ...names } = cardContent(document, word(document, "close"), dismiss, end);
  return openDialog({ host, ...names, content: nodes, onEscape: dismiss });
}
