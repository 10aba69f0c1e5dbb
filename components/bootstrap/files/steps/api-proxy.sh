# The node's own way to the API: a proxy on loopback, which knows which control planes are ready.
set -euo pipefail
install -m 0644 /etc/slipway/haproxy.cfg /etc/haproxy/haproxy.cfg
haproxy -c -q -f /etc/haproxy/haproxy.cfg
systemctl enable haproxy
systemctl restart haproxy
