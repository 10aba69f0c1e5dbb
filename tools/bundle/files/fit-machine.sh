#!/bin/sh
# Before the node's own entry point: fits containerd to what the machine lacks, if anything. Where nothing is missing,
# the node is as kind's makers configure it.
set -eu
config=/etc/containerd/config.toml

# systemd manages cgroups for pods on cgroup v2 alone; the kubelet asks containerd which driver it uses.
[ -e /sys/fs/cgroup/cgroup.controllers ] || sed -i 's/SystemdCgroup = true/SystemdCgroup = false/' "$config"

# Without CAP_SYS_RESOURCE (24) nobody may lower an oom_score_adj or raise a limit, and neither containerd nor any pod
# would start.
bounding=$(sed -n 's/^CapBnd:[[:space:]]*//p' /proc/self/status)
if [ $((0x$bounding >> 24 & 1)) = 0 ]; then
  sed -i 's/restrict_oom_score_adj = false/restrict_oom_score_adj = true/' "$config"
  sed -i '/^OOMScoreAdjust=/d; /^LimitNPROC=/d; /^LimitCORE=/d; /^LimitNOFILE=/d' /etc/systemd/system/containerd.service
fi
exec "$@"
