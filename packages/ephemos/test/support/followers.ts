// A source that counts who follows it: what is closed must have let go.
import type { X509Source } from 'ephemos';

export interface CountedSource {
  readonly source: X509Source;
  count(): number;
}

export function countFollowers(source: X509Source): CountedSource {
  const followers = new Set<symbol>();
  const counted: X509Source = Object.create(source, {
    subscribe: {
      value(listener: () => void) {
        const follower = Symbol('follower');
        followers.add(follower);
        const stop = source.subscribe(listener);
        return () => {
          followers.delete(follower);
          stop();
        };
      },
    },
  });
  return { source: counted, count: () => followers.size };
}
