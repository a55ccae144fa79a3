import { type Logger, pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { createMemoryLog } from './memory-log.ts';
import { leakOf, makeSecrets, type Secret, textForms, valueForms } from './secrets.ts';

const secrets = await makeSecrets();

class Holder {
  readonly value: unknown;
  constructor(value: unknown) {
    this.value = value;
  }
  toJSON(): unknown {
    return { held: this.value };
  }
}

function fill(log: Logger, template: string, value: unknown): void {
  Reflect.apply(log.info, log, [template, value]);
}

/** Everywhere a log takes something. */
const places: Readonly<Record<string, (log: Logger, value: unknown) => void>> = {
  'a field': (log, value) => log.info({ field: value }, 'field'),
  'a field deep down': (log, value) => log.info({ a: { b: [{ c: value }] } }, 'deep'),
  'a field alone': (log, value) => log.info({ value }),
  'a list': (log, value) => log.info({ list: ['first', value, 'last'] }, 'list'),
  'a Map': (log, value) => log.info({ map: new Map<unknown, unknown>([['key', value]]), other: new Map([[1, value]]) }, 'map'),
  'a Set': (log, value) => log.info({ set: new Set([value]) }, 'set'),
  'a getter': (log, value) =>
    log.info(
      {
        get field() {
          return value;
        },
      },
      'getter',
    ),
  toJSON: (log, value) => log.info({ holder: new Holder(value) }, 'toJSON'),
  'an object with no prototype': (log, value) => log.info(Object.assign(Object.create(null), { value }), 'bare'),
  '%o of a template': (log, value) => fill(log, 'value %o', value),
  '%j of a template': (log, value) => fill(log, 'value %j', { value }),
  '%s of a template': (log, value) => fill(log, 'value %s', value),
  'bindings of a child': (log, value) => log.child({ bound: value, nested: { value } }).info('child'),
  'bindings set later': (log, value) => {
    const child = log.child({});
    child.setBindings({ bound: value });
    child.info('child');
  },
  'a serializer of a child': (log, value) => log.child({}, { serializers: { odd: () => value } }).info({ odd: 1 }, 'serializer'),
  'a formatter of a child': (log, value) => log.child({}, { formatters: { log: () => ({ odd: value }) } }).info({ odd: 1 }, 'formatter'),
  'a property of an error': (log, value) => log.error(Object.assign(new Error('failed'), { value })),
  'a cause that is no error': (log, value) => log.error(new Error('failed', { cause: value })),
  'an AggregateError': (log, value) => log.error(new AggregateError([value, Object.assign(new Error('one'), { value })], 'all failed')),
};

const textPlaces: Readonly<Record<string, (log: Logger, text: string) => void>> = {
  ...places,
  'the message': (log, text) => log.info(text),
  'the middle of the message': (log, text) => log.info(`the peer sent ${text} and left`),
  'a template': (log, text) => log.info(`${text} %s`, 'x'),
  'the message of an error': (log, text) => log.error(new Error(`cannot read ${text}`)),
  'the name of an error': (log, text) => log.error(Object.assign(new Error('failed'), { name: text })),
  'the code of an error': (log, text) => log.error(Object.assign(new Error('failed'), { code: text })),
  'the stack of an error': (log, text) => log.error(Object.assign(new Error('failed'), { stack: `Error: ${text}\n    at x` })),
  'the message of a cause': (log, text) => log.error(new Error('failed', { cause: new Error('inner', { cause: new Error(text) }) })),
  'a key': (log, text) => log.info({ [text]: 1, nested: { [text]: { [text]: 2 } } }, 'keys'),
  'a key of a Map': (log, text) => log.info({ map: new Map([[text, 1]]) }, 'keys'),
  'a key of bindings': (log, text) => log.child({ [text]: 1 }).info('keys'),
  'the prefix of a child': (log, text) => log.child({}, { msgPrefix: text }).info('prefixed'),
  'a symbol or a function': (log, text) =>
    log.info({ symbol: Symbol(text), [Symbol(text)]: 1, call: Object.defineProperty(() => 1, 'name', { value: text }) }, 'odd'),
};

function expectNoLeak(secret: Secret, lines: readonly string[], where: string): void {
  expect(lines.length, where).toBeGreaterThan(0);
  for (const line of lines) {
    const leak = leakOf(secret, line);
    if (leak !== undefined) throw new Error(`${secret.name} as ${where}: ${leak} in ${line.slice(0, 2000)}`);
  }
}

describe('leakOf', () => {
  it.each(Object.keys(textForms))('sees a key or certificate written as %s in a line of plain pino', (form) => {
    for (const secret of secrets) {
      const lines: string[] = [];
      const log = pino({ base: null }, { write: (line) => void lines.push(line) });
      log.info({ field: textForms[form]?.(secret) ?? '' }, 'plain');
      expect(leakOf(secret, lines.join('')), `${secret.name} as ${form}`).toBeDefined();
    }
  });
});

describe('a line of the log', () => {
  it.each(Object.keys(textForms))('has no key or certificate written as %s, wherever it comes from', (form) => {
    for (const secret of secrets) {
      const text = textForms[form]?.(secret) ?? '';
      for (const [place, put] of Object.entries(textPlaces)) {
        const { log, lines } = createMemoryLog();
        put(log, text);
        expectNoLeak(secret, lines, `${form} in ${place}`);
      }
    }
  });

  it.each(Object.keys(valueForms))('has no key or certificate given as %s, wherever it comes from', (form) => {
    for (const secret of secrets) {
      for (const [place, put] of Object.entries(places)) {
        const { log, lines } = createMemoryLog();
        put(log, valueForms[form]?.(secret));
        expectNoLeak(secret, lines, `${form} in ${place}`);
      }
    }
  });
});
