// What a stack is for, shown: the client is answered, a stranger of the same trust domain is refused, and who is registered nowhere gets no identity.
import { strict as assert } from 'node:assert';

const protocols = /** @type {const} */ ({ gRPC: 'grpc', HTTP: 'http' });

/** @param {{ stack: import('./open-stack.js').Stack, screen: import('./screen.js').Screen }} options */
export async function show({ stack, screen }) {
  const client = `spiffe://${stack.domain}/echo-client`;
  for (const [name, protocol] of Object.entries(protocols)) {
    await screen.step(`echo-client over ${name}`, async (tell) => {
      const { code, stdout, stderr } = await stack.call({ as: 'echo-client', protocol, message: 'hello' });
      assert.equal(code, 0, `echo-client over ${name} ended with ${code}: ${stderr.trim()}`);
      assert.equal(stdout, `hello  (the server knows us as ${client})\n`);
      tell(`echo over ${name}: ${stdout.trim()}`);
    });
  }
  await screen.step('a stranger', async (tell) => {
    const before = stack.denials();
    const { code, stdout } = await stack.call({ as: 'stranger', protocol: 'grpc', message: 'let me in' });
    assert.equal(code, 4, `a stranger ended with ${code}: ${stdout}`);
    const { peer, reason } = await stack.denial(before);
    assert.equal(peer, `spiffe://${stack.domain}/stranger`);
    assert.equal(reason, 'no_rule_for_peer');
    tell(`stranger refused: ${peer}, ${reason}`);
  });
  await screen.step('somebody who is registered nowhere', async (tell) => {
    const { code, stderr } = await stack.ephemos('whoami-nobody', ['whoami', '--timeout', '5s'], 'nobody');
    assert.equal(code, 4, `somebody who is registered nowhere ended with ${code}`);
    tell(`no identity for others: ${stderr.split('\n')[0]?.replace(/^error: /, '')}`);
  });
  const { outage } = stack;
  if (outage === undefined) return;
  await screen.step(`${outage.server} is away`, async (tell) => {
    await outage.begin();
    tell(`${outage.server} stopped; somebody new is registered at the other server`);
    const id = await stack.register('latecomer', outage.socket);
    await stack.issued('latecomer');
    tell(`${outage.server} starts again`);
    await outage.end();
    tell(`while ${outage.server} was away: ${id} was registered, and has its identity`);
  });
}
