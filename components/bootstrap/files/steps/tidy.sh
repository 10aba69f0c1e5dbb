# What must not stay: the user-data with its keys, in all the places where cloud-init keeps it, and rights nobody needs.
set -euo pipefail

# It writes some of these files at its very end.
if command -v cloud-init >/dev/null; then timeout 120 cloud-init status --wait >/dev/null || true; fi

wipe() {
  for file in "$@"; do if [ -f "$file" ]; then shred --remove "$file"; fi; done
}

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
  left=$(grep -rlsF -f <(lines) /var/lib/cloud /run/cloud-init || true)
  if [ -n "$left" ]; then
    echo "keys of the cluster are left where cloud-init keeps its data: ${left//$'\n'/ }"
    exit 1
  fi
fi
