// What is left of a certificate's life, as a bar.
import type { Look } from './view.ts';

const LEAST_WIDTH = 10;
const MOST_WIDTH = 40;
// SPIRE and Ephemos rotate at half of the life; at a third of it a rotation is overdue.
const OVERDUE = 1 / 3;

/** A life and a moment of it, in milliseconds since 1970. */
export interface Life {
  readonly notBefore: number;
  readonly notAfter: number;
  readonly time: number;
}

/** The bar: full when the life begins, empty at its end. */
export function lifeBar({ notBefore, notAfter, time }: Life, { style, unicode, columns }: Look): string {
  const width = Math.max(LEAST_WIDTH, Math.min(MOST_WIDTH, Math.floor(columns / 2) - 10));
  const life = notAfter - notBefore;
  const share = life > 0 ? Math.min(1, Math.max(0, (notAfter - time) / life)) : 0;
  // Whatever is left is seen.
  const full = share === 0 ? 0 : Math.max(1, Math.floor(share * width));
  const [on, off] = unicode ? ['█', '░'] : ['#', '.'];
  const colour = share === 0 ? style.bad : share < OVERDUE ? style.warn : style.good;
  return `${colour(on.repeat(full))}${style.dim(off.repeat(width - full))}`;
}
