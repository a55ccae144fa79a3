# The machine of boot.js: in namespaces of its own, with a systemd of its own as process 1. Everything that it writes is in memory, and goes with it.
# Arguments: a folder for the machine, the files of the target, the folder of SPIRE's programs, node, the built checkout, and what says how far it came.
set -e
machine=$1 target=$2 spire=$3 node=$4 checkout=$5 out=$6 systemd=$7
mount -t tmpfs -o size=256m,mode=0755 tmpfs "$machine"
mkdir "$machine/up" "$machine/work" "$machine/root"
mount -t overlay -o "lowerdir=/,upperdir=$machine/up,workdir=$machine/work" overlay "$machine/root"
root=$machine/root
# Of the units of the machine below only those that are asked for.
rm -rf "$root"/etc/systemd/system "$root"/etc/systemd/network
mkdir -p "$root/opt/spire/bin" "$root/opt/echo" "$root/opt/node" "$root/opt/checkout" "$root/opt/out" "$root/.before"
cp -r "$target/etc/." "$root/etc/"
for mounted in "$spire:opt/spire/bin" "$checkout:opt/checkout" "$out:opt/out"; do mount --bind "${mounted%%:*}" "$root/${mounted#*:}"; done
touch "$root/usr/bin/node"
mount --bind "$node" "$root/usr/bin/node"
echo "import('/opt/checkout/examples/echo/dist/echo-server.js');" > "$root/opt/echo/server.js"
echo '127.0.0.1 localhost spire-server.prod.acme.com' > "$root/etc/hosts"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t tmpfs -o mode=0755 tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
mount --rbind /dev "$root/dev"
if [ -d /sys/fs/cgroup/systemd ]; then
  mount -t tmpfs tmpfs "$root/sys/fs/cgroup"
  for controller in memory pids; do
    mkdir "$root/sys/fs/cgroup/$controller"
    mount -t cgroup -o "$controller" cgroup "$root/sys/fs/cgroup/$controller"
  done
  mkdir "$root/sys/fs/cgroup/systemd"
  mount -t cgroup -o none,name=systemd cgroup "$root/sys/fs/cgroup/systemd"
else
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
fi
ip link set lo up
chroot "$root" systemd-sysusers
cd "$root"
pivot_root . .before
umount -l /.before
exec env -i container=ephemos PATH=/usr/sbin:/usr/bin:/sbin:/bin "$systemd" --system --unit=ephemos.target --log-target=console --show-status=no
