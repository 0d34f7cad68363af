/** Banners: a strip at the top or bottom of the window that does not stand in the way. */

import { newId } from "../ids";
import { actionButton, closeButton, h, richText } from "./dom";
import { focused } from "./focus";
import { word, type Surroundings, type Widget } from "./widget";

export function drawBanner(around: Surroundings): Widget {
  const { document, host } = around;
  const bodyId = newId();
  const strip = h(
    "div",
    { class: `banner ${document.position === "bottom" ? "bottom" : "top"}`, role: "region", "aria-labelledby": bodyId },
    h(
      "div",
      { class: "words", id: bodyId },
      document.title ? h("h2", {}, document.title) : null,
      richText(document.body, newId()),
    ),
    document.action &&
      actionButton(document.action, () => {
        around.finish("completed");
      }),
  );
  const dismiss = (): void => {
    around.finish("dismissed");
  };
  if (document.dismissible) strip.append(closeButton(word(document, "close"), dismiss));
  strip.addEventListener("keydown", (pressed) => {
    if (pressed.key === "Escape" && document.dismissible && focused() !== null) {
      pressed.preventDefault();
      dismiss();
    }
  });
  host.root.append(strip);
  host.announce(`${document.title} ${strip.querySelector(".body")?.textContent ?? ""}`.trim());
  return {
    close() {
      strip.remove();
    },
  };
}
