// Whether settings for debugging are left in configurations of SPIRE.
import { type Finding, finding, mend, type Rule } from '../../check.ts';
import type { StaticEvidence } from '../../documents/document.ts';
import { createRule } from '../manifests/rule.ts';
import { type Conf, isSetTo, lookAtConfs, placeIn, pluginsOf, setting, textOf } from './confs.ts';

/** The rule. */
export const spireDebuggingRule: Rule<StaticEvidence> = createRule({
  id: 'config.production.spire-debugging',
  title: 'SPIRE runs without settings for debugging',
  thing: 'SPIRE configuration',
  look: (documents) => lookAtConfs(documents, undefined, (conf) => [...logLevel(conf), ...switches(conf)]),
});

function* logLevel(conf: Conf): Generator<Finding> {
  const level = setting(conf, 'log_level');
  const text = textOf(level);
  if (text === undefined || !/^(debug|trace)$/i.test(text)) return;
  yield finding('config.production.spire-debugging.log-level', `the log level is ${text}`, {
    evidence: ['at this level every request is logged, with selectors and entries'],
    mends: [mend('log what matters', 'log_level = "INFO"')],
    place: placeIn(conf, level?.key),
  });
}

function* switches(conf: Conf): Generator<Finding> {
  const profiling = setting(conf, 'profiling_enabled');
  const [store] = pluginsOf(conf, 'DataStore');
  for (const [found, what] of [
    [profiling, 'profiling is on: whoever reaches its port sees the memory of the process'],
    [store?.data('log_sql'), 'every statement is logged, with its values'],
  ] as const) {
    if (!isSetTo(found, true)) continue;
    yield finding('config.production.spire-debugging.switch', what, {
      evidence: [`${found?.key.name} = true`],
      mends: [mend('remove it')],
      place: placeIn(conf, found?.key),
    });
  }
}
