# Have etcd start with what a snapshot holds, which whoever restores the cluster puts here.
set -euo pipefail
. /etc/slipway/plan.env
snapshot=/var/lib/slipway/snapshot.db
done=/var/lib/slipway/etcd-restored

[ ! -e "$done" ] || exit 0
for _ in $(seq 1200); do
  [ ! -e "$snapshot" ] || break
  sleep 0.5
done
if [ ! -e "$snapshot" ]; then
  echo "no snapshot has come within 10 minutes: run \`make restore\` again"
  exit 1
fi

# The program that belongs to the etcd of this version comes from its image; it is one file that needs nothing else.
image=$(kubeadm config images list --config /etc/slipway/kubeadm-init.yaml | grep '/etcd:')
# From where the kubelet has its images, which may be a mirror.
ctr --namespace k8s.io images ls --quiet name=="$image" | grep --quiet . ||
  ctr --namespace k8s.io images pull --hosts-dir /etc/containerd/certs.d "$image"
folder=$(mktemp --directory)
ctr --namespace k8s.io images mount "$image" "$folder" >/dev/null
trap 'ctr --namespace k8s.io images unmount --rm "$folder" >/dev/null; rmdir "$folder"' EXIT
# What an attempt that was killed has left.
mkdir -p -m 0700 /var/lib/etcd
find /var/lib/etcd -mindepth 1 -delete
peer=https://$ADDRESS:2380
# Whoever watches has seen later revisions than the snapshot's: none may come again with another meaning.
"$folder/usr/local/bin/etcdutl" snapshot restore "$snapshot" --data-dir /var/lib/etcd --name "$(hostname)" \
  --initial-cluster "$(hostname)=$peer" --initial-advertise-peer-urls "$peer" \
  --bump-revision 1000000000 --mark-compacted
date --utc +%FT%TZ >"$done"
rm -f "$snapshot"
