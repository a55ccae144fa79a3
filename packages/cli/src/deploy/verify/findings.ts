// What is found of a deployment that was written by "ephemos deploy init", beside what doctor finds in its files.

/** Sorted; the id without its last part is that of the rule. */
export const projectFindings = {
  'deploy.project.files.missing': { severity: 'error', means: 'a file that was written with the deployment is not there' },
  'deploy.project.keys.expires-soon': {
    severity: 'warning',
    means: 'a certificate of the deployment has less than a quarter of its life left',
  },
  'deploy.project.keys.wrong': {
    severity: 'error',
    means: 'keys of the deployment are missing, expired, of others, or readable by others',
  },
} as const;
