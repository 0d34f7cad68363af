/** Makes nodes. Everything from a document goes in as text or as a checked address. */

import type { Action } from "../documents";
import { blocks, type Inline } from "../richtext";
import { safeUrl } from "../urls";

type Child = Node | string | null;

export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Partial<Record<string, string>> = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined) element.setAttribute(key, value);
  element.append(...children.filter((child) => child !== null));
  return element;
}

export function button(label: string, look: string, onClick: () => void): HTMLButtonElement {
  const made = h("button", { type: "button", class: look }, label);
  made.addEventListener("click", onClick);
  return made;
}

export function closeButton(label: string, onClick: () => void): HTMLButtonElement {
  const made = button("", "close", onClick);
  made.setAttribute("aria-label", label);
  made.append(icon("M6 6 18 18M18 6 6 18"));
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

export function icon(path: string): SVGElement {
  const picture = document.createElementNS(SVG, "svg");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  picture.setAttribute("viewBox", "0 0 24 24");
  picture.setAttribute("aria-hidden", "true");
  picture.append(line);
  return picture;
}

/** The button of a card: a link where it leads somewhere, and in any case the end of the card. */
export function actionButton(action: Action, onClick: () => void): HTMLElement {
  const url = action.url ? safeUrl(action.url, location.href) : null;
  return url === null ? button(action.label, "primary", onClick) : link(action.label, url, action.newTab, onClick);
}

function link(label: string, url: string, isNewTab: boolean, onClick: () => void): HTMLElement {
  const target = isNewTab ? { target: "_blank", rel: "noopener noreferrer" } : {};
  const made = h("a", { class: "primary", href: url, ...target }, label);
  made.addEventListener("click", onClick);
  return made;
}

export function picture(image: { url: string; alt: string } | null): HTMLElement | null {
  const url = image && safeUrl(image.url, location.href);
  return image && url ? h("img", { src: url, alt: image.alt, loading: "lazy" }) : null;
}

/** The text of a card with its little markup. */
export function richText(source: string, id: string): HTMLElement {
  const body = h("div", { class: "body", id });
  for (const block of blocks(source)) {
    if (block.kind === "list") body.append(h("ul", {}, ...block.items.map((item) => h("li", {}, ...item.map(inline)))));
    else body.append(h("p", {}, ...block.lines.flatMap((line, at) => [at > 0 ? h("br") : null, ...line.map(inline)])));
  }
  return body;
}

function inline(part: Inline): Child {
  if (part.kind === "text") return part.text;
  if (part.kind !== "link") return h(part.kind, {}, part.text);
  const url = safeUrl(part.url, location.href);
  return url === null ? part.text : h("a", { href: url }, part.text);
}
