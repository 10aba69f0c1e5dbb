# Give keepalived its configuration, with the interface that this machine's own address is on.
set -euo pipefail
told=/etc/slipway/virtual-ip.conf

own=$(sed -n 's/^ *unicast_src_ip //p' "$told")
interface=$(ip -oneline -4 address show to "$own" | awk '{ print $2; exit }')
if [ -z "$interface" ]; then
  echo "no interface of this machine has $own, by which it is known to the others"
  exit 1
fi
sed "s/INTERFACE/$interface/" "$told" >/run/slipway-virtual-ip/keepalived.conf
