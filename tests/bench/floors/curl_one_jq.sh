#!/bin/sh
# A lean script: jq builds the event, the shell reads the answer.
set -eu
url=$1 token=$2
event=$(jq -cn --arg body "Body" '{msgtype: "m.text", body: $body}')
answer=$(curl -sS -X PUT -H "Authorization: Bearer $token" -H "Content-Type: application/json" -d "$event" "$url")
case $answer in
  *'"event_id"'*) echo "$answer" ;;
  *) echo "Cannot send: $answer" >&2 && exit 1 ;;
esac
