#!/bin/sh /etc/rc.common
# Sends a notification when the router has started. procd calls boot() at the end of the start.
# shellcheck disable=SC2034
START=99

boot() {
  matrix-notify-send "Router started"
}
