# New certificates for this machine from the cluster's authorities, in use when this ends. Run there, by bash from stdin.
set -euo pipefail

# Which program answers, and at which address it says that it is well.
restart() {
  local program=$1 health=$2 old new deadline=$((SECONDS + 420))
  # Its kubelet starts it again, and so one that has ended by itself, for its certificates' sake say: five minutes later
  # if that was often. The manifest is not touched, so that nobody takes this for a change.
  old=$(pgrep --oldest --full "^$program ") && kill "$old" || true
  until
    new=$(pgrep --oldest --full "^$program ") && [ "$new" != "$old" ] &&
      curl --silent --insecure --fail --max-time 5 --output /dev/null "$health"
  do
    if [ "$SECONDS" -gt "$deadline" ]; then
      echo "$program has new certificates and is not well seven minutes after its restart" >&2
      exit 1
    fi
    sleep 0.5
  done
}

if [ -e /etc/kubernetes/pki/ca.key ]; then
  kubeadm certs renew all >/dev/null
  if [ -e /etc/kubernetes/manifests/etcd.yaml ]; then restart etcd http://127.0.0.1:2381/health; fi
  restart kube-apiserver https://127.0.0.1:6443/readyz
  restart kube-controller-manager https://127.0.0.1:10257/healthz
  restart kube-scheduler https://127.0.0.1:10259/healthz
fi

# A kubelet asks for another certificate to serve with when it starts without one; somebody must approve it. It comes
# last: one that finds no API when it starts lets a minute or two pass before it starts what has ended.
rm -f /var/lib/kubelet/pki/kubelet-server-current.pem
systemctl restart kubelet
