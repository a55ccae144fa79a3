// ephemos policy explain: a peer and what it asks for in; the rule that decides and where it stands out, or what the nearest rules lack.
import type { LocatedPolicy } from '@ephemos/service/config';
import { Command, Option } from 'commander';
import type { Explanation } from 'ephemos';
import type { Context } from '../context.ts';
import { parseId, parseTarget } from '../input/values.ts';
import { placeJson, placeText, problemJson, problemsText } from '../output/config-report.ts';
import { reportOf } from '../output/error.ts';
import { exitCodes } from '../output/exit-code.ts';
import { createStyle, jsonText, printable } from '../output/text.ts';
import { describe, type FormatOption, formatOption } from './options.ts';

interface ExplainOptions extends FormatOption {
  readonly peer: string;
  readonly to: string;
  readonly config?: string;
  readonly policy?: string;
}

/** Makes the command. */
export function createPolicyExplain(context: Context): Command {
  const command = new Command('explain')
    .description('show which rule allows a peer what it asks for, or what the nearest rules lack')
    .requiredOption('--peer <spiffe id>', 'who asks')
    .requiredOption('--to <target>', 'for what: "GET /orders/7", or "/orders.v1.Orders/Get" for gRPC')
    .option('--config <file>', 'the configuration of the service (default: EPHEMOS_CONFIG_PATH, then /etc/ephemos/config.yaml)')
    .addOption(new Option('--policy <file>', 'a file with rules alone').conflicts('config'))
    .addOption(formatOption('one document'))
    .action(async (options: ExplainOptions) => context.finish(await explain(options, context)));
  return describe(command, {
    examples: [
      'ephemos policy explain --peer spiffe://example.org/web --to "GET /orders/7" --config ./config.yaml',
      'ephemos policy explain --peer spiffe://example.org/web --to /orders.v1.Orders/Get --policy ./policy.yaml --format json',
    ],
    exits: {
      0: 'allowed',
      3: 'a configuration, a policy, a SPIFFE ID or a target that is not valid',
      4: 'denied',
    },
  });
}

async function explain(options: ExplainOptions, context: Context): Promise<number> {
  const peer = parseId(options.peer, '--peer');
  const target = await parseTarget(options.to, '--to');
  const located = await locate(options, context);
  if (located === undefined) return exitCodes.config;
  const { explainDecision, formatExplanation } = await import('ephemos');
  const explanation = explainDecision(located.policy, peer, target);
  if (options.format === 'json') context.print(`${jsonText(explanationJson(explanation, located), 2)}\n`);
  else {
    const style = createStyle(context.color);
    const text = formatExplanation(explanation, (index) => placeText(located.placeOf(index)));
    const [first = '', ...rest] = text.split('\n').map(printable);
    const [verdict = '', ...asked] = first.split(': ');
    const colored = explanation.allowed ? style.good(verdict) : style.bad(verdict);
    context.print(`${[[colored, ...asked].join(': '), ...rest].join('\n')}\n`);
  }
  return explanation.allowed ? exitCodes.ok : exitCodes.identity;
}

/** The policy; undefined when it cannot be used, and then that has been told. */
async function locate({ config, policy, format }: ExplainOptions, context: Context): Promise<LocatedPolicy | undefined> {
  const { ConfigError, locatePolicy, locatePolicyFile } = await import('@ephemos/service/config');
  try {
    return policy === undefined ? locatePolicy({ path: config, env: context.env }) : locatePolicyFile(policy);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { problems, total } = error;
    context.printError(
      format === 'json'
        ? `${jsonText({ error: reportOf(error), problems: problems.map(problemJson), exitCode: exitCodes.config })}\n`
        : problemsText(problems, total, createStyle(false)),
    );
    return undefined;
  }
}

function explanationJson(explanation: Explanation, { placeOf }: LocatedPolicy): object {
  const { allowed, peer, target, reason, rule, index, nearest } = explanation;
  return {
    allowed,
    peer,
    target,
    reason,
    rule: rule === undefined || index === undefined ? null : { name: rule, index, ...placeJson(placeOf(index)) },
    nearest: nearest.map((near) => ({
      name: near.rule,
      index: near.index,
      ...placeJson(placeOf(near.index)),
      mismatches: near.mismatches,
    })),
  };
}
