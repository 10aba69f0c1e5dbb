# Kubernetes, containerd and the proxy, by dnf; in an upgrade, the programs in $ONLY alone.
set -euo pipefail
. /etc/slipway/plan.env
if [ -e /etc/slipway/upgrade.env ]; then . /etc/slipway/upgrade.env; fi

# repository NAME KEY-URL FINGERPRINT BASE-URL [HELD...]: whoever has the key's URL does not have the fingerprint.
repository() {
  local key=/etc/pki/rpm-gpg/slipway-$1
  curl --fail --silent --show-error --location --retry 3 --max-time 60 --output "$key.new" "$2"
  gpg --batch --show-keys --with-colons "$key.new" | awk -F: '$1 == "fpr" && !seen++ {print $10}' | grep -qx "$3" ||
    { echo "$2 is not the key $3: whoever answered is not who signs these packages"; exit 1; }
  mv "$key.new" "$key"
  cat >"/etc/yum.repos.d/$1.repo" <<REPOSITORY
[$1]
name=$1
baseurl=$4
enabled=1
gpgcheck=1
gpgkey=file://$key
exclude=${*:5}
REPOSITORY
}

# https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/install-kubeadm/: containers could not reach
# the host's files.
if command -v getenforce >/dev/null && [ "$(getenforce)" = Enforcing ]; then setenforce 0; fi
if [ -e /etc/selinux/config ]; then sed -i 's/^SELINUX=enforcing$/SELINUX=permissive/' /etc/selinux/config; fi

# Either curl will do, and they do not stand each other.
command -v curl >/dev/null || dnf -q -y install curl-minimal
dnf -q -y install gnupg2 openssl
# What is excluded is upgraded one node after the other, never by an upgrade of everything.
repository kubernetes "$KUBERNETES_REPOSITORY/rpm/repodata/repomd.xml.key" "$KUBERNETES_KEY" \
  "$KUBERNETES_REPOSITORY/rpm/" kubeadm kubelet kubectl cri-tools kubernetes-cni
# shellcheck disable=SC2016 # dnf's own variable
repository docker "$DOCKER_REPOSITORY/gpg" "$DOCKER_KEY" "$DOCKER_REPOSITORY/9/"'$basearch/stable' containerd.io
wanted=()
for program in ${ONLY:-kubeadm kubelet kubectl}; do wanted+=("$program-$KUBERNETES"); done
if [ -z "${ONLY:-}" ]; then
  wanted+=(containerd.io haproxy conntrack-tools ethtool iproute-tc iptables-nft socat ${VIRTUAL_IP:+keepalived})
fi
dnf -q -y --disableexcludes=kubernetes,docker install "${wanted[@]}"
