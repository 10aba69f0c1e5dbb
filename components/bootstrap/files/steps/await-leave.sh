# Wait until the node in whose place this machine comes has been taken out of the cluster. Its member of etcd goes first:
# kubeadm would have this machine's etcd go on as that member, and no etcd can once it has been removed.
set -euo pipefail

for _ in $(seq 1200); do
  left=$(kubectl --kubeconfig /etc/slipway/join.kubeconfig --request-timeout 5s get node "$(hostname)" \
    --ignore-not-found --output name) && [ -z "$left" ] && exit 0
  sleep 0.5
done
echo "there is still a node $(hostname) in the cluster, which is not this machine: it has not been taken out in 10 minutes"
exit 1
