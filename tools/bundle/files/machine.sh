#!/bin/sh
# The entry point of a container that stands in for a machine: its first boot is cloud-init's, from a seed that was put
# into it. What this machine lacks against a real one is found out here, and told to whoever bootstraps it.
set -eu

if [ -e /etc/cloud/cloud-init.disabled ]; then
  rm /etc/cloud/cloud-init.disabled
  # The engine has set up the network and the host name, and there is no datasource but the seed.
  cat >/etc/cloud/cloud.cfg.d/99-slipway.cfg <<CONFIG
network: {config: disabled}
datasource_list: [NoCloud]
preserve_hostname: true
locale: false
manage_etc_hosts: false
CONFIG
  systemctl --quiet enable cloud-init-local cloud-init cloud-config cloud-final ssh

  mkdir -p /etc/slipway/patches
  # The disk and the swap are those of the machine below, which are not this one's to judge.
  cat >/etc/slipway/patches/kubeletconfiguration+strategic.yaml <<PATCH
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupRoot: /kubelet
failSwapOn: false
protectKernelDefaults: false
imageGCHighThresholdPercent: 100
evictionHard: {nodefs.available: "0%", nodefs.inodesFree: "0%", imagefs.available: "0%"}
PATCH
  [ -e /sys/fs/cgroup/cgroup.controllers ] ||
    echo 'failCgroupV1: false' >>/etc/slipway/patches/kubeletconfiguration+strategic.yaml
  # SystemVerification: no configuration of the kernel can be read, and cgroup v1 may be what there is.
  cat >/etc/slipway/machine.env <<ENV
SHARED_KERNEL=1
IGNORE_PREFLIGHT=SystemVerification,Swap,NumCPU,Mem
ENV
fi
exec /kind/bin/fit-machine.sh /usr/local/bin/entrypoint /sbin/init
