import { describe, expect, it } from 'vitest';
import { parseHcl } from '../../../src/deploy/hcl/parse-hcl.ts';
import { block, map, note, set, writeHcl } from '../../../src/deploy/hcl/write-hcl.ts';

describe('writeHcl', () => {
  it('writes comments, keys, blocks and maps, with air between them', () => {
    const text = writeHcl([
      note('why'),
      block('plugins', '', [
        set('a', 1),
        note('b'),
        set('c', ['x', 'y']),
        block('NodeAttestor', 'x509pop', [block('plugin_data', '', [])]),
        map('clusters', { one: [set('d', true)] }),
      ]),
      set('e', { environment: ['a=', { variable: 'B' }, ' c="'] }),
    ]);
    expect(text).toBe(`# why
plugins {
  a = 1

  # b
  c = ["x", "y"]

  NodeAttestor "x509pop" {
    plugin_data {}
  }

  clusters = {
    "one" = {
      d = true
    }
  }
}

e = "a=\${B} c=\\""
`);
    expect(parseHcl(text).items).toHaveLength(2);
  });

  it('breaks long comments', () => {
    expect(writeHcl([note('word '.repeat(40).trim())]).split('\n')).toEqual([
      `# ${'word '.repeat(20).trim()}`,
      `# ${'word '.repeat(20).trim()}`,
      '',
    ]);
  });

  it.each(['$HOME', `\${HOME}`, 'a\nb', 'a\u0000'])('refuses %j, which SPIRE would expand or which would end the line', (text) => {
    expect(() => writeHcl([set('a', text)])).toThrow(TypeError);
    expect(() => writeHcl([note(text)])).toThrow(TypeError);
    expect(() => writeHcl([set('a', [text])])).toThrow(TypeError);
  });

  it('keeps quotes and backslashes', () => {
    expect(parseHcl(writeHcl([set('a', 'x"\\y')])).items[0]?.value).toMatchObject({ kind: 'string', text: 'x"\\y' });
  });
});
