# Kernel modules, kernel settings, swap, and the names of the cluster's machines.
set -euo pipefail
. /etc/slipway/plan.env
if [ -e /etc/slipway/machine.env ]; then . /etc/slipway/machine.env; fi

if [ -e /etc/kubernetes/kubelet.conf ]; then
  echo "this machine is in a cluster already (/etc/kubernetes/kubelet.conf): take another, or run 'kubeadm reset' on it"
  exit 1
fi

# What is built into the kernel is no module, and a kernel that lacks one is found out below.
while read -r module; do modprobe "$module" || true; done </etc/modules-load.d/slipway.conf

# A machine that shares its kernel with others sets what is its own: the network.
if [ -n "${SHARED_KERNEL:-}" ]; then
  grep '^net\.' /etc/sysctl.d/90-slipway.conf | grep -v conntrack | sysctl --quiet --load=-
else
  sysctl --quiet --load=/etc/sysctl.d/90-slipway.conf
  swapoff --all
  sed -i '/^[^#].*[[:space:]]swap[[:space:]]/s/^/# slipway: /' /etc/fstab
  systemctl --quiet mask swap.target # what turns on swap that no fstab names
fi

# In place, since an engine may have mounted the file there.
known=$(grep -v '# slipway$' /etc/hosts)
printf '%s\n' "$known" | cat - /etc/slipway/hosts >/etc/hosts
