# Take the machines out that the snapshot knows and that are no more: who comes in their place waits for that.
set -euo pipefail
restored=$(cat /var/lib/slipway/etcd-restored)
kubectl="kubectl --kubeconfig /etc/kubernetes/admin.conf"

# In this form, times sort as text.
$kubectl get nodes --output 'jsonpath={range .items[*]}{.metadata.creationTimestamp} {.metadata.name}{"\n"}{end}' |
  while read -r made name; do
    if [[ $made < $restored && $name != "$(hostname)" ]]; then $kubectl delete node "$name"; fi
  done
