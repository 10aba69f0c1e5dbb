# Take a machine for a cluster, and keep what is changed on it beside the claim: `sh -s CLAIM`. Prints whose it is then.
set -eu
umask 022
mkdir -p /etc/slipway
# Of two that come at once, one gets it.
if (set -C; printf '%s\n' "$1" >/etc/slipway/claim) 2>/dev/null; then
  mkdir -p -m 0700 /etc/slipway/found
  cat /proc/sys/kernel/hostname >/etc/slipway/found/hostname
  if [ -e /proc/swaps ]; then tail -n +2 /proc/swaps >/etc/slipway/found/swaps; fi
  if [ -e /etc/selinux/config ]; then cat /etc/selinux/config >/etc/slipway/found/selinux; fi
  for file in etc/haproxy/haproxy.cfg etc/containerd/config.toml; do
    if [ -e "/$file" ]; then cp -p "/$file" "/etc/slipway/found/${file##*/}"; fi
  done
fi
cat /etc/slipway/claim
