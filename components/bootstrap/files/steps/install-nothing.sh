# Everything is in the machine's image already, or was put beside it for an upgrade: look whether it is.
set -euo pipefail
. /etc/slipway/plan.env
if [ -e /etc/slipway/upgrade.env ]; then . /etc/slipway/upgrade.env; fi

for program in ${ONLY:-}; do
  fresh=/opt/slipway/v$KUBERNETES/$program
  # Moved, since the one that is there may be running.
  if [ -e "$fresh" ]; then
    there=$(command -v "$program")
    cp "$fresh" "$there.new"
    mv "$there.new" "$there"
  fi
done

needed="containerd runc kubeadm kubelet kubectl haproxy curl conntrack iptables openssl"
for program in $needed ${VIRTUAL_IP:+keepalived}; do
  command -v "$program" >/dev/null ||
    { echo "$program is not on this machine: take another image, or have the packages installed"; exit 1; }
done
look() {
  [ "$2" = "v$KUBERNETES" ] ||
    { echo "$1 is $2 on this machine and the cluster is to be v$KUBERNETES: take another image, or install it"; exit 1; }
}
look kubeadm "$(kubeadm version --output=short)"
if [[ " ${ONLY:-} " == *" kubelet "* ]]; then look kubelet "$(kubelet --version | cut -d ' ' -f 2)"; fi
