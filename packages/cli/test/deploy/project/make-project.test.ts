import { describe, expect, it } from 'vitest';
import { composeTarget } from '../../../src/deploy/compose/target.ts';
import { makeProject } from '../../../src/deploy/project/make-project.ts';
import { parseRecord, recordOf, recordText } from '../../../src/deploy/project/record.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const pins = new Map([
  ['ghcr.io/spiffe/spire-server:1.15.2', digest],
  ['ghcr.io/spiffe/spire-server:1.0.0', digest],
]);

describe('makeProject', () => {
  it('makes what the target makes where nothing is pinned', () => {
    expect(makeProject(composeTarget, {}, new Map())).toEqual(composeTarget.make({}));
  });

  it('names images by the digests that are known, in nothing but the files that name them, the same every time', () => {
    const [plain, pinned] = [composeTarget.make({}), makeProject(composeTarget, {}, pins)];
    expect(pinned).toEqual(makeProject(composeTarget, {}, pins));
    expect([...pinned.files].filter(([name, text]) => text !== plain.files.get(name)).map(([name]) => name)).toEqual(['compose.yaml']);
    expect(pinned.pins).toEqual(new Map([['ghcr.io/spiffe/spire-server:1.15.2', digest]]));
  });
});

describe('a record with pins', () => {
  const made = makeProject(composeTarget, {}, pins);
  it('is read as it was written, and says nothing of pins where there are none', () => {
    const record = recordOf('compose', made);
    expect(parseRecord(recordText(record), 'r')).toEqual(record);
    expect(recordText(recordOf('compose', composeTarget.make({})))).not.toContain('pins');
  });

  it('is refused with a digest that is none', () => {
    expect(() => parseRecord(recordText(recordOf('compose', made)).replace(digest, 'sha256:abc'), 'r')).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }),
    );
  });
});
