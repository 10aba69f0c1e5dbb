# Join the cluster.
set -euo pipefail
. /etc/slipway/plan.env
if [ -e /etc/slipway/machine.env ]; then . /etc/slipway/machine.env; fi

# What an attempt that was killed has left is in the way of kubeadm's checks, not of kubeadm.
ignore=${IGNORE_PREFLIGHT:-}
if [ "$SLIPWAY_ATTEMPT" -gt 1 ]; then ignore=${ignore:+$ignore,}$LEFT_BEHIND; fi
kubeadm join --config /etc/slipway/kubeadm-join.yaml ${ignore:+"--ignore-preflight-errors=$ignore"}
