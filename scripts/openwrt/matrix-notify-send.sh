#!/bin/sh
# Sends a notification to matrix-notify on another host, with curl or uclient-fetch:
#   matrix-notify-send "WAN is down" severity=error key=wan "message=no carrier"
# It waits in a queue in RAM until the host has it. Its id makes repeats one notification.
# "matrix-notify setup router" fills in the address and the token.
url=@URL@
token=@TOKEN@
# For https with an authority of your own: its certificate (PEM).
ca=
queue=${MATRIX_NOTIFY_QUEUE:-/tmp/matrix-notify}
max=100

# A field has at most 30,000 bytes, because a command line is limited.
encode() {
  printf %s "$1" | head -c 30000 | hexdump -v -e '1/1 " %02X"' | sed 's/ /%/g'
}

post() {
  # Another deliverer can have sent and removed the file.
  body=$(cat "$1" 2>/dev/null)
  [ -n "$body" ] || return 0
  if command -v curl >/dev/null; then
    # From standard input, the list of processes does not show the token.
    printf 'Authorization: Bearer %s\n' "$token" |
      curl -sfS -m 10 ${ca:+--cacert "$ca"} -H @- -o /dev/null --data-binary "$body" "$url"
  else
    uclient-fetch -q -T 10 ${ca:+--ca-certificate="$ca"} -O /dev/null --post-data="$body" "$url?token=$token"
  fi
}

# Takes the lock: a link to the process id. The lock of a process that has ended is replaced.
lock() {
  ln -s $$ "$queue/lock" 2>/dev/null && return
  grep -qs -e --deliver "/proc/$(readlink "$queue/lock")/cmdline" && return 1
  rm -f "$queue/lock"
  ln -s $$ "$queue/lock" 2>/dev/null
}

# Posts the files of the queue in their order until the queue is empty.
deliver() {
  pause=1
  while lock; do
    failed=
    for file in "$queue"/[0-9]*; do
      [ -f "$file" ] || continue
      if ! error=$(post "$file" 2>&1); then
        logger -t matrix-notify "the queue waits, the host did not take the notification: $error"
        failed=1
        break
      fi
      rm -f "$file"
      pause=1
    done
    if [ -n "$failed" ]; then
      sleep "$pause"
      pause=$((pause < 32 ? pause * 2 : 60))
    elif [ -s "$queue/lost" ]; then
      lost=$(wc -l <"$queue/lost")
      rm -f "$queue/lost"
      "$0" "The queue was full, lost notifications: $((lost))" severity=error "message=The subjects are in the log."
    fi
    rm -f "$queue/lock"
    set -- "$queue"/[0-9]*
    [ -f "$1" ] || return 0
  done
}

if [ $# -eq 0 ]; then
  echo "usage: matrix-notify-send SUBJECT [FIELD=VALUE...]" >&2
  exit 64
fi
if [ "$1" = --deliver ]; then
  deliver
  exit
fi

umask 077
mkdir -p "$queue" || exit 73
subject=$1
shift
id=$(hexdump -v -n 8 -e '1/1 "%02x"' /dev/urandom)
body="id=$id&subject=$(encode "[$(uname -n)] $subject")"
for field; do
  body="$body&${field%%=*}=$(encode "${field#*=}")"
done
set -- "$queue"/[0-9]*
if [ $# -ge $max ]; then
  logger -t matrix-notify "the queue is full, lost: $subject"
  echo "$id" >>"$queue/lost"
else
  # The uptime in 1/100 s orders the files. The file gets its name when it is complete.
  read -r uptime _ </proc/uptime
  stamp=$(printf %12s "${uptime%.*}${uptime#*.}" | tr ' ' 0)
  printf %s "$body" >"$queue/.$id" && mv "$queue/.$id" "$queue/$stamp-$id" || exit 74
fi
"$0" --deliver </dev/null >/dev/null 2>&1 &
