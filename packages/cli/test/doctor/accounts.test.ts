import { describe, expect, it } from 'vitest';
import { parseAccount } from '../../src/doctor/live/accounts.ts';

const NOBODY = 65_534;

/** Runs it as who is not root; this process has a file of tests to itself. */
function asNobody<T>(run: () => T): T {
  if (process.geteuid?.() !== 0) return run();
  process.seteuid?.(NOBODY);
  try {
    return run();
  } finally {
    process.seteuid?.(0);
  }
}

describe('--user', () => {
  it('is refused for anybody but root, whoever is named', () => {
    for (const user of ['0:0', String(NOBODY), '20001:20001']) {
      expect(() => asNobody(() => parseAccount(user))).toThrow('only root may ask as another user');
    }
  });

  it.each(['', 'nobody-of-that-name', '-1', '1:', ':1', '12345678901', '0:0:0'])('%j names nobody', (user) => {
    expect(() => parseAccount(user)).toThrow('/etc/passwd has no such user');
  });
});
