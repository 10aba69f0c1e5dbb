# Send no snapshots any more, and keep nothing of how it was done. A machine that is left has this beside the programs.
set -euo pipefail

# Neither needs to be there: a run before this one may have come half way.
systemctl --quiet disable --now slipway-snapshots.timer 2>/dev/null || true
systemctl --quiet stop slipway-snapshots.service 2>/dev/null || true
rm -f /etc/systemd/system/slipway-snapshots.timer /etc/systemd/system/slipway-snapshots.service \
  /var/lib/systemd/timers/stamp-slipway-snapshots.timer /var/lib/etcd/slipway-snapshot.sent
rm -rf /usr/local/lib/slipway/snapshots /var/lib/slipway/snapshots
systemctl daemon-reload
