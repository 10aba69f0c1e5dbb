# What a machine is like: lines of KEY=VALUE, read before anything is changed on it.
. /etc/os-release
echo "system=$ID-$VERSION_ID"
echo "time=$(date +%s)"
echo "addresses=$(hostname -I)"
echo "free=$(df --output=avail --block-size=1M /var/lib | tail -1)"
for program in python3 systemctl tar; do
  if ! command -v "$program" >/dev/null; then echo "missing=$program"; fi
done
if [ -e /etc/slipway/claim ]; then echo "claim=$(cat /etc/slipway/claim)"; fi
if [ -e /etc/kubernetes/kubelet.conf ]; then echo "node=yes"; fi
# What a node has in the same place, and what would go with it when the machine leaves.
if [ -n "$(ls -A /var/lib/etcd 2>/dev/null)" ]; then echo "etcd=yes"; fi
# As a package brings it, it serves nobody.
if systemctl --quiet is-active haproxy && grep -qE '^[[:space:]]*(frontend|listen)' /etc/haproxy/haproxy.cfg; then
  echo "haproxy=yes"
fi 2>/dev/null
