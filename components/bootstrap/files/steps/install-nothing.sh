# Everything is in the machine's image already: look whether it is.
set -euo pipefail
. /etc/slipway/plan.env

for program in containerd runc kubeadm kubelet kubectl haproxy curl conntrack iptables; do
  command -v "$program" >/dev/null ||
    { echo "$program is not on this machine: take another image, or have the packages installed"; exit 1; }
done
found=$(kubeadm version --output=short)
[ "$found" = "v$KUBERNETES" ] ||
  { echo "kubeadm is $found on this machine and the cluster is to be v$KUBERNETES: take another image"; exit 1; }
