"""What stands before the API servers: haproxy, on every node's loopback and in front of people."""

from collections.abc import Iterable

from components.bootstrap.plan import API_PORT, PROXY_PORT, Machine, Role

_CONFIG = """\
global
  maxconn 8192
{identity}
defaults
  mode tcp
  timeout connect 2s
  # Whoever watches the API may hear nothing for long.
  timeout client 1h
  timeout server 1h
  timeout check 5s
  # Whoever meets an API server that has just gone is led to the next one.
  option redispatch 1
  # The check carries nothing, and whoever talks through here checks the certificate himself. All nodes check all API
  # servers: rarely while all is well, and at once when a connection fails. One that ends says so ten seconds before.
  default-server check check-ssl verify none fastinter 1s downinter 1s
  default-server observe layer4 error-limit 1 on-error fastinter on-marked-down shutdown-sessions

frontend api
  bind {bind}
  # While etcd elects its leader none is ready, and an answer that comes late is better than none.
  use_backend but-for-etcd if {{ nbsrv(control-planes) eq 0 }}
  default_backend control-planes

backend control-planes
  option httpchk
  # One that ends, or has just started, says so at once, though its etcd ends with it and the second question hangs.
  http-check connect default
  http-check send meth GET uri /readyz?exclude=etcd&exclude=etcd-readiness
  http-check expect status 200
  http-check connect default
  http-check send meth GET uri /readyz
  http-check expect status 200
  default-server inter 2s fall 3 rise 2
{servers}

backend but-for-etcd
  # Never one that has just started, which refuses whom it does not know yet.
  option httpchk GET /readyz?exclude=etcd&exclude=etcd-readiness
  http-check expect status 200
  default-server inter 5s fall 2 rise 1
{servers}
"""


_ON_A_NODE = """\
  chroot /var/lib/haproxy
  user haproxy
  group haproxy
  # Once told of other control planes it leaves the connections that it has to a process that checks nobody any more: a
  # kubelet would wait there for an API server that hangs with its etcd.
  hard-stop-after 30s
"""


def proxy(machines: Iterable[Machine]) -> str:
    """The configuration of a node's own proxy: only the node itself reaches it."""
    return _config(f"127.0.0.1:{PROXY_PORT}", machines, _ON_A_NODE)


def balancer(machines: Iterable[Machine]) -> str:
    """The configuration of what people reach the API through, in a container that gives it no more than it needs."""
    return _config(f"*:{API_PORT}", machines, "")


def _config(bind: str, machines: Iterable[Machine], identity: str) -> str:
    control_planes = [machine for machine in machines if machine.role is not Role.WORKER]
    servers = [f"  server {machine.name} {machine.address}:{API_PORT}" for machine in control_planes]
    return _CONFIG.format(bind=bind, identity=identity, servers="\n".join(servers))
