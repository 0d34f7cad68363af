/** A dialog over the page. The browser's own element: everything behind it is out of reach until it closes. */

import { h } from "./dom";
import { rememberFocus, trapFocus } from "./focus";
import type { Host } from "./host";
import type { Widget } from "./widget";

export interface DialogOptions {
  host: Host;
  labelledBy: string | undefined;
  describedBy: string | undefined;
  content: (Node | null)[];
  /** Escape was pressed, or the gesture that leads back on a phone; null: the dialog stays. */
  onEscape: (() => void) | null;
}

export function openDialog(options: DialogOptions): Widget {
  const dialog = h(
    "dialog",
    {
      tabindex: "-1",
      "aria-modal": "true",
      "aria-labelledby": options.labelledBy,
      "aria-describedby": options.describedBy,
    },
    ...options.content,
  );
  const giveBack = rememberFocus(dialog);
  trapFocus(dialog);
  dialog.addEventListener("keydown", (pressed) => {
    // What the page does at a key is not meant for us, and what we do is not for the page.
    pressed.stopPropagation();
    if (pressed.key !== "Escape") return;
    pressed.preventDefault();
    options.onEscape?.();
  });
  dialog.addEventListener("cancel", (asked) => {
    asked.preventDefault();
    options.onEscape?.();
  });
  options.host.root.append(dialog);
  dialog.showModal();
  dialog.focus({ preventScroll: true });
  return {
    close() {
      dialog.close();
      giveBack();
      dialog.remove();
    },
  };
}
