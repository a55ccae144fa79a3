// Whether there is a trust bundle, and it is the one of our own SVID: with another nobody of our trust domain could be talked to.
import { isEphemosError } from 'ephemos/errors';
import { verifyPeer, type X509BundleSet, type X509Svid } from 'ephemos/spiffe';
import { count } from '../../../output/text.ts';
import { moment } from '../../../output/time.ts';
import { finding, found, mend, pass, type Rule, skip, type Verdict } from '../../check.ts';
import type { LiveEvidence } from '../evidence.ts';
import { startAgent } from '../mends.ts';

/** The rule. */
export const bundleRule: Rule<LiveEvidence> = {
  id: 'spire.reachable.bundle',
  title: 'there is a trust bundle that verifies it',
  judge({ workload, bundleMissing, now }) {
    const svid = workload?.value?.svids[0];
    if (svid !== undefined && workload?.value !== undefined) return judgeBundle(svid, workload.value.bundles, now);
    if (bundleMissing)
      return missing('the agent sends an SVID without its bundle', workload?.error === undefined ? [] : [workload.error.message]);
    return skip('there is no SVID to verify');
  },
};

function judgeBundle(svid: X509Svid, bundles: X509BundleSet, now: number): Verdict {
  const { trustDomain } = svid.id;
  const bundle = bundles.get(trustDomain);
  const authorities = bundle?.authorities ?? [];
  if (authorities.length === 0) {
    const what = bundle === undefined ? 'none came' : `${bundle.size} certificates came, and none can be read`;
    return missing(`there is no authority of ${trustDomain}`, [what]);
  }
  const until = Math.max(...authorities.map(({ notAfter }) => notAfter));
  if (until < now) {
    return found(
      finding('spire.reachable.bundle.expired', `every authority of ${trustDomain} has expired`, {
        evidence: [`the last one at ${moment(until)}`],
        mends: [mend('the server makes the next one when it runs: start it', 'systemctl restart spire-server'), startAgent],
      }),
    );
  }
  try {
    // When it is over is the affair of another rule: then at the moment of its life that is nearest.
    verifyPeer(svid.chain, bundles, { now: new Date(Math.min(Math.max(now, svid.notBefore), svid.notAfter)) });
  } catch (error) {
    if (!isEphemosError(error)) throw error;
    return found(
      finding('spire.reachable.bundle.wrong', `the bundle of ${trustDomain} does not verify ${svid.id}`, {
        evidence: [error.message],
        mends: [
          mend(
            'an authority was revoked before the SVIDs under it were renewed, or the agent has an old bundle: restart it',
            ...startAgent.lines,
          ),
        ],
      }),
    );
  }
  return pass(
    `${count(authorities.length, 'authority', 'authorities')} of ${trustDomain}, until ${moment(until)}; ${count(bundles.size, 'trust domain')}`,
  );
}

function missing(what: string, evidence: readonly string[]): Verdict {
  return found(
    finding('spire.reachable.bundle.missing', what, {
      evidence,
      mends: [startAgent, mend('the server has one to compare', 'ephemos bundle show --server unix:///run/spire-server/private/api.sock')],
    }),
  );
}
