// What is published on one of our diagnostics channels while something runs.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type ChannelName, channels } from '../../src/observe/channels.ts';

type Published = Readonly<Record<string, unknown>>;

/** Runs the work and gives the messages, in order. */
export async function publishedDuring(name: ChannelName, work: () => Promise<unknown>): Promise<readonly Published[]> {
  const seen: Published[] = [];
  const see = (message: unknown): void => {
    if (typeof message === 'object' && message !== null) seen.push({ ...message });
  };
  subscribe(channels[name].name, see);
  try {
    await work();
  } finally {
    unsubscribe(channels[name].name, see);
  }
  return seen;
}
