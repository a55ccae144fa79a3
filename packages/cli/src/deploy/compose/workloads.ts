// The workloads of a stack and how they are called: everything follows from the two names that were given.
import { SpiffeId } from 'ephemos/spiffe';
import type { Names } from '../project/names.ts';

/** A workload of the stack: its service, its container, and the path of its SPIFFE ID are called by it. */
export type Workload = 'server' | 'client';

/** `echo-server` */
export function nameOf({ service }: Names, workload: Workload): string {
  return `${service}-${workload}`;
}

/** `spiffe://echo.internal/echo-server` */
export function idOf(names: Names, workload: Workload): string {
  return SpiffeId.parse(`spiffe://${names.domain}/${nameOf(names, workload)}`).toString();
}
