import { describe, expect, it } from 'vitest';
import type { Context } from '../../src/context.ts';
import { createProgress } from '../../src/output/progress.ts';

function terminal(columns: number | undefined, env: Context['env'] = {}): { readonly context: Context; readonly printed: string[] } {
  const printed: string[] = [];
  const context: Context = {
    env,
    color: false,
    width: columns,
    screen: columns === undefined ? undefined : { size: () => ({ columns, rows: 24 }), onResize: () => () => undefined },
    print: (text) => void printed.push(text),
    printError: () => undefined,
    finish: () => undefined,
    untilStopped: () => new AbortController().signal,
    forwardSignals: () => () => undefined,
  };
  return { context, printed };
}

describe('progress', () => {
  it('is one line of the terminal, redrawn, and gone at the end', () => {
    const { context, printed } = terminal(80);
    const progress = createProgress('applying', 'text', context);
    progress.show(5_000, 10_000);
    progress.show(10_000, 10_000);
    progress.close();
    progress.close();
    expect(printed).toEqual([
      `\r\u001b[Kapplying  ${'#'.repeat(12)}${'.'.repeat(12)}  5,000 of 10,000  1 s left`,
      `\r\u001b[Kapplying  ${'#'.repeat(24)}  10,000 of 10,000`,
      '\r\u001b[K',
    ]);
  });

  it('has blocks where the terminal shows them', () => {
    const { context, printed } = terminal(80, { LANG: 'C.UTF-8' });
    createProgress('applying', 'text', context).show(100, 400);
    expect(printed[0]).toContain('██████░');
  });

  it('never wraps', () => {
    const { context, printed } = terminal(20);
    createProgress('applying', 'text', context).show(100, 400);
    expect(printed[0]).toBe(`\r\u001b[Kapplying  ######...`);
  });

  it.each([
    ['for a job that is over at once', 80, 'text', 100],
    ['where no terminal is', undefined, 'text', 1_000],
    ['in a document', 80, 'json', 1_000],
  ] as const)('is not shown %s', (_, columns, format, total) => {
    const { context, printed } = terminal(columns);
    const progress = createProgress('applying', format, context);
    progress.show(10, total);
    progress.close();
    expect(printed).toEqual([]);
  });
});
