// A program in; the same program in mount and process namespaces of its own, which take every mount, container and process with them when they end.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Room for images, containers and what builds write, in memory: nothing of it can stay behind. */
const STORE_SIZE = '4g';

// crun refuses a machine that has both versions of cgroups mounted; the second one is of no use beside the first.
const prepare = `set -e
store=$1 under=$2 npm=$3; shift 3
if mountpoint -q /sys/fs/cgroup/unified; then umount /sys/fs/cgroup/unified; fi
mount -t tmpfs -o size=${STORE_SIZE},mode=0700 tmpfs "$store"
mkdir -p "$store/tmp/buildah-cache"
mount --bind "$npm" "$store/tmp/buildah-cache"
if [ -n "$under" ]; then mount -t overlay -o "lowerdir=/usr:$under" overlay /usr; fi
PATH=$PATH:/usr/libexec/podman:/usr/lib/podman
exec catatonit -- "$@"`;

/**
 * @param {{ store: string, npm: string, under: readonly string[] }} folders the place of the store, the cache of npm in builds, and what goes under /usr
 * @param {readonly string[]} command
 * @returns {{ ended: Promise<number>, kill: () => void }}
 */
export function runApart({ store, npm, under }, command) {
  const words = ['--mount', '--pid', '--fork', '--kill-child=SIGKILL', '--mount-proc', '--propagation', 'private'];
  const inside = ['sh', '-c', prepare, 'sh', store, under.join(':'), npm, ...command];
  // Standard input tells the other side when this process is gone, however it ended.
  const child = spawn('unshare', [...words, ...inside], { stdio: ['pipe', 'inherit', 'inherit'] });
  const ended = once(child, 'close').then(([code]) => (typeof code === 'number' ? code : 1));
  return { ended, kill: () => void child.kill('SIGKILL') };
}
