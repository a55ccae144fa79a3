// Plain values in, YAML out: mappings and lists of texts, numbers and yes or no, and nothing else.
import { jsonText } from '../../output/text.ts';

/** What can be written. */
export type YamlValue = string | number | boolean | readonly YamlValue[] | { readonly [key: string]: YamlValue };

/** The text of a mapping, in its order. */
export function writeYaml(value: Readonly<Record<string, YamlValue>>): string {
  return `${mapping(value, '').join('\n')}\n`;
}

function mapping(value: Readonly<Record<string, YamlValue>>, indent: string): readonly string[] {
  return Object.entries(value).flatMap(([key, each]) => {
    if (typeof each !== 'object') return [`${indent}${key}: ${scalar(each)}`];
    if (!isList(each)) return [`${indent}${key}:`, ...mapping(each, `${indent}  `)];
    const plain = each.flatMap((item) => (typeof item === 'object' ? [] : [scalar(item)]));
    return plain.length === each.length
      ? [`${indent}${key}: [${plain.join(', ')}]`]
      : [`${indent}${key}:`, ...each.flatMap((item) => listItem(item, `${indent}  `))];
  });
}

function listItem(item: YamlValue, indent: string): readonly string[] {
  if (typeof item !== 'object' || isList(item)) throw new TypeError('a list holds either mappings or plain values');
  return mapping(item, `${indent}  `).map((line, index) => (index === 0 ? `${indent}- ${line.slice(indent.length + 2)}` : line));
}

// What cannot be taken for anything but a text stands as it is; anything else in double quotes, where YAML reads what JSON writes.
const PLAIN = /^(?!(?:true|false|null|yes|no|on|off|y|n)$)[a-z/][a-z0-9/._ -]*(?::[a-z0-9/._-]+)*$/i;

function scalar(value: string | number | boolean): string {
  if (typeof value === 'string') return PLAIN.test(value) && !value.endsWith(' ') ? value : jsonText(value);
  return String(value);
}

function isList(value: YamlValue): value is readonly YamlValue[] {
  return Array.isArray(value);
}
