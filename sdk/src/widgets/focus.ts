/** Where the keyboard is. */

const FOCUSABLE = "a[href],button:not([disabled]),input:not([disabled]),textarea,[tabindex='0']";

/** Return the element with the focus, looked for through shadow roots. */
export function focused(): HTMLElement | null {
  let found = document.activeElement;
  while (found?.shadowRoot?.activeElement) found = found.shadowRoot.activeElement;
  return found instanceof HTMLElement ? found : null;
}

/** Return whether the visitor is writing: the focus must not be taken away then. */
export function isTyping(): boolean {
  const element = focused();
  return element !== null && (/^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName) || element.isContentEditable);
}

/** Remember the focus; returns how to give it back, if it has not gone elsewhere. */
export function rememberFocus(widget: HTMLElement): () => void {
  const before = focused();
  return () => {
    const now = focused();
    const isOurs =
      now === null || now === document.body || widget.contains(now) || now.getRootNode() === widget.getRootNode();
    if (isOurs && before?.isConnected) before.focus({ preventScroll: true });
  };
}

/** Keep the tab key within an element. */
export function trapFocus(element: HTMLElement): void {
  element.addEventListener("keydown", (pressed) => {
    if (pressed.key !== "Tab") return;
    const places = [...element.querySelectorAll<HTMLElement>(FOCUSABLE)].filter(
      (each) => each.getClientRects().length > 0,
    );
    const first = places[0];
    const last = places[places.length - 1];
    if (!first || !last) return;
    const now = focused();
    const isOutside = now === null || !element.contains(now) || now === element;
    if (pressed.shiftKey ? now === first || isOutside : now === last) {
      pressed.preventDefault();
      (pressed.shiftKey ? last : first).focus();
    }
  });
}

/** Call something at Escape, wherever the focus is; returns how to end that. */
export function onEscape(then: () => void): () => void {
  const look = (pressed: KeyboardEvent): void => {
    if (pressed.key !== "Escape" || pressed.defaultPrevented || pressed.isComposing) return;
    pressed.preventDefault();
    then();
  };
  document.addEventListener("keydown", look);
  return () => {
    document.removeEventListener("keydown", look);
  };
}
