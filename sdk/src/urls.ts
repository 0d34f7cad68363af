/** Addresses that a document may lead to. */

const SAFE = ["http:", "https:", "mailto:", "tel:"];

/**
 * Return the absolute address; null if it is none, or one that would run code, such as `javascript:`.
 *
 * @param url As in the document; may be relative to the page.
 * @param base The address of the page.
 */
export function safeUrl(url: string, base: string): string | null {
  try {
    const { href, protocol } = new URL(url, base);
    return SAFE.includes(protocol) ? href : null;
  } catch {
    return null;
  }
}
