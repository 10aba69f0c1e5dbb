# Wait until the first control plane has really finished. This object appears after the rights that a join needs: who
# joins at the API's first answer leaves half a kubelet behind, and every later try fails on it.
set -euo pipefail
. /etc/slipway/plan.env

url=https://127.0.0.1:$PROXY_PORT/api/v1/namespaces/kube-public/configmaps/cluster-info
ask=(curl --silent --show-error --fail --max-time 5 --output /dev/null --cacert /etc/slipway/ca.crt "$url")
told=
for _ in $(seq 1200); do
  answer=$("${ask[@]}" 2>&1) && exit 0
  # Each only once: a certificate that is not valid yet, for one, means that this machine's clock is wrong.
  if [ "$answer" != "$told" ]; then echo "$(date --utc +%T) $answer"; fi
  told=$answer
  sleep 0.5
done
echo "the first control plane has not finished within 10 minutes"
exit 1
