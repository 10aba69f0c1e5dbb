# Take the machines out that the snapshot knows and that are no more: who comes in their place waits for that.
set -euo pipefail
restored=$(cat /var/lib/slipway/etcd-restored)
kubectl="kubectl --kubeconfig /etc/kubernetes/admin.conf"

# Pods are told whom to believe when they start: with new authorities, none may start before the cluster tells of these.
tells_of_ours() {
  [ "$($kubectl --namespace kube-system get configmap kube-root-ca.crt --output 'jsonpath={.data.ca\.crt}')" = \
    "$(cat /etc/kubernetes/pki/ca.crt)" ]
}
for _ in $(seq 240); do
  if tells_of_ours; then break; fi
  sleep 0.5
done
if ! tells_of_ours; then
  echo "the cluster does not tell of its authorities after two minutes"
  exit 1
fi

# In this form, times sort as text.
older() {
  $kubectl get "$@" --output \
    'jsonpath={range .items[*]}{.metadata.creationTimestamp} {.metadata.namespace} {.metadata.name}{"\n"}{end}' |
    while read -r made name; do
      if [[ $made < $restored ]]; then echo "$name"; fi
    done
}
# Nothing of their pods runs any more. They go before the nodes do: whoever joins in the place of one would take its etcd
# for one that answers, and lose the pods that its own kubelet tells of when these are collected.
lost=$(older nodes)
for node in $lost; do
  if [ "$node" = "$(hostname)" ]; then continue; fi
  $kubectl delete pods --all-namespaces --field-selector "spec.nodeName=$node" --force --grace-period 0
  $kubectl delete node "$node"
done
# This machine has a name that the snapshot knows: what is to run here has started before that, and starts anew.
older pods --all-namespaces --field-selector "spec.nodeName=$(hostname)" |
  while read -r namespace name; do
    $kubectl delete pod --namespace "$namespace" "$name" --ignore-not-found --wait=false
  done
