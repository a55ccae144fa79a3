# What an operator does on the machine of boot.js, and looks at: run by a unit of its own. Each line that begins with "= " is read by boot.js.
ephemos() { node /opt/checkout/packages/cli/dist/main.js "$@"; }
until_answers() { until curl -sf -o /dev/null "$1"; do sleep 0.2; done; }
status_of() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$(systemctl show -p MainPID --value "$1")/status" | tr '\t' ' '; }
until [ -S /run/spire/server/private/api.sock ]; do sleep 0.2; done
ephemos entries apply -f /opt/out/entries.yaml --server unix:///run/spire/server/private/api.sock || exit 1
until_answers http://127.0.0.1:9080/readyz
echo "= identity $(curl -s http://127.0.0.1:9090/metrics | sed -n 's/^ephemos_svid_info.*spiffe_id="\([^"]*\)".*/\1/p')"
for unit in spire-server spire-agent echo; do
  pid=$(systemctl show -p MainPID --value $unit)
  echo "= $unit user $(stat -c %U /proc/$pid)"
  echo "= $unit capabilities $(status_of $unit CapEff) $(status_of $unit CapBnd)"
  echo "= $unit privileges $(status_of $unit NoNewPrivs) $(status_of $unit Seccomp)"
  if nsenter -t "$pid" -m touch /etc/written /opt/written /usr/written 2> /dev/null; then echo "= $unit writes yes"; else echo "= $unit writes no"; fi
done
echo "= memory $(systemctl show -p MemoryMax --value echo)"
if ephemos whoami --socket unix:///run/spire/sockets/agent.sock --timeout 3s > /dev/null 2>&1; then echo '= stranger known'; else echo '= stranger unknown'; fi
# The service comes back after it was killed, and not after a configuration that is not valid.
systemctl kill -s KILL echo
until [ "$(systemctl show -p NRestarts --value echo)" = 1 ]; do sleep 0.2; done
until_answers http://127.0.0.1:9080/readyz
echo '= killed comes back'
systemctl stop echo
echo "= stopped $(systemctl show -p Result --value echo) $(systemctl show -p ExecMainStatus --value echo)"
echo 'nonsense: 1' >> /etc/ephemos/echo/config.yaml
systemctl start echo 2> /dev/null
until [ "$(systemctl show -p ActiveState --value echo)" = failed ]; do sleep 0.2; done
echo "= invalid $(systemctl show -p ExecMainStatus --value echo) $(systemctl show -p NRestarts --value echo)"
# The slips that the units speak of.
systemctl start writes-no-code 2> /dev/null
until systemctl show -p ActiveState --value writes-no-code | grep -qE 'failed|inactive'; do sleep 0.2; done
echo "= writes-no-code $(systemctl show -p Result --value writes-no-code)"
echo '= end'
