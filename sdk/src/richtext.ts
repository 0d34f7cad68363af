/**
 * A little markup in the texts of content: paragraphs, lists of `- ` lines, `**strong**`, `*emphasis*`, `` `code` `` and
 * `[words](address)`. Read into values here and made into nodes elsewhere; HTML in a text stays text.
 */

export type Inline =
  { kind: "text" | "strong" | "em" | "code"; text: string } | { kind: "link"; text: string; url: string };

export type Block = { kind: "paragraph"; lines: Inline[][] } | { kind: "list"; items: Inline[][] };

const MARKS = /\*\*([^*]+)\*\*|\*([^*\s](?:[^*]*[^*\s])?)\*|`([^`]+)`|\[([^\]]+)\]\(([^()\s]+)\)/g;
const BULLET = /^[-*]\s+/;

export function blocks(source: string): Block[] {
  return source
    .split(/\n[^\S\n]*\n/)
    .map((part) => part.split("\n").filter((line) => line.trim() !== ""))
    .filter((lines) => lines.length > 0)
    .map((lines) =>
      lines.every((line) => BULLET.test(line.trim()))
        ? { kind: "list", items: lines.map((line) => inlines(line.trim().replace(BULLET, ""))) }
        : { kind: "paragraph", lines: lines.map(inlines) },
    );
}

export function inlines(line: string): Inline[] {
  const found: Inline[] = [];
  let from = 0;
  for (const match of line.matchAll(MARKS)) {
    if (match.index > from) found.push({ kind: "text", text: line.slice(from, match.index) });
    found.push(marked(match));
    from = match.index + match[0].length;
  }
  if (from < line.length) found.push({ kind: "text", text: line.slice(from) });
  return found;
}

function marked([whole, strong, em, code, words, url]: RegExpMatchArray): Inline {
  if (strong !== undefined) return { kind: "strong", text: strong };
  if (em !== undefined) return { kind: "em", text: em };
  if (code !== undefined) return { kind: "code", text: code };
  return words !== undefined && url !== undefined ? { kind: "link", text: words, url } : { kind: "text", text: whole };
}
