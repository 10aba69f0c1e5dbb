# Print the version of Kubernetes that wrote last and a snapshot of etcd, in base64, encrypted for whoever has the key of
# the certificate: bash -s <snapshot.sh
# Told a path on the disk of etcd, leave it there instead.
set -euo pipefail
certificate=/var/lib/slipway/snapshots.crt
ctr="ctr --namespace k8s.io"  # comes with containerd, as crictl does not
keys=(--cacert /etc/kubernetes/pki/etcd/ca.crt --cert /etc/kubernetes/pki/etcd/server.crt
  --key /etc/kubernetes/pki/etcd/server.key)
# The one folder that etcd's container and the machine both have, on a disk that etcd may fill anyway.
snapshot=/var/lib/etcd/slipway-snapshot.db

umask 077
exec 9>/var/lib/slipway/snapshot.lock
flock --wait 300 9
trap 'rm -f "$snapshot" "$snapshot.part" "$snapshot.cms"' EXIT
etcd=
for container in $($ctr containers ls --quiet 'labels."io.kubernetes.container.name"==etcd'); do
  # One that was restarted has left another one behind. No pipe: grep ends first, and ctr's complaint would count.
  if grep --quiet "^$container .*RUNNING" <<<"$($ctr tasks ls)"; then etcd=$container; fi
done
if [ -z "$etcd" ]; then
  echo "etcd does not run here" >&2
  exit 1
fi
# Bash reads this text from where ctr would read too.
inside() { $ctr tasks exec --exec-id "snapshot-$$-$RANDOM" "$etcd" "$@" </dev/null >&2; }
inside etcdctl "${keys[@]}" snapshot save "$snapshot"
# It compares what was written with the checksum that etcd sent along.
inside etcdutl snapshot status "$snapshot"
openssl cms -encrypt -aes-256-cbc -binary -outform DER -in "$snapshot" -out "$snapshot.cms" "$certificate"
if [ $# -gt 0 ]; then
  mv "$snapshot.cms" "$1"
else
  sed -n 's#.*image: .*/kube-apiserver:\(v[0-9.]*\).*#\1#p' /etc/kubernetes/manifests/kube-apiserver.yaml
  base64 --wrap=0 "$snapshot.cms"
fi
