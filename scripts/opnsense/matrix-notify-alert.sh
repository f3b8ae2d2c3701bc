#!/bin/sh
# Sends an alert to matrix-notify on another host. Monit runs it as the action of a test; in a shell:
#   matrix-notify-alert SUBJECT [MESSAGE]
# "matrix-notify setup router" fills in the address and the token.
url=@URL@
token=@TOKEN@
# For https with an authority of your own: its certificate (PEM).
ca=
# Monit has a short PATH, and curl is in /usr/local/bin.
PATH=$PATH:/usr/local/bin

subject=${1:-$MONIT_SERVICE: $MONIT_EVENT}
message=${2:-$MONIT_DESCRIPTION}
severity=info resolve=false key=
if [ -n "$MONIT_SERVICE" ]; then
  key=monit-$MONIT_SERVICE
  case $MONIT_EVENT in
    *succeeded* | *recovered* | Exists | *"not changed") resolve=true ;;
    *) severity=error ;;
  esac
fi
# The id makes repeats one notification.
id=$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')
# From standard input, the list of processes does not show the token.
printf 'Authorization: Bearer %s\n' "$token" |
  curl -sfS -m 10 --retry 5 --retry-delay 5 --retry-connrefused -o /dev/null ${ca:+--cacert "$ca"} -H @- \
    --data-urlencode "id=$id" --data-urlencode "subject=[$(uname -n)] $subject" --data-urlencode "message=$message" \
    --data-urlencode "severity=$severity" --data-urlencode "key=$key" --data-urlencode "resolve=$resolve" "$url"
