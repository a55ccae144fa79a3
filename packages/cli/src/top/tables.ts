// What a service does, as tables: a name to the left, numbers to the right.
import { printable, type Style } from '../output/text.ts';
import type { CountedReason, Pace, Paces } from './history.ts';
import { milliseconds, perSecond, whole } from './numbers.ts';
import type { Reading } from './reading.ts';
import type { Look } from './view.ts';

/** Connections and requests. */
export function trafficTable({ connections }: Reading, { handshakes, http, grpc }: Paces, { style }: Look): readonly string[] {
  const row = (name: string, open: string, { rate, p95, total }: Pace): readonly string[] => [
    name,
    open,
    perSecond(rate),
    milliseconds(p95),
    whole(total),
  ];
  return table(
    [
      ['traffic', 'open', 'new', 'p95', 'in all'],
      row('connections from callers', whole(connections.server), handshakes.server),
      row('connections to others', whole(connections.client), handshakes.client),
      row('HTTP requests', '', http),
      row('gRPC calls', '', grpc),
    ],
    style,
  );
}

/** Who was not let in, and why. */
export function refusalTable({ refused, denied }: Paces, { style }: Look): readonly string[] {
  const row = ({ reason, rate, total }: CountedReason): readonly string[] => [printable(reason), '', perSecond(rate), '', whole(total)];
  const rows = [...refused, ...denied.map((each) => ({ ...each, reason: `denied: ${each.reason}` }))].map(row);
  return table([['refused', '', 'new', '', 'in all'], ...(rows.length === 0 ? [['nobody', '', '', '', '']] : rows)], style);
}

const WIDTHS = [32, 8, 10, 10, 12] as const;

// The first column to the left, numbers to the right; the first row is the head.
function table(rows: readonly (readonly string[])[], style: Style): readonly string[] {
  return rows.map((row, index) => {
    const line = row
      .map((cell, column) => (column === 0 ? (index === 0 ? cell : `  ${cell}`).padEnd(WIDTHS[0]) : cell.padStart(WIDTHS[column] ?? 0)))
      .join('')
      .trimEnd();
    return index === 0 ? style.dim(line) : line;
  });
}
