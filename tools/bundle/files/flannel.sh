#!/bin/sh
# The flannel image's entry point. Once flanneld has its subnet, this configures the plain bridge plugin as flannel's
# own CNI plugin would, which is a module that not every proxy has. Needs only busybox.
set -eu

configure() {
  while [ ! -s /run/flannel/subnet.env ]; do busybox sleep 0.2; done
  . /run/flannel/subnet.env
  # FLANNEL_SUBNET is the gateway's address (10.244.1.1/24); host-local wants the network's (10.244.1.0/24).
  network=$(busybox ipcalc -n "$FLANNEL_SUBNET" | busybox cut -d= -f2)/${FLANNEL_SUBNET#*/}
  busybox cat >/etc/cni/net.d/10-flannel.new <<CONFIG
{
  "cniVersion": "1.0.0",
  "name": "cbr0",
  "plugins": [
    {
      "type": "bridge", "bridge": "cni0", "isGateway": true, "isDefaultGateway": true, "hairpinMode": true,
      "ipMasq": false, "mtu": $FLANNEL_MTU, "ipam": {"type": "host-local", "subnet": "$network"}
    },
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}
CONFIG
  busybox mv /etc/cni/net.d/10-flannel.new /etc/cni/net.d/10-flannel.conflist
}

# Where kind tells it: the API's own address. The Service's works only once kube-proxy does, which starts at the same
# moment, and flanneld does not wait: it would leave, and be started again later and later.
if [ -n "${CONTROL_PLANE_ENDPOINT:-}" ]; then
  export KUBERNETES_SERVICE_HOST="${CONTROL_PLANE_ENDPOINT%:*}" KUBERNETES_SERVICE_PORT="${CONTROL_PLANE_ENDPOINT##*:}"
fi

configure &
exec /opt/bin/flanneld "$@"
