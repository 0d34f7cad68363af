/** How long to wait before trying again: doubled each time, up to a limit, and spread so that not all come at once. */

export interface Backoff {
  firstMs: number;
  mostMs: number;
}

/**
 * @param failures How often it failed in a row, from 1.
 * @param chance From 0 up to but not including 1.
 */
export function delayMs(backoff: Backoff, failures: number, chance: number): number {
  const whole = Math.min(backoff.mostMs, backoff.firstMs * 2 ** Math.min(failures - 1, 30));
  return whole / 2 + (whole / 2) * chance;
}
