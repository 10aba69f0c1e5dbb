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
$kubectl get nodes --output 'jsonpath={range .items[*]}{.metadata.creationTimestamp} {.metadata.name}{"\n"}{end}' |
  while read -r made name; do
    if [[ $made < $restored && $name != "$(hostname)" ]]; then $kubectl delete node "$name"; fi
  done
# This machine has a name that the snapshot knows: what is to run here has started before that, and starts anew.
$kubectl get pods --all-namespaces --field-selector "spec.nodeName=$(hostname)" \
  --output 'jsonpath={range .items[*]}{.metadata.creationTimestamp} {.metadata.namespace} {.metadata.name}{"\n"}{end}' |
  while read -r made namespace name; do
    if [[ $made < $restored ]]; then $kubectl delete pod --namespace "$namespace" "$name" --wait=false; fi
  done
