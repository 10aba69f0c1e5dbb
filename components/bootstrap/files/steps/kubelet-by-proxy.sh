# kubeadm has the kubelet of a control plane ask its own API server, which an upgrade stops: the proxy knows another.
set -euo pipefail
. /etc/slipway/plan.env
sed -i "s#server: https://.*#server: https://127.0.0.1:$PROXY_PORT#" /etc/kubernetes/kubelet.conf
systemctl restart kubelet
