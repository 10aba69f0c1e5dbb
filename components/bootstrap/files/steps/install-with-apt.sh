# Kubernetes, containerd and the proxy, by apt; in an upgrade, the programs in $ONLY alone.
set -euo pipefail
. /etc/slipway/plan.env
if [ -e /etc/slipway/upgrade.env ]; then . /etc/slipway/upgrade.env; fi
. /etc/os-release
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1

apt() {
  # A machine that has just booted may be upgrading itself.
  apt-get -q -y -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 -o DPkg::Options::=--force-confold "$@"
}

# repository NAME KEY-URL FINGERPRINT SOURCE...: whoever has the key's URL does not have the fingerprint.
repository() {
  local key=/etc/apt/keyrings/$1.asc
  curl --fail --silent --show-error --location --retry 3 --max-time 60 --output "$key.new" "$2"
  gpg --batch --show-keys --with-colons "$key.new" | awk -F: '$1 == "fpr" && !seen++ {print $10}' | grep -qx "$3" ||
    { echo "$2 is not the key $3: whoever answered is not who signs these packages"; exit 1; }
  mv "$key.new" "$key"
  echo "deb [signed-by=$key] ${*:4}" >"/etc/apt/sources.list.d/$1.list"
}

apt update
apt install --no-install-recommends ca-certificates curl gnupg
install -d -m 0755 /etc/apt/keyrings
repository kubernetes "$KUBERNETES_REPOSITORY/deb/Release.key" "$KUBERNETES_KEY" "$KUBERNETES_REPOSITORY/deb/" /
repository docker "$DOCKER_REPOSITORY/gpg" "$DOCKER_KEY" "$DOCKER_REPOSITORY" "$VERSION_CODENAME" stable
apt update
wanted=()
for program in ${ONLY:-kubeadm kubelet kubectl}; do wanted+=("$program=$KUBERNETES-*"); done
if [ -z "${ONLY:-}" ]; then wanted+=(containerd.io haproxy conntrack ebtables ethtool iproute2 iptables socat ${VIRTUAL_IP:+keepalived}); fi
# A machine that was in a cluster before may have newer ones.
apt install --no-install-recommends --allow-change-held-packages --allow-downgrades "${wanted[@]}"
# They are upgraded one node after the other, never by an upgrade of everything.
apt-mark hold containerd.io kubeadm kubelet kubectl
