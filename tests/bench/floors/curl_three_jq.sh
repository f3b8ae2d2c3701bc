#!/bin/sh
# A usual script: jq encodes the room, builds the event and reads the answer.
set -eu
server=$1 room=$2 token=$3 id=$4
encoded=$(jq -rn --arg room "$room" '$room | @uri')
event=$(jq -cn --arg body "Body" '{msgtype: "m.text", body: $body}')
curl -sS -X PUT -H "Authorization: Bearer $token" -H "Content-Type: application/json" -d "$event" \
  "$server/_matrix/client/v3/rooms/$encoded/send/m.room.message/$id" | jq -er .event_id
