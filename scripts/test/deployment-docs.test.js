import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { excerptOf } from '../docs/excerpt.js';
import { renderDeploymentDocs } from '../render-deployment-docs.js';
import { plant } from './plant.js';

const manifests = `# Two of them.
apiVersion: v1
kind: Service
metadata:
  name: echo
spec:
  ports:
    # For callers.
    - name: mtls
      port: 8443
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: echo }
`;
const rules = `groups:
  - name: one
    rules:
      - alert: A
  - name: two
    rules:
      - alert: B
        expr: b > 1
`;
const conf = `plugins {
  # Kept.
  KeyManager "disk" {
    plugin_data {
      keys_path = "/k"
    }
  }
}
`;

test('a document is shown by kind and name, and a part of it by its path, with the comments before it', () => {
  expect(excerptOf(manifests, { document: 'ServiceAccount/echo' })).toBe('apiVersion: v1\nkind: ServiceAccount\nmetadata: { name: echo }');
  expect(excerptOf(manifests, { document: 'Service/echo', at: 'spec.ports.0' })).toBe('# For callers.\n- name: mtls\n  port: 8443');
  expect(excerptOf(manifests, { document: 'Service/echo', at: 'spec.ports.name=mtls.port' })).toBe('port: 8443');
  expect(excerptOf(rules, { at: 'groups.name=two.rules.alert=B' })).toBe('- alert: B\n  expr: b > 1');
  expect(excerptOf('{\n  "panels": [\n    { "title": "a" }\n  ]\n}', { at: 'panels.0' })).toBe('{ "title": "a" }');
  expect(() => excerptOf(manifests, { document: 'Service/other' })).toThrow('there are Service/echo, ServiceAccount/echo');
  expect(() => excerptOf(manifests, { document: 'Service/echo', at: 'spec.selector' })).toThrow('no selector');
});

test('lines are shown from the first that holds a text to the bracket that closes it', () => {
  expect(excerptOf(conf, { from: 'KeyManager', to: '}' })).toBe('KeyManager "disk" {\n  plugin_data {\n    keys_path = "/k"\n  }\n}');
  expect(excerptOf(conf, { from: 'keys_path' })).toBe('keys_path = "/k"');
  expect(() => excerptOf(conf, { from: 'DataStore', to: '}' })).toThrow('no line holds "DataStore"');
  expect(() => excerptOf(conf, { from: 'keys_path', to: '}' })).toThrow('no line after it');
});

const fence = '```';
const page = (mark, end = '<!-- /file -->') => `# Guide\n\n${mark}\n${end}\n\n${fence}sh\nkubectl apply -k .\n${fence}\n`;

test('places are filled, stay as they are the second time, and are told when their file has changed', () => {
  const base = plant({ 'docs/deployment.md': page('<!-- file: deploy/a.yaml at="kind" -->'), 'deploy/a.yaml': 'kind: A\nother: 1\n' });
  expect(renderDeploymentDocs({ base, check: true }).problems).toHaveLength(1);
  expect(renderDeploymentDocs({ base, check: false })).toEqual({ problems: [], count: 1 });
  const text = readFileSync(join(base, 'docs/deployment.md'), 'utf8');
  expect(text).toContain(`[\`deploy/a.yaml\`](../deploy/a.yaml)\n\n${fence}yaml\nkind: A\n${fence}\n`);
  expect(renderDeploymentDocs({ base, check: true })).toEqual({ problems: [], count: 1 });
});

test('a file that is not there, a mark without an end and a block of no file are problems', () => {
  const problemsOf = (text, files = {}) =>
    renderDeploymentDocs({ base: plant({ 'docs/deployment.md': text, ...files }), check: true }).problems;
  expect(problemsOf(page('<!-- file: deploy/a.yaml -->'))).toEqual(['docs/deployment.md:3 deploy/a.yaml: there is no such file']);
  expect(problemsOf(page('<!-- file: deploy/a.yaml -->', ''))).toEqual([expect.stringContaining('have no')]);
  expect(problemsOf(`# Guide\n\n${fence}yaml\nkind: A\n${fence}\n`)).toEqual([
    expect.stringContaining('docs/deployment.md:3 a yaml block'),
  ]);
});
