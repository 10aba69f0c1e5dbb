# The container runtime, with the configuration that is meant for it; an image that brings it brings that too.
set -euo pipefail
. /etc/slipway/plan.env

if [ -e /etc/slipway/containerd.toml ]; then
  pause=$(kubeadm config images list --kubernetes-version "v$KUBERNETES" | grep /pause:)
  mkdir -p /etc/containerd
  sed "s#PAUSE#$pause#" /etc/slipway/containerd.toml >/etc/containerd/config.toml
  systemctl restart containerd
fi
systemctl enable --now containerd
systemctl enable kubelet
