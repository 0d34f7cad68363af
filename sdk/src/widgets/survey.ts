/** Surveys: a dialog with questions; the answers go with the report that it was completed. */

import type { Question } from "../documents";
import { newId } from "../ids";
import { cardContent } from "./card";
import { openDialog } from "./dialog";
import { button, h } from "./dom";
import { word, type Answers, type Surroundings, type Widget } from "./widget";

const TEXT_MAX = "2000";

interface Field {
  question: Question;
  element: HTMLElement;
  note: HTMLElement;
  read: () => Answers[string] | null;
  focus: () => void;
}

export function drawSurvey(around: Surroundings): Widget {
  const { document, host } = around;
  const fields = document.questions.map(field);
  for (const { element, note } of fields) {
    element.addEventListener("input", () => {
      note.textContent = "";
    });
  }
  const send = button(word(document, "send"), "primary", () => {
    const missing = fields.filter(({ question, read }) => question.required && read() === null);
    for (const { note } of fields) note.textContent = "";
    for (const { note } of missing) note.textContent = word(document, "required");
    if (missing[0]) missing[0].focus();
    else around.finish("completed", answers(fields));
  });
  const dismiss = document.dismissible
    ? () => {
        around.finish("dismissed");
      }
    : null;
  const { nodes, ...names } = cardContent(document, word(document, "close"), dismiss, send);
  const footer = nodes.pop() ?? null;
  return openDialog({
    host,
    ...names,
    content: [...nodes, ...fields.map(({ element }) => element), footer],
    onEscape: dismiss,
  });
}

function answers(fields: readonly Field[]): Answers {
  const given: Answers = {};
  for (const { question, read } of fields) {
    const answer = read();
    if (answer !== null) given[question.id] = answer;
  }
  return given;
}

function field(question: Question): Field {
  return question.kind === "text" ? textField(question) : choiceField(question);
}

function textField(question: Question): Field {
  const id = newId();
  const note = h("p", { class: "note", role: "alert" });
  const input = h("textarea", { id, maxlength: TEXT_MAX, ...(question.required ? { "aria-required": "true" } : {}) });
  const element = h("fieldset", {}, h("label", { for: id, class: "prompt" }, question.prompt), input, note);
  return {
    question,
    element,
    note,
    read: () => input.value.trim() || null,
    focus: () => {
      input.focus();
    },
  };
}

function choiceField(question: Question): Field {
  const isMany = question.kind === "choices";
  const isRating = question.kind === "rating";
  const names = isRating ? Array.from({ length: question.scale }, (_, at) => String(at + 1)) : question.options;
  const group = newId();
  const inputs = names.map((value) => h("input", { type: isMany ? "checkbox" : "radio", name: group, value }));
  const labels = inputs.map((input) => h("label", {}, input, h("span", {}, input.value)));
  const note = h("p", { class: "note", role: "alert" });
  const options = h("div", { class: isRating ? "options" : "options tall" }, ...labels);
  const chosen = (): string[] => inputs.filter((input) => input.checked).map((input) => input.value);
  const first = (): string | number | null => {
    const value = chosen()[0];
    if (value === undefined) return null;
    return isRating ? Number(value) : value;
  };
  return {
    question,
    element: h("fieldset", {}, h("legend", {}, question.prompt), options, note),
    note,
    read: () => (isMany ? (chosen().length > 0 ? chosen() : null) : first()),
    focus: () => {
      inputs[0]?.focus();
    },
  };
}
