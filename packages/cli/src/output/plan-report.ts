// A plan and what came of it, as it is told: `+` for what is created, `~` for what changes, `-` for what goes, `!` for what others hold.
import type { Action, Applied, Failure } from '../entries/apply-plan.ts';
import { type Entry, fieldOf } from '../entries/entry.ts';
import { conflictsOf, type Held, type Plan, sizeOf } from '../entries/plan.ts';
import { whole } from '../top/numbers.ts';
import { changeJson, changeLines, entryJson, entryLines } from './entry-text.ts';
import { count, printable, type Style } from './text.ts';

/** The plan for people; empty when there is nothing to tell but the counts. */
export function planText(plan: Plan, style: Style): string {
  const blocks = [
    ...plan.create.map((entry) => block(style.good('+'), entry, '', entryLines(entry, style))),
    ...plan.update.map(({ entry, changes }) => block(style.warn('~'), entry, style.dim(entry.entryId), changeLines(changes, style))),
    ...plan.delete.map((entry) => block(style.bad('-'), entry, style.dim(entry.entryId), entryLines(entry, style))),
    ...plan.held.map((each) => heldText(each, style)),
    ...plan.expired.map((entry) => block('!', entry, `is over since ${String(fieldOf(entry, 'expires_at'))}: not created`, '')),
    ...plan.left.map((entry) => block('!', entry, `is not in the file: --prune deletes it ${style.dim(entry.entryId)}`, '')),
  ];
  return blocks.map((each) => `${each}\n`).join('');
}

/** The last line: how many of what. */
export function planSummary(plan: Plan, style: Style): string {
  const conflicts = conflictsOf(plan).length;
  const parts = [
    part(plan.create.length, 'to create', style.good),
    part(plan.update.length, 'to change', style.warn),
    part(plan.delete.length, 'to delete', style.bad),
    part(conflicts, 'in conflict with entries of others', style.bad),
    part(plan.held.length - conflicts, 'that others have', style.dim),
    part(plan.left.length, 'not in the file', style.dim),
    part(plan.expired.length, 'over', style.dim),
    [`${whole(plan.unchanged)} unchanged`],
  ];
  return `${sizeOf(plan) + conflicts === 0 ? 'nothing to change' : 'plan'}: ${parts.flat().join(', ')}\n`;
}

/** What was done. */
export function appliedText({ created, updated, deleted, failures, remaining }: Applied, seconds: number, style: Style): string {
  const parts = [
    part(created, 'created', style.good),
    part(updated, 'changed', style.warn),
    part(deleted, 'deleted', style.bad),
    part(failures.length, 'failed', style.bad),
    part(remaining, 'not done', style.bad),
  ].flat();
  return `${failures.map((each) => failureText(each, style)).join('')}${parts.join(', ')} in ${seconds.toFixed(1)} s\n`;
}

/** The document of a plan. */
export function planJson(plan: Plan): object {
  return {
    owner: plan.owner,
    create: plan.create.map(entryJson),
    update: plan.update.map(({ entry, changes }) => ({ ...entryJson(entry), changes: changes.map(changeJson) })),
    delete: plan.delete.map(entryJson),
    unchanged: plan.unchanged,
    left: plan.left.map(entryJson),
    held: plan.held.map(({ entry, other, changes }) => ({
      ...entryJson(entry),
      heldBy: other.entryId,
      conflict: changes.length > 0,
      changes: changes.map(changeJson),
    })),
    expired: plan.expired.map(entryJson),
  };
}

/** The document of what was done. */
export function appliedJson({ created, updated, deleted, failures, remaining }: Applied): object {
  return {
    created,
    updated,
    deleted,
    failed: failures.map(({ action, entry, code, message }) => ({
      action,
      entry_id: entry.entryId,
      spiffe_id: entry.spiffeId,
      code,
      message,
      hint: hintOf(message) ?? null,
    })),
    remaining,
  };
}

function block(mark: string, entry: Entry, more: string, lines: string): string {
  const head = `${mark} ${printable(entry.spiffeId)}${more === '' ? '' : `  ${more}`}`;
  return lines === '' ? head : `${head}\n${lines}`;
}

function heldText({ entry, other, changes }: Held, style: Style): string {
  const whose = `entry ${printable(other.entryId)}, which belongs to others,`;
  if (changes.length === 0) return block('!', entry, `${whose} is the same: left alone`, '');
  const what = `${whose} has the same parent and selectors, and differs: left alone`;
  return block(style.bad('!'), entry, what, changeLines(changes, style));
}

const MARKS: Readonly<Record<Action, string>> = { create: '+', update: '~', delete: '-' };

function failureText({ action, entry, code, message }: Failure, style: Style): string {
  const hint = hintOf(message);
  const head = `${style.bad('failed')} ${MARKS[action]} ${printable(entry.spiffeId)}  ${style.dim(entry.entryId)}`;
  return `${head}\n    ${code}: ${printable(message)}\n${hint === undefined ? '' : `    ${style.dim('hint:')} ${hint}\n`}`;
}

function hintOf(message: string): string | undefined {
  if (!message.includes('unable to find federated bundle')) return undefined;
  return 'the server has no bundle of a trust domain in federates_with: load it first, with "spire-server bundle set" or a federation relationship';
}

function part(number: number, what: string, style: (text: string) => string): readonly string[] {
  return number === 0 ? [] : [style(`${whole(number)} ${what}`)];
}

/** `1 entry`, `2 entries`. */
export function countEntries(number: number): string {
  return number < 2 ? count(number, 'entry', 'entries') : `${whole(number)} entries`;
}
