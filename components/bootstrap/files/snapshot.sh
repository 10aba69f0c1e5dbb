# Print a snapshot of etcd, in base64, encrypted for whoever has the key of the certificate: bash -s <snapshot.sh
set -euo pipefail
certificate=/etc/slipway/snapshots.crt
export CONTAINER_RUNTIME_ENDPOINT=unix:///run/containerd/containerd.sock
keys=(--cacert /etc/kubernetes/pki/etcd/ca.crt --cert /etc/kubernetes/pki/etcd/server.crt
  --key /etc/kubernetes/pki/etcd/server.key)
# The one folder that etcd's container and the machine both have, on a disk that etcd may fill anyway.
snapshot=/var/lib/etcd/slipway-snapshot.db

umask 077
exec 9>/var/lib/slipway/snapshot.lock
flock --wait 300 9
trap 'rm -f "$snapshot" "$snapshot.part" "$snapshot.cms"' EXIT
etcd=$(crictl ps --quiet --state Running --name '^etcd$' | head -n 1)
if [ -z "$etcd" ]; then
  echo "etcd does not run here" >&2
  exit 1
fi
crictl exec "$etcd" etcdctl "${keys[@]}" snapshot save "$snapshot" >&2
# It compares what was written with the checksum that etcd sent along.
crictl exec "$etcd" etcdutl snapshot status "$snapshot" >&2
openssl cms -encrypt -aes-256-cbc -binary -outform DER -in "$snapshot" -out "$snapshot.cms" "$certificate"
base64 --wrap=0 "$snapshot.cms"
