# Refuse an etcd that is not the cluster's own and that another cluster writes to: one would destroy the other.
set -euo pipefail
. /etc/slipway/plan.env
pki=/etc/kubernetes/pki/external-etcd

# An API server writes there first of all whose certificates it takes.
key=$(printf %s /registry/configmaps/kube-system/extension-apiserver-authentication | base64 --wrap=0)
ask=(curl --silent --show-error --fail --max-time 10 --data "{\"key\": \"$key\"}"
  --cacert "$pki/ca.crt" --cert "$pki/client.crt" --key "$pki/client.key")
for endpoint in $ETCD_ENDPOINTS; do
  code=0
  answer=$("${ask[@]}" "$endpoint/v3/kv/range") || code=$?
  case $code in
    0) break ;;
    # With users of its own it answers them by gRPC alone, which needs a program that is not here.
    22) echo "$endpoint does not tell whether another cluster writes there" && exit 0 ;;
    *) echo "$endpoint does not answer" ;;
  esac
done
[ "$code" = 0 ] || exit 1

value=$(sed -n 's/.*"value": *"\([^"]*\)".*/\1/p' <<<"$answer")
# No other certificate has the same second line: its number is in it.
mine=$(sed -n 2p /etc/slipway/ca.crt)
if [ -z "$value" ] || base64 --decode <<<"$value" | grep --text --fixed-strings "$mine" >/dev/null; then exit 0; fi
echo "another cluster writes to $endpoint: give this one an etcd of its own, or remove what is left of that one there" \
  "(etcdctl del --prefix /registry/)"
exit 1
