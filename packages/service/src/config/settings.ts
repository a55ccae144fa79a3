// Every key that is not a mapping, with the variable that overrides it. Both follow from the schema.
import { configJsonSchema, type JsonSchema } from './json-schema.ts';

/** What a key takes. `any` is what no variable can hold. */
export type SettingType = 'text' | 'number' | 'boolean' | 'list' | 'any';

/** A key of the file. */
export interface Setting {
  /** Such as `['limits', 'max_connections']`. */
  readonly path: readonly string[];
  readonly type: SettingType;
  /** The environment variable that goes over the file; none for policy.rules. */
  readonly variable: string | undefined;
  /** As it would be written in the file; `undefined` when the key has no default. */
  readonly default: unknown;
  readonly required: boolean;
  readonly description: string;
}

/** The variables that are older than the rule. */
const ownNames: ReadonlyMap<string, string> = new Map([
  ['service.domain', 'EPHEMOS_TRUST_DOMAIN'],
  ['service.authorized_clients', 'EPHEMOS_AUTHORIZED_CLIENTS'],
  ['service.trusted_servers', 'EPHEMOS_TRUSTED_SERVERS'],
  ['agent.socketPath', 'EPHEMOS_AGENT_SOCKET'],
  ['listen.address', 'EPHEMOS_BIND_ADDRESS'],
  ['listen.min_tls_version', 'EPHEMOS_TLS_MIN_VERSION'],
  ['logs.level', 'EPHEMOS_LOG_LEVEL'],
  ['keepalive.time', 'GRPC_KEEPALIVE_TIME'],
  ['keepalive.timeout', 'GRPC_KEEPALIVE_TIMEOUT'],
  ['keepalive.max_connection_idle', 'GRPC_MAX_CONNECTION_IDLE'],
]);

/** The name of a variable by the rule: `EPHEMOS_<SECTION>_<KEY>`. */
export function variableByRule(path: readonly string[]): string {
  return `EPHEMOS_${path.join('_').toUpperCase()}`;
}

let cached: readonly Setting[] | undefined;

/** Every setting, in the order of the schema. */
export function listSettings(): readonly Setting[] {
  cached ??= Object.freeze([...settingsOf(configJsonSchema(), [], true)]);
  return cached;
}

/** The keys below a path, such as those of `['limits']`; empty when it is no mapping. */
export function keysBelow(path: readonly (string | number)[]): readonly string[] {
  const below = listSettings().filter((each) => each.path.length > path.length && path.every((key, index) => each.path[index] === key));
  return [...new Set(below.map((each) => each.path[path.length] ?? ''))];
}

function* settingsOf(schema: JsonSchema, path: readonly string[], required: boolean): Generator<Setting> {
  if (schema.properties === undefined) {
    const type = typeOf(schema);
    const variable = type === 'any' ? undefined : (ownNames.get(path.join('.')) ?? variableByRule(path));
    yield Object.freeze<Setting>({ path, type, variable, default: schema.default, required, description: schema.description ?? '' });
    return;
  }
  for (const [key, value] of Object.entries(schema.properties)) {
    if (typeof value === 'object') yield* settingsOf(value, [...path, key], required && schema.required?.includes(key) === true);
  }
}

function typeOf({ type, items }: JsonSchema): SettingType {
  switch (type) {
    case 'integer':
    case 'number':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'array':
      return typeof items === 'object' && !Array.isArray(items) && items.type === 'string' ? 'list' : 'any';
    default:
      return 'text';
  }
}
