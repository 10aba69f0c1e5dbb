# The pod network: for the images that the machine's own image holds, if it says so; else as its makers publish it.
set -euo pipefail
. /etc/slipway/plan.env

manifest=/kind/manifests/default-cni.yaml
if [ "$PACKAGES" != installed ] || [ ! -e "$manifest" ]; then manifest=/etc/slipway/pod-network.yaml; fi
# By the node's proxy, and not by the Service, which kube-proxy makes work at the same moment.
host='{name: KUBERNETES_SERVICE_HOST, value: "127.0.0.1"}'
port="{name: KUBERNETES_SERVICE_PORT, value: \"$PROXY_PORT\"}"
sed -E -e "s|\{\{ *\.PodSubnet *\}\}|$POD_CIDR|" -e "s|^( *)env:\$|&\n\1- $host\n\1- $port|" "$manifest" |
  kubectl --kubeconfig /etc/kubernetes/admin.conf apply --filename -
