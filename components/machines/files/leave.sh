# Make a machine what it was before it became a node, but for its packages, which stay: sudo sh leave.sh
# It stands on the machine as long as that is a node, for whoever has lost the cluster that it was in.
set -u
claim=/etc/slipway/claim
paths=/usr/local/lib/slipway/paths

systemctl --quiet disable --now slipway-bootstrap.service 2>/dev/null
# By itself, as below: systemctl ends none of several where one of them is missing.
systemctl --quiet disable --now slipway-virtual-ip.service 2>/dev/null
systemctl --quiet disable --now slipway-approver.timer 2>/dev/null
if [ -e /usr/local/lib/slipway/snapshots/remove.sh ]; then bash /usr/local/lib/slipway/snapshots/remove.sh; fi
if command -v kubeadm >/dev/null; then
  # A member that others still count on has left etcd before; who destroys a cluster waits for nobody.
  kubeadm reset --force --skip-phases remove-etcd-member >/dev/null 2>&1
fi
systemctl --quiet disable --now kubelet haproxy 2>/dev/null
# What kubeadm leaves: the pod network, the rules of Services, and what static pods had on disk.
for link in flannel.1 cni0 cilium_vxlan cilium_host cilium_net vxlan.calico; do ip link delete "$link" 2>/dev/null; done
for family in iptables ip6tables; do
  if command -v "$family-save" >/dev/null; then
    "$family-save" | grep -vE 'KUBE-|FLANNEL|flanneld|CILIUM_|cali-|cali:' | "$family-restore"
  fi
done
find /etc/cni/net.d /var/lib/cni -type f -newer "$claim" -delete 2>/dev/null
rm -rf /var/lib/etcd /run/flannel /var/log/kubernetes /var/lib/slipway /var/log/slipway

rm -f /etc/systemd/system/slipway-approver.*
while read -r path; do rm -f "$path"; done <"$paths"
sed -i 's/^# slipway: //' /etc/fstab
systemctl --quiet unmask swap.target
if [ -e /etc/slipway/found/swaps ]; then
  while read -r swap _; do swapon "$swap" 2>/dev/null; done </etc/slipway/found/swaps
fi
known=$(grep -v '# slipway$' /etc/hosts)
printf '%s\n' "$known" >/etc/hosts
for file in etc/haproxy/haproxy.cfg etc/containerd/config.toml; do
  if [ -e "/etc/slipway/found/${file##*/}" ]; then
    cp -p "/etc/slipway/found/${file##*/}" "/$file"
  elif [ "/$file" -nt "$claim" ]; then
    rm -f "/$file"
  fi
done
if [ -e /etc/slipway/found/selinux ]; then
  cat /etc/slipway/found/selinux >/etc/selinux/config
  if grep -q '^SELINUX=enforcing$' /etc/selinux/config; then setenforce 1 2>/dev/null; fi
fi
if [ -s /etc/slipway/found/hostname ]; then
  cat /etc/slipway/found/hostname >/etc/hostname
  cat /etc/slipway/found/hostname >/proc/sys/kernel/hostname
fi
systemctl daemon-reload
rm -rf /etc/slipway/found /etc/slipway/upgrade.env "$claim" /usr/local/lib/slipway
# Only where nothing of its owner's is in them.
rmdir /etc/slipway/patches /etc/slipway /etc/kubernetes/slipway 2>/dev/null
exit 0
