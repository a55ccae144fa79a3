// Wrong files, each with the line that whoever wrote it sees first.
import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { formatProblem } from '../../src/config/problem.ts';
import { configFile, minimal, refusalOf } from './files.ts';

const topKeys = 'service, agent, listen, health, metrics, limits, shutdown, logs, keepalive, policy';
const levels = 'trace, debug, info, warn, error, fatal, silent';

// What a placeholder looks like in the file.
const unfilled = `$${'{NAME}'}`;

/** What is wrong, the file, and the one line that says so. */
const wrong: readonly (readonly [what: string, text: string, line: string])[] = [
  ['an empty file', '', 'config.yaml: the file is empty; name another file with EPHEMOS_CONFIG_PATH'],
  ['comments alone', '# nothing\n', `config.yaml:1:1: expected a mapping with ${topKeys}, and found an empty value`],
  ['a list', '- service\n', `config.yaml:1:1: expected a mapping with ${topKeys}, and found a list`],
  ['a text', 'service\n', `config.yaml:1:1: expected a mapping with ${topKeys}, and found "service"`],
  ['no service', 'logs:\n  level: info\n', 'config.yaml:1:1: service: this key is missing; add it, with name and domain below'],
  ['no name', 'service:\n  domain: acme.com\n', 'config.yaml:1:1: service.name: this key is missing; add it, or set EPHEMOS_SERVICE_NAME'],
  ['no value', 'service:\n  name:\n  domain: acme.com\n', 'config.yaml:2:8: service.name: expected a name, and found an empty value'],
  [
    'a mistyped key',
    `${minimal}limits:\n  max_conections: 5\n`,
    'config.yaml:5:3: limits.max_conections: there is no such key; did you mean max_connections?',
  ],
  [
    'camel case',
    `${minimal}limits:\n  maxConnections: 5\n`,
    'config.yaml:5:3: limits.maxConnections: there is no such key; did you mean max_connections?',
  ],
  [
    'a key in the wrong section',
    `${minimal}drain_delay: 5s\n`,
    'config.yaml:4:1: drain_delay: there is no such key; did you mean shutdown.drain_delay?',
  ],
  [
    'a key like no other',
    `${minimal}logs:\n  colour: red\n`,
    'config.yaml:5:3: logs.colour: there is no such key; the keys are level, audit_sample',
  ],
  ['a mistyped section', 'servise:\n  name: web\n', 'config.yaml:1:1: servise: there is no such key; did you mean service?'],
  [
    'a mistyped key that must be there',
    'service:\n  naem: web\n  domain: acme.com\n',
    'config.yaml:2:3: service.naem: there is no such key; did you mean name?',
  ],
  [
    'the cache of the Ephemos for Go',
    `${minimal}  cache:\n    ttl_minutes: 30\n`,
    'config.yaml:4:3: service.cache: there is no such key; remove it: nothing is cached, the Workload API pushes every change',
  ],
  [
    'a section that is a list',
    `${minimal}limits: [1]\n`,
    'config.yaml:4:9: limits: expected a mapping with max_connections, max_connections_per_address, max_handshakes, max_header_bytes, max_body_bytes, max_requests_per_connection, stall_timeout, and found a list',
  ],
  [
    'a number as name',
    'service:\n  name: 42\n  domain: acme.com\n',
    'config.yaml:2:9: service.name: expected a name, and found the number 42; put it in quotes',
  ],
  [
    'a bad name',
    'service:\n  name: -web-\n  domain: acme.com\n',
    'config.yaml:2:9: service.name: "-web-" is not a service name; write letters, digits, ".", "_" and "-", with a letter or digit at both ends',
  ],
  [
    'a long name',
    `service:\n  name: ${'w'.repeat(101)}\n  domain: acme.com\n`,
    'config.yaml:2:9: service.name: a service name is at most 100 characters',
  ],
  [
    'a domain in capitals',
    'service:\n  name: web\n  domain: Acme.com\n',
    'config.yaml:3:11: service.domain: a trust domain is written in lower case; write "acme.com"',
  ],
  [
    'an ID as domain',
    'service:\n  name: web\n  domain: spiffe://acme.com\n',
    'config.yaml:3:11: service.domain: a trust domain is written as a name; write "acme.com"',
  ],
  [
    'an ID of another domain',
    `${minimal}  spiffe_id: spiffe://other.com/web\n`,
    'config.yaml:4:14: service.spiffe_id: this SPIFFE ID is not in the trust domain "acme.com"; change it, or service.domain',
  ],
  [
    'an empty list of clients',
    `${minimal}  authorized_clients: []\n`,
    'config.yaml:4:23: service.authorized_clients: the list is empty; remove the key, or name somebody',
  ],
  [
    'a client without a scheme',
    `${minimal}  authorized_clients: [acme.com/web]\n`,
    'config.yaml:4:24: service.authorized_clients[0]: a SPIFFE ID starts with "spiffe://"; write it as "spiffe://<trust domain>/<path>"',
  ],
  [
    'a wild card',
    `${minimal}  authorized_clients:\n    - spiffe://acme.com/ok\n    - spiffe://acme.com/*\n`,
    'config.yaml:6:7: service.authorized_clients[1]: a SPIFFE ID has no wild cards; write a rule with id_prefix or trust_domain below policy.rules',
  ],
  [
    'a whole trust domain',
    `${minimal}  trusted_servers: [spiffe://acme.com]\n`,
    'config.yaml:4:21: service.trusted_servers[0]: no workload has the ID "spiffe://acme.com", which is that of its trust domain; name workloads, or write a rule with trust_domain below policy.rules',
  ],
  [
    'one client without a list',
    `${minimal}  authorized_clients: spiffe://acme.com/a\n`,
    'config.yaml:4:23: service.authorized_clients: expected a list of SPIFFE IDs, and found "spiffe://acme.com/a"',
  ],
  [
    'a relative socket',
    `${minimal}agent:\n  socketPath: run/agent.sock\n`,
    'config.yaml:5:15: agent.socketPath: expected an absolute path or an endpoint, and found "run/agent.sock"; write it as "/path" or "unix:///path"',
  ],
  [
    'a socket of http',
    `${minimal}agent:\n  socketPath: http://127.0.0.1:80\n`,
    'config.yaml:5:15: agent.socketPath: the Workload API endpoint "http://127.0.0.1:80" has the scheme "http" and may have unix or tcp',
  ],
  [
    'a port as address',
    `${minimal}listen:\n  address: 8443\n`,
    'config.yaml:5:12: listen.address: expected an address such as ":8443", and found the number 8443; write ":8443"',
  ],
  [
    'an address without a port',
    `${minimal}listen:\n  address: localhost\n`,
    'config.yaml:5:12: listen.address: "localhost" is not an address; write "localhost:8443"',
  ],
  [
    'an old TLS',
    `${minimal}listen:\n  min_tls_version: 1.1\n`,
    'config.yaml:5:20: listen.min_tls_version: expected 1.3 or 1.2, and found the number 1.1',
  ],
  [
    'one address for two listeners',
    `${minimal}health:\n  address: 127.0.0.1:8443\n`,
    'config.yaml:5:12: health.address: "127.0.0.1:8443" is taken by listen.address; give it a port of its own',
  ],
  [
    'a duration without a unit',
    `${minimal}shutdown:\n  deadline: 20\n`,
    'config.yaml:5:13: shutdown.deadline: expected a duration such as "30s", and found the number 20; write "20s"',
  ],
  ['a duration in days', `${minimal}keepalive:\n  time: 1d\n`, 'config.yaml:5:9: keepalive.time: "1d" is not a duration; write "24h"'],
  [
    'a duration below its bound',
    `${minimal}listen:\n  handshake_timeout: 1ms\n`,
    'config.yaml:5:22: listen.handshake_timeout: expected a duration from 100ms to 2m, and found "1ms"',
  ],
  [
    'a negative duration',
    `${minimal}shutdown:\n  drain_delay: -1s\n`,
    'config.yaml:5:16: shutdown.drain_delay: expected a duration from 0s to 10m, and found "-1s"',
  ],
  [
    'a part of a millisecond',
    `${minimal}health:\n  timeout: 10.5ms\n`,
    'config.yaml:5:12: health.timeout: expected whole milliseconds, and found "10.5ms"',
  ],
  [
    'a shutdown longer than the grace period',
    `${minimal}shutdown:\n  deadline: 25s\n`,
    'config.yaml:4:1: shutdown.grace_period: drain_delay + deadline (5s + 25s) must be less than grace_period (30s); the process would be killed while it drains: shorten them, or give the pod more time',
  ],
  [
    'a number over its bound',
    `${minimal}limits:\n  max_connections: 1e9\n`,
    'config.yaml:5:20: limits.max_connections: expected a whole number from 1 to 1000000, and found the number 1000000000',
  ],
  [
    'half a connection',
    `${minimal}limits:\n  max_handshakes: 0.5\n`,
    'config.yaml:5:19: limits.max_handshakes: expected a whole number from 1 to 100000, and found the number 0.5',
  ],
  [
    'a number as text',
    `${minimal}limits:\n  max_connections: "10"\n`,
    'config.yaml:5:20: limits.max_connections: expected a whole number from 1 to 1000000, and found "10"',
  ],
  [
    'a mistyped level',
    `${minimal}logs:\n  level: inf\n`,
    `config.yaml:5:10: logs.level: expected one of ${levels}, and found "inf"; did you mean "info"?`,
  ],
  ['yes', `${minimal}metrics:\n  enabled: yes\n`, 'config.yaml:5:12: metrics.enabled: expected true or false, and found "yes"'],
  [
    'a policy of nothing',
    `${minimal}policy: {}\n`,
    'config.yaml:4:9: policy: a policy names a file or has rules; write "rules: []" to admit nobody',
  ],
  [
    'a policy twice',
    `${minimal}policy:\n  file: /dev/null/x\n  rules: []\n`,
    'config.yaml:5:9: policy.file: a policy has a file or rules; remove one of the two',
  ],
  [
    'clients beside a policy',
    `${minimal}  authorized_clients: [spiffe://acme.com/a]\npolicy:\n  rules: []\n`,
    'config.yaml:4:23: service.authorized_clients: these may connect to everything, whatever policy says; keep policy and give each of them a rule',
  ],
  [
    'a placeholder',
    `service:\n  name: ${unfilled}\n  domain: acme.com\n`,
    `config.yaml:2:9: service.name: the placeholder "${unfilled}" was not filled in; nothing is expanded here: write the value, or set the variable of this key`,
  ],
  [
    'a placeholder of Helm',
    'service:\n  name: "{{ .Values.name }}"\n  domain: acme.com\n',
    'config.yaml:2:9: service.name: the placeholder "{{ .Values.name }}" was not filled in; nothing is expanded here: write the value, or set the variable of this key',
  ],
  ['a duplicate key', `${minimal}  name: other\n`, 'config.yaml:4:3: service.name: this key is there twice; remove one of the two'],
  ['a tab', 'service:\n\tname: web\n', 'config.yaml:2:1: a tab is not allowed as indentation; indent with spaces'],
  [
    'a second document',
    `${minimal}---\n${minimal}`,
    'config.yaml:4:1: there is more than one document in this file; keep one, and no "---" after it',
  ],
  ['a tag', 'service: !!js/function x\n', 'config.yaml:1:10: a tag is not allowed here; remove the word that starts with "!"'],
  ['an open quote', 'service:\n  name: "web\n  domain: acme.com\n', 'config.yaml:2:9: this quote is never closed'],
  [
    'a bare @',
    'service:\n  name: @web\n  domain: acme.com\n',
    "config.yaml:2:9: this is not valid YAML: plain value cannot start with reserved character @; put it in single quotes, as in '...'",
  ],
  [
    'a second colon',
    'service:\n  name: web: x\n',
    'config.yaml:2:9: this is not valid YAML: a second ":" in one line; put the value in quotes, or indent the key below',
  ],
  [
    'a crooked indent',
    `${minimal} logs: {}\n`,
    'config.yaml:4:1: this is not valid YAML: all mapping items must start at the same column; indent the keys of one mapping alike',
  ],
  [
    'an alias to nothing',
    'service:\n  name: *web\n  domain: acme.com\n',
    'config.yaml:2:9: service.name: there is no anchor of this name before this alias',
  ],
  ['an alias to itself', 'service: &a\n  name: *a\n', 'config.yaml:2:9: service.name: an alias stands in what it stands for'],
  ['a merge key', `${minimal}<<: {}\n`, `config.yaml:4:1: "<<": there is no such key; the keys are ${topKeys}`],
  ['a prototype', `${minimal}__proto__: {}\n`, `config.yaml:4:1: __proto__: there is no such key; the keys are ${topKeys}`],
];

describe('a wrong configuration', () => {
  test.each(wrong)('%s is refused where it stands, with its mend', (_, text, line) => {
    const path = configFile(text);
    const error = refusalOf({ path });
    expect(error.problems.map((problem) => formatProblem(problem).replace(`${dirname(path)}/`, ''))).toEqual([line]);
    expect(error.message.replace(`${dirname(path)}/`, '')).toBe(line);
    expect(error.code).toBe('ERR_CONFIG_INVALID');
  });

  test('is refused with all of its problems, in the order of the file', () => {
    const path = configFile(
      'service:\n  name: 1\n  domain: A\n  authorized_clients: [x]\nlogs:\n  levl: info\nlimits:\n  max_connections: 0\n',
    );
    const { message, problems } = refusalOf({ path, env: { EPHEMOS_LOGS_AUDIT_SAMPLE: '2', EPHEMOS_NO_SUCH: '1' } });
    expect(message).toMatch(/: service\.name: .* \(and 6 more\)$/);
    expect(problems.map((problem) => problem.variable ?? `${problem.line}:${problem.column} ${problem.key}`)).toEqual([
      '2:9 service.name',
      '3:11 service.domain',
      '4:24 service.authorized_clients[0]',
      '6:3 logs.levl',
      '8:20 limits.max_connections',
      'EPHEMOS_LOGS_AUDIT_SAMPLE',
      'EPHEMOS_NO_SUCH',
    ]);
  });

  test('with twenty thousand unknown keys is refused with a bounded number of problems', () => {
    const { problems } = refusalOf({ path: configFile(`${minimal}${Array.from({ length: 20_000 }, (_, i) => `k${i}: 1\n`).join('')}`) });
    expect(problems).toHaveLength(21);
    expect(problems.at(-1)?.message).toBe('there are 19980 more keys that do not exist');
  });

  test('is shown on one line, whatever its keys hold', () => {
    const { message } = refusalOf({ path: configFile(`${minimal}"a\\nb\\e[31m${'x'.repeat(100)}": 1\n`) });
    expect(message).not.toContain('\n');
    expect(message).not.toContain('\u001b');
    expect(message.length).toBeLessThan(400);
  });
});
