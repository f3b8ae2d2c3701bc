#!/bin/sh
# Sends an alert when the interface wan goes down, and ends it when it is up. netifd sets ACTION and INTERFACE.
[ "$INTERFACE" = wan ] || exit 0
case "$ACTION" in
  ifdown) matrix-notify-send "$INTERFACE is down" severity=error "key=$INTERFACE" ;;
  ifup) matrix-notify-send "$INTERFACE is up" "key=$INTERFACE" resolve=true ;;
esac
