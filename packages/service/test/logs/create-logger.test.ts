import { execFile } from 'node:child_process';
import { EphemosError } from 'ephemos/errors';
import { SpiffeId } from 'ephemos/spiffe';
import { describe, expect, it } from 'vitest';
import { MAX_CAUSES, MAX_MEMBERS, MAX_TEXT } from '../../src/logs/plain-value.ts';
import { MAX_LINE_BYTES, MAX_READ_CHARACTERS } from '../../src/logs/scrub-line.ts';
import { createMemoryLog } from './memory-log.ts';

const ids = { trace_id: '4bf92f3577b34da6a3ce929d0e0e4736', span_id: '00f067aa0ba902b7' };

describe('a line', () => {
  it('has level and time as text, the service, the fields and the message, and nothing else', () => {
    const { log, lines } = createMemoryLog();
    log.warn({ order: 7 }, 'an order was %s', 'not stored');
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(JSON.parse(lines.join(''))).toEqual({ level: 'warn', time, service: 'orders', order: 7, msg: 'an order was not stored' });
    expect(Object.keys(JSON.parse(lines.join('')))).toEqual(['level', 'time', 'service', 'order', 'msg']);
  });

  it('is not made below the level', () => {
    const { log, lines } = createMemoryLog({ level: 'warn' });
    log.info('quiet');
    log.error('loud');
    expect(lines).toHaveLength(1);
    const silent = createMemoryLog({ level: 'silent' });
    silent.log.fatal('nothing');
    expect(silent.lines).toEqual([]);
  });

  it('has the trace and span of now, which no field can take the place of', () => {
    let now: object | undefined = ids;
    const { log, parsed } = createMemoryLog({ traceIds: () => now });
    log.info({ trace_id: 'forged' }, 'traced');
    log.child({ order: 7 }).info('traced');
    now = undefined;
    log.info('untraced');
    expect(parsed()[0]).toMatchObject(ids);
    expect(parsed()[1]).toMatchObject({ ...ids, order: 7 });
    expect(parsed()[2]).not.toHaveProperty('trace_id');
  });

  it('has the level, time and service that are true, whatever fields and bindings are named', () => {
    const { log, parsed } = createMemoryLog();
    log.info({ level: 'fatal', time: 0, service: 'bank', msg: 'field' }, 'true');
    log.child({ level: 'fatal', time: 0, service: 'bank' }).info('true');
    for (const line of parsed()) {
      expect(line).toMatchObject({ level: 'info', service: 'orders', level_: 'fatal', time_: 0, service_: 'bank', msg: 'true' });
      expect(line['time']).not.toBe(0);
    }
  });
});

describe('errors', () => {
  const refused = new EphemosError('ERR_SOURCE_CLOSED', 'the source was closed', {
    hint: 'open a new one',
    cause: new EphemosError('ERR_WORKLOAD_API_UNAVAILABLE', 'no agent', { cause: 'ENOENT' }),
  });
  const told = {
    type: 'EphemosError',
    code: 'ERR_SOURCE_CLOSED',
    message: 'the source was closed',
    hint: 'open a new one',
    cause: { type: 'EphemosError', code: 'ERR_WORKLOAD_API_UNAVAILABLE', message: 'no agent', cause: 'ENOENT' },
  };

  it('are told with code, message, hint and causes, wherever they are', () => {
    const { log, parsed } = createMemoryLog();
    log.error(refused);
    log.error({ err: refused }, 'failed');
    log.error({ why: [refused], map: new Map([['error', refused]]) }, 'failed');
    log.child({ reason: refused }).error('failed');
    expect(parsed()[0]).toMatchObject({ err: told, msg: 'the source was closed' });
    expect(parsed().map(({ err }) => err)).toEqual([told, told, undefined, undefined]);
    expect(parsed()[2]).toMatchObject({ why: [told], map: { error: told } });
    expect(parsed()[3]).toMatchObject({ reason: told });
  });

  it('have a stack where they are none of ours', () => {
    const { log, lines, parsed } = createMemoryLog();
    log.error({ err: new EphemosError('ERR_SOURCE_CLOSED', 'closed', { cause: new TypeError('a bug') }) }, 'failed');
    expect(parsed()[0]).toMatchObject({ err: { cause: { type: 'TypeError', stack: expect.stringContaining('create-logger.test.ts') } } });
    expect(lines.join('').match(/"stack"/g)).toHaveLength(1);
  });

  it('all have a stack at debug', () => {
    const { log, parsed } = createMemoryLog({ level: 'debug' });
    log.error({ err: refused }, 'failed');
    expect(parsed()[0]).toMatchObject({ err: { stack: expect.any(String), cause: { stack: expect.any(String) } } });
  });

  it('keep what they carry along, such as the errno of a system error', () => {
    const { log, parsed } = createMemoryLog();
    const error = Object.assign(new Error('connect ECONNREFUSED'), {
      code: 'ECONNREFUSED',
      errno: -111,
      syscall: 'connect',
      port: 8443,
      packet: Buffer.alloc(70),
    });
    log.error({ err: new AggregateError([error], 'all failed') }, 'failed');
    expect(parsed()[0]).toMatchObject({
      err: {
        type: 'AggregateError',
        errors: [{ code: 'ECONNREFUSED', errno: -111, syscall: 'connect', port: 8443, packet: '[70 bytes]' }],
      },
    });
  });

  it('have a bounded number of causes, also when they cause themselves', () => {
    const { log, lines } = createMemoryLog();
    const loop = new EphemosError('ERR_SOURCE_CLOSED', 'loop');
    Object.assign(loop, { cause: loop });
    log.error({ err: loop }, 'failed');
    expect(lines.join('').match(/"message":"loop"/g)).toHaveLength(MAX_CAUSES + 1);
  });
});

describe('values', () => {
  it('are shown as what they stand for', () => {
    const { log, parsed } = createMemoryLog();
    log.info({
      id: SpiffeId.parse('spiffe://example.org/web'),
      at: new Date(0),
      url: new URL('https://example.org/'),
      big: 12_345_678_901_234_567_890n,
      none: undefined,
      infinite: Infinity,
      call: () => 1,
      map: new Map([['a', 1]]),
      numbers: new Map([[1, 'one']]),
      set: new Set([1, 2]),
      bytes: new Uint8Array(3),
    });
    expect(parsed()[0]).toEqual({
      level: 'info',
      time: expect.any(String),
      service: 'orders',
      id: 'spiffe://example.org/web',
      at: '1970-01-01T00:00:00.000Z',
      url: 'https://example.org/',
      big: '12345678901234567890',
      infinite: 'Infinity',
      map: { a: 1 },
      numbers: { '1': 'one' },
      set: [1, 2],
      bytes: '[3 bytes]',
    });
  });

  it('never make the call throw', () => {
    const { log, parsed } = createMemoryLog({
      traceIds: () => {
        throw new Error('no tracer');
      },
    });
    const failing = {
      get field(): never {
        throw new Error('a getter');
      },
    };
    log.info(failing, 'getter');
    log.info({ nested: { failing, toJSON: undefined } }, 'nested');
    log.info({ odd: { toJSON: () => failing.field } }, 'toJSON');
    log.info(new Proxy({}, { ownKeys: () => failing.field }), 'proxy');
    log.info('%s', { toString: () => failing.field });
    Reflect.apply(log.info, log, ['%o %d', failing, Symbol('no number')]);
    log.child(failing).info('child');
    log.error(Object.defineProperty(new Error('odd'), 'message', { get: () => failing.field }));
    const loop: Record<string, unknown> = {};
    loop['loop'] = [loop];
    log.info(loop, 'loop');
    expect(parsed().map(({ msg }) => msg)).toEqual([
      'getter',
      'nested',
      'toJSON',
      'proxy',
      '%s',
      '%o %d',
      'child',
      expect.anything(),
      'loop',
    ]);
    expect(parsed()[0]).toMatchObject({ field: '[cannot be read]' });
  });

  it('are bounded in depth and number', () => {
    const { log, parsed, lines } = createMemoryLog();
    let deep: unknown = 'bottom';
    for (let i = 0; i < 10_000; i++) deep = { deep };
    log.info({ deep, wide: Array.from({ length: 100_000 }, (_, index) => index + 1000) }, 'much');
    expect(lines.join('')).not.toContain('bottom');
    expect(parsed()[0]?.['wide']).toHaveLength(MAX_MEMBERS + 1);
    log.info({ text: 'x '.repeat(MAX_TEXT) }, 'y '.repeat(MAX_TEXT));
    expect(parsed()[1]).toMatchObject({
      text: expect.stringMatching(/\.\.\. \(8192 characters\)$/),
      msg: expect.stringMatching(/\.\.\. \(8192 characters\)$/),
    });
  });

  it('named __proto__ are values like any other', () => {
    const { log, lines } = createMemoryLog();
    log.info(JSON.parse('{"__proto__":{"admin":true},"a":{"__proto__":"x"}}'), 'proto \n');
    expect(lines.join('')).toContain('"__proto__":{"admin":true},"a":{"__proto__":"x"}');
  });
});

describe('a line that would be too long', () => {
  it('keeps level, time, service, message and what there is room for, and says that it was shortened', () => {
    const { log, lines, parsed } = createMemoryLog({ traceIds: () => ids });
    const fields = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`field${index}`, '\u2028é'.repeat(1000)]));
    log.info({ ...fields, peer: 'spiffe://example.org/web' }, 'a long one '.repeat(1000));
    expect(Buffer.byteLength(lines.join(''))).toBeLessThanOrEqual(MAX_LINE_BYTES);
    expect(parsed()[0]).toMatchObject({
      level: 'info',
      service: 'orders',
      field0: expect.any(String),
      peer: 'spiffe://example.org/web',
      ...ids,
      msg: expect.stringMatching(/^a long one a long one .*\.\.\.$/),
      shortened_from: expect.any(Number),
    });
  });

  it('keeps level, time, service and message even when it is too long to be looked through', () => {
    const { log, lines, parsed } = createMemoryLog();
    const child = log.child({}, { serializers: { huge: () => `password=hunter2 ${'x'.repeat(MAX_READ_CHARACTERS)}` } });
    child.error({ huge: 1 }, 'a huge one with token=hunter2');
    expect(lines).toHaveLength(1);
    expect(parsed()[0]).toEqual({
      level: 'error',
      time: expect.any(String),
      service: 'orders',
      msg: 'a huge one with token=[redacted]',
      shortened_from: expect.any(Number),
    });
    child.info({ huge: 1 });
    expect(parsed()[1]).toMatchObject({ level: 'info', service: 'orders', msg: '' });
  });
});

describe('what a peer sends', () => {
  const forged = 'GET /x HTTP/1.1\r\n{"level":"info","msg":"forged"}\n';

  it('never makes a second line', () => {
    const { log, lines } = createMemoryLog();
    log.info({ path: forged, [forged]: forged }, forged);
    log.error(new Error(forged));
    log.child({ agent: forged }).info('x');
    expect(lines).toHaveLength(3);
    for (const line of lines) expect(line.indexOf('\n')).toBe(line.length - 1);
  });

  it('never writes to a terminal: escapes, C1 controls, line separators and bidirectional marks are escaped', () => {
    const { log, lines, parsed } = createMemoryLog();
    const agents = ['\x1b[2J\x1b]0;owned\x07 \x9b31m \x85', '\u2028 \u2029 \u202e \u2066 \u200b \ufeff \x7f'];
    for (const agent of agents) {
      log.info({ agent }, agent);
      log.child({ [agent]: agent }).info('x');
    }
    for (const line of lines) expect(line.slice(0, -1)).toMatch(/^[\x20-\x7e]+$/);
    expect(parsed()[0]).toMatchObject({ agent: agents[0], msg: agents[0] });
    expect(parsed()[2]).toMatchObject({ agent: agents[1], msg: agents[1] });
  });
});

describe('the destination', () => {
  it('may fail without ending the caller', () => {
    const { log } = createMemoryLog({
      destination: {
        write() {
          throw new Error('EPIPE');
        },
      },
    });
    expect(() => log.error(new Error('told'))).not.toThrow();
  });

  const program = `
    import { createLogger } from ${JSON.stringify(new URL('../../dist/logs/create-logger.js', import.meta.url).href)};
    const log = createLogger({ level: 'info', service: 'orders' });
    for (let i = 1; i <= 2000; i++) log.info({ i, text: 'x'.repeat(200) }, 'line');
  `;
  const ends: readonly (readonly [string, string])[] = [
    ['exits', 'process.exit(0)'],
    ['kills itself', "process.kill(process.pid, 'SIGKILL')"],
    ['throws', "throw new Error('uncaught')"],
  ];

  it.each(ends)('has every line when the process %s in the same turn', async (_how, end) => {
    const stdout = await new Promise<string>((resolve) => {
      execFile(process.execPath, ['--input-type=module', '-e', `${program}${end};`], { maxBuffer: 1 << 26 }, (_error, out) => resolve(out));
    });
    expect(stdout.split('\n').filter((line) => line !== '')).toHaveLength(2000);
  });

  it('that is closed by its reader does not end the process', async () => {
    const child = execFile(process.execPath, ['--input-type=module', '-e', `${program}process.exitCode = 7;`]);
    child.stdout?.destroy();
    const code = await new Promise<number | null>((resolve) => child.on('exit', resolve));
    expect(code).toBe(7);
  });
});
