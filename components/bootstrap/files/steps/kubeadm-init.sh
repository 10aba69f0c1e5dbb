# Start the cluster, unless it has started.
set -euo pipefail
. /etc/slipway/plan.env
if [ -e /etc/slipway/machine.env ]; then . /etc/slipway/machine.env; fi

# What an attempt that was killed has left is in the way of kubeadm's checks, not of kubeadm.
ignore=${IGNORE_PREFLIGHT:-}
if [ -e /var/lib/slipway/etcd-restored ]; then ignore=${ignore:+$ignore,}DirAvailable--var-lib-etcd; fi
if [ "$SLIPWAY_ATTEMPT" -gt 1 ]; then ignore=${ignore:+$ignore,}$LEFT_BEHIND; fi

# One that takes the place of a lost first control plane joins what the others have gone on with: a second cluster beside
# theirs would answer some of the requests. While a cluster starts, the others wait, and nothing answers there: but for a
# machine that was killed after they could join and before all was there, which must go on with its own start.
mine=/var/lib/slipway/starts-the-cluster
if [ ! -e "$mine" ]; then
  for other in $OTHERS; do
    if curl --silent --insecure --max-time 5 --output /dev/null "https://$other/readyz"; then
      # Once: after a join that failed, the node of this name is this machine itself.
      left=/var/lib/slipway/predecessor-has-left
      [ -e "$left" ] || bash /usr/local/lib/slipway/await-leave.sh
      touch "$left"
      exec kubeadm join --config /etc/slipway/kubeadm-join.yaml ${ignore:+"--ignore-preflight-errors=$ignore"}
    fi
  done
  if [ -n "${ETCD_ENDPOINTS:-}" ]; then bash /usr/local/lib/slipway/etcd-is-ours.sh; fi
  touch "$mine"
fi

kubeadm init --config /etc/slipway/kubeadm-init.yaml --skip-token-print ${ignore:+"--ignore-preflight-errors=$ignore"}

# Nobody joins by a token here, and kubeadm makes one that lives for a day.
kubectl --kubeconfig /etc/kubernetes/admin.conf --namespace kube-system delete secrets \
  --field-selector type=bootstrap.kubernetes.io/token
