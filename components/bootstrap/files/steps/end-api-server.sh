# A kubelet of another minor knows none of the pods that run, and gives them two seconds to end: the API server ends
# before, in its own time, so that proxies hear of it.
set -euo pipefail
systemctl stop kubelet
if pkill --full '^kube-apiserver '; then
  timeout 60 sh -c "while pgrep --full '^kube-apiserver ' >/dev/null; do sleep 0.5; done"
fi
