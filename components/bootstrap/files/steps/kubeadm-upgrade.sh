# Upgrade what kubeadm has made of this machine, all but the kubelet: the control plane's programs, or what the kubelet is
# told; on the first control plane, what all of the cluster share too.
set -euo pipefail
. /etc/slipway/plan.env
. /etc/slipway/upgrade.env
if [ -e /etc/slipway/machine.env ]; then . /etc/slipway/machine.env; fi

options=(--patches /etc/slipway/patches ${IGNORE_PREFLIGHT:+"--ignore-preflight-errors=$IGNORE_PREFLIGHT"})
if [ -n "$APPLY" ]; then
  kubeadm upgrade apply "v$KUBERNETES" --yes "${options[@]}"
else
  kubeadm upgrade node "${options[@]}"
fi
rm -f /etc/kubernetes/super-admin.conf
