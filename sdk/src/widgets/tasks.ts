/** Task lists: a panel in the corner with what there is to do; complete when everything is done. */

import type { Task } from "../documents";
import { newId } from "../ids";
import { safeUrl } from "../urls";
import { cardContent } from "./card";
import { h, icon } from "./dom";
import { word, type Surroundings, type Widget } from "./widget";

export function drawTasks(around: Surroundings): Widget {
  const { document, host } = around;
  const done = new Set(readDone(around.kept()));
  const bar = h("i");
  const listId = newId();
  const rows = document.tasks.map((task) =>
    row(task, done.has(task.id), () => {
      done.add(task.id);
      around.keep([...done]);
      refresh();
    }),
  );
  const refresh = (): void => {
    const count = document.tasks.filter((task) => done.has(task.id)).length;
    bar.style.width = `${(100 * count) / document.tasks.length}%`;
    if (count === document.tasks.length) around.finish("completed");
  };
  const dismiss = (): void => {
    around.finish("dismissed");
  };
  const { nodes, labelledBy } = cardContent(document, word(document, "close"), document.dismissible ? dismiss : null);
  const panel = h(
    "div",
    { class: "card tasks", role: "region", "aria-labelledby": labelledBy },
    ...nodes,
    h("div", { class: "bar", "aria-hidden": "true" }, bar),
    h("ol", { id: listId }, ...rows),
  );
  host.root.append(panel);
  host.announce(document.title);
  refresh();
  return {
    close() {
      panel.remove();
    },
  };
}

function row(task: Task, isDone: boolean, onDone: () => void): HTMLElement {
  const url = task.url ? safeUrl(task.url, location.href) : null;
  const words = h("span", {}, h("b", {}, task.title), task.body || null);
  const mark = h("i", { class: "mark" }, icon("M5 13 10 18 19 7"));
  const element =
    url === null
      ? h("button", { type: "button", class: "task" }, mark, words)
      : h("a", { class: "task", href: url }, mark, words);
  const item = h("li", isDone ? { class: "done" } : {}, element);
  const check = (): void => {
    item.className = "done";
    element.setAttribute("aria-checked", "true");
  };
  element.setAttribute("role", url === null ? "checkbox" : "link");
  if (isDone) check();
  element.addEventListener("click", () => {
    check();
    onDone();
  });
  return item;
}

function readDone(kept: unknown): string[] {
  return Array.isArray(kept) ? kept.filter((each) => typeof each === "string") : [];
}
