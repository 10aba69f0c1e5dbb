# Upgrade what kubeadm has made of this machine, all but the kubelet: the control plane's programs, or what the kubelet is
# told; on the first control plane, what all of the cluster share too.
set -euo pipefail
. /etc/slipway/plan.env
. /etc/slipway/upgrade.env
if [ -e /etc/slipway/machine.env ]; then . /etc/slipway/machine.env; fi

# A kubelet starts a static pod that was changed 10 to 15 s after it has read of it (backOffPeriod in pod_workers.go), though
# the older one has ended long since, and kubeadm changes one after the other. One that has just started waits for nothing.
hurry() {
  local manifest=/etc/kubernetes/manifests/$1.yaml before older now
  before=$(stat --format %i "$manifest")
  # A pod of somebody's own may run a program of that name.
  older=$(pgrep --oldest --full "^$1 .*/etc/kubernetes/") || return 0
  until now=$(stat --format %i "$manifest" 2>/dev/null) && [ "$now" != "$before" ]; do sleep 0.2; done
  while kill -0 "$older" 2>/dev/null; do sleep 0.2; done
  systemctl restart kubelet
}
# A kubelet that finds no API when it starts waits for one: where it is the only one, its end is not hurried.
for one in ${SHARED:+etcd kube-apiserver} kube-controller-manager kube-scheduler; do
  if [ -e "/etc/kubernetes/manifests/$one.yaml" ]; then hurry "$one" & fi
done
trap 'jobs -p | xargs --no-run-if-empty kill 2>/dev/null || true' EXIT

ignore=${IGNORE_PREFLIGHT:-}
# It wants a Job to end, and this node takes no pods just now: no other one may be there for it.
if [ -n "$APPLY" ]; then ignore=${ignore:+$ignore,}CreateJob; fi
options=(--patches /etc/slipway/patches ${ignore:+"--ignore-preflight-errors=$ignore"})
if [ -n "$APPLY" ]; then
  kubeadm upgrade apply "v$KUBERNETES" --yes "${options[@]}"
else
  kubeadm upgrade node "${options[@]}"
fi
rm -f /etc/kubernetes/super-admin.conf
