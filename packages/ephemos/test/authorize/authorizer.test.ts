import { inspect } from 'node:util';
import {
  type Authorizer,
  allOf,
  anyOf,
  authorizeAny,
  authorizeId,
  authorizeMemberOf,
  authorizeOneOf,
  authorizePath,
  not,
  type Peer,
  SpiffeId,
  TrustDomain,
} from 'ephemos';
import { describe, expect, it, vi } from 'vitest';
import { checkAuthorizer, decide } from '../../src/authorize/authorizer.ts';
import { outcomeOf, refusalOf } from '../spiffe/certificates.ts';
import { untyped } from '../support/untyped.ts';

function peerOf(id: string): Peer {
  return Object.freeze({ id: SpiffeId.parse(id), chain: [], authority: new Uint8Array(), notBefore: 0, notAfter: 1, expiresAt: 1 });
}

const web = peerOf('spiffe://example.org/web');
const yes: Authorizer = () => true;
const no: Authorizer = () => false;
const broken: Authorizer = () => {
  throw new Error('the policy is gone');
};

/** An authorizer as it comes from JavaScript, where nothing says what it returns. */
function returning(answer: unknown): Authorizer {
  return checkAuthorizer(() => answer);
}

/** What `await` would wait for although it is no promise. */
function thenable(then: (resolve: (value: boolean) => void) => void): object {
  return Object.fromEntries([['then', then]]);
}

// Made anew for each answer: one that nobody takes care of fails the test run.
const fails = checkAuthorizer(() => Promise.reject(new Error('later')));

/** What a listener makes of an authorizer. */
function outcome(authorizer: Authorizer, peer: Peer = web): string {
  return decide(checkAuthorizer(authorizer), peer).refusal?.code ?? 'admitted';
}

const DENIED = 'ERR_PEER_UNAUTHORIZED';

describe('authorizeId admits', () => {
  it.each([
    ['spiffe://example.org/web', 'admitted'],
    ['spiffe://example.org/Web', DENIED],
    ['spiffe://example.org/web/a', DENIED],
    ['spiffe://example.org/we', DENIED],
    ['spiffe://other.example/web', DENIED],
  ])('%s: %s', (id, expected) => {
    expect(outcome(authorizeId('spiffe://example.org/web'), peerOf(id))).toBe(expected);
    expect(outcome(authorizeId(SpiffeId.parse('spiffe://example.org/web')), peerOf(id))).toBe(expected);
  });
});

describe('authorizeOneOf admits', () => {
  it('those of the list and nobody else', () => {
    const authorizer = authorizeOneOf(['spiffe://example.org/a', SpiffeId.parse('spiffe://example.org/web')]);
    expect(['a', 'web', 'b'].map((name) => outcome(authorizer, peerOf(`spiffe://example.org/${name}`)))).toEqual([
      'admitted',
      'admitted',
      DENIED,
    ]);
  });

  it('those who stood in the list when it was made', () => {
    const list = ['spiffe://example.org/a'];
    const authorizer = authorizeOneOf(list);
    list.push('spiffe://example.org/web');
    expect(outcome(authorizer)).toBe(DENIED);
  });
});

describe('authorizeMemberOf admits', () => {
  it.each([
    ['spiffe://example.org/web', 'admitted'],
    ['spiffe://sub.example.org/web', DENIED],
    ['spiffe://example.org.evil/web', DENIED],
  ])('%s: %s', (id, expected) => {
    for (const name of ['example.org', 'spiffe://example.org', TrustDomain.parse('example.org')]) {
      expect(outcome(authorizeMemberOf(name), peerOf(id))).toBe(expected);
    }
  });
});

describe('authorizePath admits', () => {
  it.each([
    ['spiffe://example.org/ns/pay/', 'spiffe://example.org/ns/pay/web', 'admitted'],
    ['spiffe://example.org/ns/pay/', 'spiffe://example.org/ns/pay/a/b', 'admitted'],
    ['spiffe://example.org/ns/pay/', 'spiffe://example.org/ns/pay', DENIED],
    ['spiffe://example.org/ns/pay/', 'spiffe://example.org/ns/pay-evil/web', DENIED],
    ['spiffe://example.org/ns/pay/', 'spiffe://example.org/a/ns/pay/web', DENIED],
    ['spiffe://example.org/ns/pay/', 'spiffe://other.example/ns/pay/web', DENIED],
    ['spiffe://example.org/', 'spiffe://example.org/web', 'admitted'],
    ['spiffe://example.org/', 'spiffe://other.example/web', DENIED],
  ])('below %s %s: %s', (prefix, id, expected) => {
    expect(outcome(authorizePath(prefix), peerOf(id))).toBe(expected);
  });

  it('is refused without a closing slash, with the mend', () => {
    expect(refusalOf(() => authorizePath('spiffe://example.org/ns/pay')).hint).toBe(
      'write "spiffe://example.org/ns/pay/", or authorizeId for one ID',
    );
  });
});

describe('a mistake in a policy fails when it is made:', () => {
  const mistakes: readonly (readonly [string, string, () => unknown])[] = [
    ['an ID that is none', 'ERR_SPIFFE_ID_INVALID', () => authorizeId('example.org/web')],
    ['no ID', 'ERR_SPIFFE_ID_INVALID', () => untyped(authorizeId, undefined)],
    ['an object in place of an ID', 'ERR_SPIFFE_ID_INVALID', () => untyped(authorizeId, { path: '/web' })],
    ['the ID of a trust domain, which no workload has', 'ERR_AUTHORIZER_INVALID', () => authorizeId('spiffe://example.org')],
    [
      'the ID of a trust domain in a list',
      'ERR_AUTHORIZER_INVALID',
      () => authorizeOneOf(['spiffe://example.org/web', 'spiffe://example.org']),
    ],
    ['an empty list', 'ERR_AUTHORIZER_INVALID', () => authorizeOneOf([])],
    ['a list with an ID that is none', 'ERR_SPIFFE_ID_INVALID', () => authorizeOneOf(['spiffe://example.org/web', ''])],
    ['one text in place of a list', 'ERR_SPIFFE_ID_INVALID', () => authorizeOneOf('spiffe://example.org/web')],
    ['a trust domain that is none', 'ERR_TRUST_DOMAIN_INVALID', () => authorizeMemberOf('Example.org')],
    ['no trust domain', 'ERR_TRUST_DOMAIN_INVALID', () => untyped(authorizeMemberOf, undefined)],
    ['an object in place of a trust domain', 'ERR_TRUST_DOMAIN_INVALID', () => untyped(authorizeMemberOf, { name: 'example.org' })],
    ['a prefix without a trust domain', 'ERR_SPIFFE_ID_INVALID', () => authorizePath('/ns/')],
    ['a prefix with an empty segment', 'ERR_SPIFFE_ID_INVALID', () => authorizePath('spiffe://example.org/ns//')],
    ['a prefix of another scheme', 'ERR_SPIFFE_ID_INVALID', () => authorizePath('https://example.org/')],
    ['a prefix with a wild card', 'ERR_SPIFFE_ID_INVALID', () => authorizePath('spiffe://example.org/*/')],
    ['allOf nothing', 'ERR_AUTHORIZER_INVALID', () => allOf()],
    ['anyOf nothing', 'ERR_AUTHORIZER_INVALID', () => anyOf()],
    ['not nothing', 'ERR_AUTHORIZER_INVALID', () => untyped(not)],
    ['a list in place of authorizers', 'ERR_AUTHORIZER_INVALID', () => untyped(allOf, [yes])],
    ['no authorizer', 'ERR_AUTHORIZER_INVALID', () => checkAuthorizer(undefined)],
    ['true in place of an authorizer', 'ERR_AUTHORIZER_INVALID', () => checkAuthorizer(true)],
    ['an ID in place of an authorizer', 'ERR_AUTHORIZER_INVALID', () => checkAuthorizer('spiffe://example.org/web')],
    ['an async authorizer', 'ERR_AUTHORIZER_INVALID', () => checkAuthorizer(async () => true)],
    ['an async authorizer that was bound', 'ERR_AUTHORIZER_INVALID', () => checkAuthorizer((async () => true).bind(undefined))],
    ['an async authorizer among others', 'ERR_AUTHORIZER_INVALID', () => untyped(anyOf, yes, async () => true)],
  ];
  it.each(mistakes)('%s', (_what, code, call) => {
    expect(outcomeOf(call)).toBe(code);
  });
});

describe('only true admits', () => {
  it.each([
    ['undefined', undefined],
    ['null', null],
    ['1', 1],
    ['a text', 'true'],
    ['an object', {}],
    ['a Boolean object', new Boolean(true)],
    ['a promise of true', Promise.resolve(true)],
    ['a thenable', thenable((resolve) => resolve(true))],
    ['a function', yes],
    ['a symbol', Symbol('true')],
  ])('%s does not', (_what, answer) => {
    const error = decide(returning(answer), web).refusal;
    expect(error?.code).toBe(DENIED);
    expect(error?.cause).toEqual(new TypeError('the authorizer returned something other than a boolean'));
  });

  it('a promise that fails does not, and does not end the process', () => {
    expect(decide(fails, web).refusal?.code).toBe(DENIED);
  });

  it('false does not, and there is nothing to explain', () => {
    const { refusal } = decide(no, web);
    expect([refusal?.code, refusal?.message, refusal?.cause]).toEqual([
      DENIED,
      'the authorizer does not admit spiffe://example.org/web',
      undefined,
    ]);
  });

  it('a throw does not, and is the cause', () => {
    expect(decide(broken, web).refusal?.cause).toEqual(new Error('the policy is gone'));
  });

  it('a generator does not', () => {
    const generator = checkAuthorizer(function* admit() {
      yield true;
    });
    expect(decide(generator, web).refusal?.code).toBe(DENIED);
  });

  it('a thenable is not called', () => {
    const then = vi.fn();
    decide(returning(thenable(then)), web);
    expect(then).not.toHaveBeenCalled();
  });
});

describe('allOf, anyOf and not', () => {
  it.each([
    ['allOf(yes)', allOf(yes), 'admitted'],
    ['allOf(yes, no)', allOf(yes, no), DENIED],
    ['allOf(yes, broken)', allOf(yes, broken), DENIED],
    ['anyOf(no)', anyOf(no), DENIED],
    ['anyOf(no, yes)', anyOf(no, yes), 'admitted'],
    ['anyOf(yes, broken)', anyOf(yes, broken), 'admitted'],
    ['anyOf(broken, yes)', anyOf(broken, yes), DENIED],
    ['not(no)', not(no), 'admitted'],
    ['not(yes)', not(yes), DENIED],
    ['not(broken)', not(broken), DENIED],
    ['not(not(broken))', not(not(broken)), DENIED],
    ['not(not(yes))', not(not(yes)), 'admitted'],
    ['not(anyOf(no, no))', not(anyOf(no, no)), 'admitted'],
    ['authorizeAny()', authorizeAny(), 'admitted'],
    ['not(authorizeAny())', not(authorizeAny()), DENIED],
  ])('%s: %s', (_what, authorizer, expected) => {
    expect(outcome(authorizer)).toBe(expected);
  });

  it.each([
    ...[undefined, 0, '', null, 1, Promise.resolve(false), thenable(() => undefined)].map(
      (answer) => [inspect(answer), returning(answer)] as const,
    ),
    ['a promise that fails', fails] as const,
  ])('deny for an answer that is no boolean: %s', (_what, odd) => {
    for (const authorizer of [
      allOf(odd),
      allOf(yes, odd),
      anyOf(odd),
      anyOf(no, odd),
      anyOf(odd, yes),
      not(odd),
      not(not(odd)),
      not(allOf(odd)),
    ]) {
      expect(outcome(authorizer)).toBe(DENIED);
    }
  });

  it('give every authorizer the very peer', () => {
    const seen: Peer[] = [];
    const look: Authorizer = (peer) => {
      seen.push(peer);
      return true;
    };
    outcome(allOf(look, anyOf(not(not(look)))));
    expect(seen).toEqual([web, web]);
    expect(seen[0]).toBe(web);
  });
});
