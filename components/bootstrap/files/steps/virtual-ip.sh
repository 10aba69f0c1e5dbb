# From now on this machine may hold the address that control planes share, as long as its own API server is ready.
set -euo pipefail
systemctl enable slipway-virtual-ip
systemctl restart slipway-virtual-ip
