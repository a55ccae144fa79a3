// Whether our SVID is valid now, and is renewed in time.
import { lifeLeft, moment, span } from '../../../output/time.ts';
import { finding, found, mend, pass, type Rule, skip } from '../../check.ts';
import type { LiveEvidence } from '../evidence.ts';
import { setClock, startAgent } from '../mends.ts';

/** SPIRE renews at half of the life, give or take a tenth of it; what is left of it here was missed. */
const LATE = 1 / 3;

/** The rule. */
export const svidRule: Rule<LiveEvidence> = {
  id: 'spire.reachable.svid',
  title: 'its SVID is valid, and renewed in time',
  judge({ workload, now }) {
    const svid = workload?.value?.svids[0];
    if (svid === undefined) return skip('there is no SVID to look at');
    const { id, notBefore, notAfter } = svid;
    const life = `${id} is valid from ${moment(notBefore)} to ${moment(notAfter)}, and it is ${moment(now)} here`;
    if (now > notAfter) {
      return found(
        finding('spire.reachable.svid.expired', `the SVID ${lifeLeft(notAfter, now)}`, {
          evidence: [life],
          mends: [
            mend(
              'the agent renews it as soon as it reaches its server: see spire.reachable.server, or restart the server',
              'systemctl restart spire-server',
            ),
            startAgent,
            mend('or the clock here is ahead: see spire.reachable.clock', ...setClock.lines),
          ],
        }),
      );
    }
    if (now < notBefore) {
      return found(
        finding('spire.reachable.svid.not-yet-valid', `the SVID becomes valid in ${span(notBefore - now)}`, {
          evidence: [life, 'SPIRE makes SVIDs valid 10 s before they are issued: the clock here is behind that of the server'],
          mends: [setClock],
        }),
      );
    }
    if ((notAfter - now) / (notAfter - notBefore) < LATE) {
      return found(
        finding('spire.reachable.svid.not-renewed', `the SVID has ${span(notAfter - now)} left, and was not renewed`, {
          evidence: [life, 'SPIRE renews at half of the life'],
          mends: [mend('see spire.reachable.server; the log of the agent says what stops it', 'journalctl -u spire-agent -n 50')],
        }),
      );
    }
    return pass(`${lifeLeft(notAfter, now)}, until ${moment(notAfter)}`);
  },
};
