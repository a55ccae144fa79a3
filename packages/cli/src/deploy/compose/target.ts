// `ephemos deploy init --target compose`: containers on one host.
import { refuseUnknown } from '../project/given.ts';
import { parseNames } from '../project/names.ts';
import type { Target } from '../project/target.ts';
import { renderStack } from './render-stack.ts';
import { idOf, nameOf } from './workloads.ts';

/** A SPIRE, a server and a client, as containers of one host. */
export const composeTarget: Target = {
  name: 'compose',
  directory: 'deploy/compose',
  // What SPIRE keeps is of one trust domain for ever.
  fixed: ['service', 'domain'],
  make(given) {
    refuseUnknown(given, ['service', 'domain']);
    const names = parseNames(given['service'], given['domain']);
    return {
      answers: { ...names },
      files: renderStack(names),
      next: [
        'docker compose up -d',
        `docker compose logs ${nameOf(names, 'client')}    # says: hello  (the server knows us as ${idOf(names, 'client')})`,
      ],
    };
  },
};
