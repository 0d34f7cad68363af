/**
 * Flows: steps one after the other, each beside its element or, without one, as a dialog. How far the visitor got is kept,
 * so a flow goes on over several pages; a step whose element or page is not there waits for it.
 */

import { isAt, type Step } from "../documents";
import { findAnchor } from "./anchor";
import { cardContent } from "./card";
import { openDialog } from "./dialog";
import { actionButton, button, h } from "./dom";
import { openPopover } from "./popover";
import { word, type Surroundings, type Widget } from "./widget";

export function drawFlow(around: Surroundings): Widget | null {
  const flow = new Flow(around);
  return flow.open() ? flow : null;
}

/** Return the step that a flow is at. */
export function stepAt(kept: unknown, count: number): number {
  return typeof kept === "number" && Number.isInteger(kept) && kept > 0 ? Math.min(kept, count - 1) : 0;
}

class Flow implements Widget {
  private shown: Widget | null = null;
  private unlisten: (() => void) | null = null;

  constructor(private readonly around: Surroundings) {}

  /** Show the present step; false if its place is not there. */
  open(): boolean {
    const { document, kept } = this.around;
    const at = stepAt(kept(), document.steps.length);
    const step = document.steps[at];
    if (!step || !isAt(step.page, location.href)) return false;
    const anchor = step.anchor ? findAnchor(step.anchor) : null;
    if (step.anchor && !anchor) return false;
    this.shown = anchor ? this.beside(anchor, step, at) : this.over(step, at);
    return true;
  }

  close(): void {
    this.unlisten?.();
    this.unlisten = null;
    this.shown?.close();
    this.shown = null;
  }

  private beside(anchor: Element, step: Step, at: number): Widget {
    const { nodes, ...names } = this.content(step, at);
    if (step.advanceOnClick) this.listen(anchor, at);
    return openPopover({
      host: this.around.host,
      anchor,
      placement: step.placement,
      hasRing: true,
      ...names,
      content: nodes,
      onEscape: this.dismissal(),
      onLost: () => {
        this.around.withdraw();
      },
    });
  }

  private over(step: Step, at: number): Widget {
    const { nodes, ...names } = this.content(step, at);
    return openDialog({ host: this.around.host, ...names, content: nodes, onEscape: this.dismissal() });
  }

  private content(step: Step, at: number): ReturnType<typeof cardContent> {
    const { document } = this.around;
    const isLast = at === document.steps.length - 1;
    const footer: Node[] = [dots(at, document.steps.length)];
    if (at > 0) {
      footer.push(
        button(word(document, "back"), "quiet", () => {
          this.go(at - 1);
        }),
      );
    }
    const goOn = (): void => {
      this.go(at + 1);
    };
    footer.push(
      step.action ? actionButton(step.action, goOn) : button(word(document, isLast ? "done" : "next"), "primary", goOn),
    );
    return cardContent(step, word(document, "close"), this.dismissal(), ...footer);
  }

  private go(to: number): void {
    this.close();
    if (to >= this.around.document.steps.length) {
      this.around.finish("completed");
      return;
    }
    this.around.keep(to);
    if (!this.open()) this.around.withdraw();
  }

  private dismissal(): (() => void) | null {
    if (!this.around.document.dismissible) return null;
    return () => {
      this.around.finish("dismissed");
    };
  }

  private listen(anchor: Element, at: number): void {
    const advance = (): void => {
      this.go(at + 1);
    };
    anchor.addEventListener("click", advance, { once: true });
    this.unlisten = () => {
      anchor.removeEventListener("click", advance);
    };
  }
}

function dots(at: number, count: number): HTMLElement {
  const row = h("span", { class: "dots", role: "img", "aria-label": `${at + 1} / ${count}` });
  for (let each = 0; each < count; each++) row.append(h("i", each === at ? { class: "on" } : {}));
  return row;
}
