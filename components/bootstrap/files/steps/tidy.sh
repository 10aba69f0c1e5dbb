# What must not stay: the user-data with its keys, in all the places where cloud-init keeps it, and rights nobody needs.
set -euo pipefail

# It writes some of these files at its very end.
if command -v cloud-init >/dev/null; then timeout 120 cloud-init status --wait >/dev/null || true; fi

wipe() {
  for file in "$@"; do if [ -f "$file" ]; then shred --remove "$file"; fi; done
}

# A seed that is a disk which can be written to: what made this machine a node is blanked where it stands, so that the
# disk is still one that NoCloud reads at the next boot, and the hypervisor whenever it likes.
booted_with=/var/lib/cloud/instance/user-data.txt
disk=$(readlink --canonicalize-existing /dev/disk/by-label/cidata || true)
if ! [ -b "$disk" ] || [ "$(blockdev --getro "$disk")" != 0 ]; then disk=; fi
if [ -n "$disk" ] && grep -qs slipway-bootstrap.service "$booted_with"; then
  python3 - "$disk" "$booted_with" <<'END'
import os
import sys

with open(sys.argv[2], "rb") as file:
    told = file.read()
with open(sys.argv[1], "r+b") as disk:
    place = disk.read().find(told)
    if place >= 0:
        disk.seek(place)
        disk.write(b"#cloud-config\n".ljust(len(told), b"#"))
        disk.flush()
        os.fsync(disk.fileno())
END
fi

# The seed is emptied and not removed: without it NoCloud would find nothing at the next boot.
seed=/var/lib/cloud/seed/nocloud/user-data
if [ -s "$seed" ]; then
  shred "$seed"
  : >"$seed"
fi
wipe /var/lib/cloud/instances/*/{user-data.txt,user-data.txt.i,cloud-config.txt,obj.pkl} \
  /run/cloud-init/{combined-cloud-config,instance-data-sensitive}.json
wipe /etc/slipway/join.kubeconfig /etc/kubernetes/super-admin.conf
find /etc/kubernetes/pki -name '*.crt' -exec chmod 0600 {} +
# CIS 4.1.1: packages and images bring it readable for everybody.
find {/etc,/usr/lib}/systemd/system -path '*kubelet.service*' -type f -exec chmod 0600 {} +

# Workers have no key of an authority.
cd /etc/kubernetes/pki
if [ -e ca.key ]; then
  # By whole lines, as they stand in YAML, JSON and a pickle alike; and not as an argument, which anybody may read.
  lines() { find . -name '*.key' -exec grep -hE '^[A-Za-z0-9+/]{64}$' {} +; }
  left=$(grep -rlsF -f <(lines) /var/lib/cloud /run/cloud-init ${disk:+"$disk"} || true)
  if [ -n "$left" ]; then
    echo "keys of the cluster are left where cloud-init keeps its data: ${left//$'\n'/ }"
    exit 1
  fi
fi
