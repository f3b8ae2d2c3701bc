#!/bin/sh
# Installs matrix-notify from a folder of files, or from an address. See --help and docs/install.md.
#
# PREFIX/lib/matrix-notify/TIME/ contains one version: bin/, share/ and the files of the program.
# The link `current` names the version in use. PREFIX/bin/matrix-notify, the man pages and the
# completions are links to files in `current`. A version is complete and tried before `current`
# changes, in one step. Therefore an interrupted installation changes nothing, and a running program
# keeps its files.
#
# The files `links` and `directories` list what was created outside of PREFIX/lib/matrix-notify.

set -u
umask 022

# The address of the files. `deno task build` fills it in from "repository" in deno.json.
address=''

usage() {
  cat <<END
Usage: ./install.sh [OPTION]...

  --from FOLDER|URL   take the files from here (default: the folder of install.sh, or dist/ in it)
  --prefix DIR        install here (default: /usr/local as root, otherwise ~/.local)
  --deno FILE         start the program with this Deno, if there is no binary for this host
  --sendmail FILE     make FILE a link, with which other programs send mail to matrix-notify
  --replace-sendmail  keep an existing FILE as FILE.before-matrix-notify, until --uninstall
  --insecure-http     permit an http:// address that is not on this host
  --uninstall         remove the program; the configuration and the queue stay
  --purge             with --uninstall: also remove the configuration and the queue of this user
  --help              print this help

Exit codes: 0 done, 64 usage, 65 wrong checksum, 69 this host or a file is missing or not supported,
73 another file is in the way, 74 input or output error, 75 another install.sh runs, 77 permission
END
}

# fail CODE MESSAGE [HINT]
fail() {
  echo "matrix-notify: $2" >&2
  [ -z "${3-}" ] || echo "  hint: $3" >&2
  exit "$1"
}

# fail_because MESSAGE OUTPUT: fails with the reason that a command printed
fail_because() {
  reason=$(printf '%s\n' "$2" | tail -n 1)
  case $reason in
    *[Pp]ermission* | *"not permitted"* | *[Rr]ead-only*)
      fail 77 "$1: ${reason##*: }" "run install.sh as root, or choose a directory of yours with --prefix" ;;
    *"No space"* | *[Qq]uota*) fail 74 "$1: ${reason##*: }" "free some space; nothing was changed" ;;
  esac
  fail 74 "$1: ${reason##*: }"
}

# quote WORD: prints the word as one word of a shell script
quote() {
  printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"
}

# absolute FILE: prints the absolute path
absolute() {
  case $1 in
    /*) printf '%s\n' "$1" ;;
    *) printf '%s/%s\n' "$(pwd)" "$1" ;;
  esac
}

is_there() { [ -e "$1" ] || [ -h "$1" ]; }

# --------------------------------------------------------------------------------------------------
# This host

check_host() {
  system=$(uname -s)
  machine=$(uname -m)
  case $machine in
    x86_64 | amd64) processor=x86_64 ;;
    aarch64 | arm64) processor=aarch64 ;;
    arm*) fail 69 "Cannot install on 32-bit ARM ($machine): there is no Deno for it" "use a 64-bit system, or $REMOTE" ;;
    *) fail 69 "Cannot install on $machine: there is no Deno for it" "use x86_64 or aarch64, or $REMOTE" ;;
  esac
  case $system in
    Linux) check_linux; target=$processor-unknown-linux-gnu ;;
    Darwin) target=$processor-apple-darwin ;;
    *) fail 69 "Cannot install on $system: install.sh supports Linux and macOS" ;;
  esac
}

REMOTE="install matrix-notify on another host and call it with ssh"

check_linux() {
  bits=$(getconf LONG_BIT 2>/dev/null) || bits=
  if [ "$bits" = 32 ]; then
    name=$machine
    [ "$processor" != aarch64 ] || name="32-bit ARM"
    fail 69 "Cannot install on $name: the kernel has 64 bits, but the programs have 32" "use a 64-bit system, or $REMOTE"
  fi
  case $(ldd --version 2>&1 || ls /lib/ld-musl-* 2>/dev/null) in
    *musl*) fail 69 "Cannot install on musl (Alpine, OpenWrt): there is no Deno for it" "use a system with glibc, or $REMOTE" ;;
  esac
  libc=$(getconf GNU_LIBC_VERSION 2>/dev/null) || libc=
  case $libc in
    "glibc "[01].* | "glibc 2."[0-9] | "glibc 2."[0-9].* | "glibc 2.1"[0-9]* | "glibc 2.2"[0-6]*)
      fail 69 "Cannot install with $libc: Deno needs glibc 2.27 or later" "update this system, or $REMOTE" ;;
  esac
  page=$(getconf PAGESIZE 2>/dev/null) || page=4096
  if [ "$page" != 4096 ]; then
    fail 69 "Cannot install on a kernel with memory pages of $page bytes: Deno crashes there" \
      "use a kernel with pages of 4096 bytes; on a Raspberry Pi 5, write kernel=kernel8.img to /boot/firmware/config.txt"
  fi
}

# --------------------------------------------------------------------------------------------------
# The source of the files

# Sets `from`: the folder or address with the files.
find_source() {
  own=${0%/*}
  if [ -n "$from" ]; then
    :
  elif [ "$own" != "$0" ] && [ -f "$own/SHA256SUMS" ]; then
    from=$own
  elif [ "$own" != "$0" ] && [ -f "$own/dist/SHA256SUMS" ]; then
    from=$own/dist
  elif [ -n "$address" ]; then
    from=$address
  else
    fail 69 "Cannot install: there are no files beside install.sh, and matrix-notify has no public address yet" \
      "in a checkout, run: deno task build --bundle; otherwise use --from FOLDER or --from URL"
  fi
  from=${from%/}
  case $from in
    https://* | http://127.0.0.1[:/]* | http://localhost[:/]*) ;;
    http://*)
      [ -n "$insecure" ] || fail 64 "Cannot install from $from: http does not protect the files and their checksums" \
        "use https, or --insecure-http in a network that you trust" ;;
    *://*) fail 64 "Cannot install from $from: the address must begin with https://" ;;
    *) [ -d "$from" ] || fail 69 "Cannot install from $from: there is no such folder" ;;
  esac
}

# download URL FILE
download() {
  if command -v curl >/dev/null; then
    curl -fsSL --proto '=https,http' --proto-redir "=${1%%:*}" --connect-timeout 30 --speed-limit 100 --speed-time 60 \
      -o "$2" -- "$1"
  elif command -v wget >/dev/null; then
    wget -q -T 60 -O "$2" "$1"
  else
    echo "curl and wget are missing"
    return 1
  fi
}

# get NAME FILE: copies or downloads one file
get() {
  make_directory "${2%/*}"
  case $from in
    *://*)
      # Some servers have no folders.
      output=$(download "$from/$1" "$2" 2>&1) || output=$(download "$from/${1##*/}" "$2" 2>&1) || {
        case $output in *[Ss]pace* | *writ*) fail 74 "Cannot write $2: is the disk full?" ;; esac
        fail 69 "Cannot download $from/$1: $(printf '%s\n' "$output" | tail -n 1)"
      }
      ;;
    *)
      [ -f "$from/$1" ] || fail 69 "Cannot install from $from: the file $1 is missing"
      output=$(cp -- "$from/$1" "$2" 2>&1) || fail_because "Cannot copy $1 to $2" "$output"
      ;;
  esac
}

# --------------------------------------------------------------------------------------------------
# Directories and links

# Creates a directory, and remembers each directory that did not exist.
make_directory() {
  [ ! -d "$1" ] || return 0
  case $1 in
    */*) [ -z "${1%/*}" ] || make_directory "${1%/*}" ;;
  esac
  output=$(mkdir -- "$1" 2>&1) || fail_because "Cannot create $1" "$output"
  case $1 in
    "$lib" | "$lib"/*) ;;
    *) made="$1
$made" ;;
  esac
}

# is_ours FILE: true for a link that install.sh created
is_ours() {
  [ -h "$1" ] || return 1
  case $(readlink -- "$1") in
    "$lib"/* | "$bin") return 0 ;;
  esac
  return 1
}

# link TARGET FILE: creates a link, and remembers it
link() {
  ! is_ours "$2" || [ "$(readlink -- "$2")" != "$1" ] || return 0
  output=$({ rm -f -- "$2" && ln -s -- "$1" "$2"; } 2>&1) || fail_because "Cannot create $2" "$output"
  created="$created$2
"
}

# Makes `current` name the directory $1, in one step where `mv` can do so.
switch_to() {
  rm -f -- "$lib/current.new"
  output=$(ln -s -- "$1" "$lib/current.new" 2>&1) || fail_because "Cannot create $lib/current.new" "$output"
  if ! mv -fT -- "$lib/current.new" "$lib/current" 2>/dev/null; then
    rm -f -- "$lib/current.new"
    output=$(ln -sfn -- "$1" "$lib/current" 2>&1) || fail_because "Cannot create $lib/current" "$output"
  fi
}

# Sets `lib` and `bin`. Another install.sh must not change the same directories.
open_prefix() {
  [ -n "$prefix" ] || fail 64 "Cannot find your home directory: HOME is not set" "use --prefix DIR"
  lib=$(absolute "$prefix")/lib/matrix-notify
  if [ -n "$uninstall" ] && [ ! -d "$lib" ]; then return; fi
  make_directory "$(absolute "$prefix")"
  prefix=$(cd -P -- "$prefix" && pwd)
  lib=$prefix/lib/matrix-notify
  bin=$prefix/bin/matrix-notify
  make_directory "${lib%/*}"
  if [ -d "$lib" ]; then
    [ -f "$lib/links" ] || is_empty "$lib" || fail 73 "Cannot use $lib: another program created it" "use another --prefix"
  else
    make_directory "$lib"
    fresh=1
  fi
  until output=$(ln -s -- "$$" "$lib/.lock" 2>&1); do
    is_there "$lib/.lock" || fail_because "Cannot write to $lib" "$output"
    holder=$(readlink -- "$lib/.lock")
    ! kill -0 "$holder" 2>/dev/null || fail 75 "Cannot change $prefix: another install.sh runs (process $holder)"
    # Its install.sh was killed.
    rm -f -- "$lib/.lock"
  done
  locked=1
}

# is_empty DIRECTORY: true if it contains at most the lock, and files of an interrupted installation
is_empty() {
  for name in "$1"/* "$1"/.*; do
    case ${name##*/} in
      . | .. | .lock | *.new | [0-9]*T[0-9]* | '*' | '.*') ;;
      *) return 1 ;;
    esac
  done
}

# Undoes an installation that is not complete.
clean_up() {
  code=$?
  trap '' INT TERM HUP
  if [ -z "$stage" ] || [ "$(readlink -- "$lib/current")" != "$stage" ]; then
    [ "$code" -lt 128 ] || [ -z "$stage" ] || echo "matrix-notify: Interrupted: nothing was changed" >&2
    [ -z "$stage" ] || undo
    [ -z "$fresh" ] || rm -rf -- "$lib"
    [ -z "$made" ] || remove_empty "$made"
  fi
  [ -z "$locked" ] || rm -f -- "$lib/.lock"
  exit "$code"
}

undo() {
  printf '%s' "$created" | while IFS= read -r file; do rm -f -- "$file"; done
  restore_sendmail "$sendmail"
  rm -rf -- "$lib/current.new" "$stage"
}

# restore_sendmail FILE: moves the program back that --replace-sendmail kept
restore_sendmail() {
  if [ -n "$1" ] && is_there "$1.before-matrix-notify" && ! is_there "$1"; then
    mv -- "$1.before-matrix-notify" "$1"
  fi
}

# remove_empty LINES: removes directories that are empty
remove_empty() {
  printf '%s' "$1" | while IFS= read -r directory; do
    [ -z "$directory" ] || rmdir -- "$directory" 2>/dev/null
  done
}

# --------------------------------------------------------------------------------------------------
# Installation

install() {
  check_host
  find_source
  open_prefix
  if is_there "$bin"; then
    is_ours "$bin" || fail 73 "Cannot install $bin: another file is there" "move it away, or use another --prefix"
  fi
  old=$(readlink -- "$lib/current")
  check_sendmail
  stage=$lib/$(date +%Y%m%dT%H%M%S)-$$
  make_directory "$stage"
  get SHA256SUMS "$stage/SHA256SUMS"
  how="the binary for $target"
  grep -q "[ *]matrix-notify-$target\$" "$stage/SHA256SUMS" || choose_bundle
  collect_files
  [ -z "$deno" ] || write_launcher
  is=$("$stage/bin/matrix-notify" --version 2>&1) || is="it does not start on this host: $is"
  case $is in
    "matrix-notify "[0-9]*) ;;
    *) fail 69 "Cannot install from $from: $(printf '%s\n' "$is" | head -n 1)" ;;
  esac
  [ -z "$deno" ] || analyse_bundle
  was=
  [ -z "$old" ] || was=$("$old/bin/matrix-notify" --version 2>/dev/null) || was="a damaged matrix-notify"
  serving=$(serving_processes)
  make_links
  stage='' made='' fresh=''
  report
  restart_serve
  remove_old_versions
}

# Sets `deno`: the program that runs the bundle.
choose_bundle() {
  grep -q '[ *]matrix-notify\.js$' "$stage/SHA256SUMS" ||
    fail 69 "Cannot install from $from: there is no file for $target" "see the list in $from/SHA256SUMS"
  if [ -n "$deno" ]; then
    deno=$(absolute "$deno")
  else
    deno=$(command -v deno) || deno=${HOME-}/.deno/bin/deno
  fi
  [ -f "$deno" ] || fail 69 "Cannot install from $from: it has no binary for $target, and Deno is missing" \
    "install Deno 2.9 or later (https://deno.com), or name it with --deno FILE; or use npm: docs/install.md"
  version=$("$deno" --version 2>/dev/null | sed -n '1s/^deno \([0-9][0-9.]*\).*/\1/p')
  case $version in
    2.9 | 2.9.* | 2.[1-9][0-9]* | [3-9].* | [1-9][0-9]*) ;;
    *) fail 69 "Cannot use $deno: its version is ${version:-unknown}, and matrix-notify needs Deno 2.9 or later" ;;
  esac
  [ "$(id -u)" != 0 ] || check_deno
  how="the bundle, with $deno (Deno $version)"
}

# All users run what root installs. So only root may change its Deno, and all users must reach it.
check_deno() {
  file=$(readlink -f -- "$deno")
  while [ -n "$file" ]; do
    # shellcheck disable=SC2012,SC2046 # `stat` has other options on each system.
    set -- $(ls -ldn -- "$file" | sed 1q)
    case $3:$1 in
      [1-9]*) state="user $3 owns $file" ;;
      0:?????????[tT]*) state= ;;
      0:?????w* | 0:????????w*) state="other users can change $file" ;;
      0:?????????x*) state= ;;
      *) state="other users cannot open $file" ;;
    esac
    [ -z "$state" ] || fail 77 "Cannot use $deno for all users: $state" \
      "run: install $(quote "$deno") /usr/local/bin/deno; then: ./install.sh --deno /usr/local/bin/deno"
    file=${file%/*}
  done
}

# Copies all files that this host needs, then compares their checksums.
collect_files() {
  while read -r sum name; do
    name=${name#\*}
    case $sum$name in
      *[!A-Za-z0-9._/@-]* | *..*) fail 65 "Cannot read $from/SHA256SUMS: a line is damaged" ;;
    esac
    place=
    case $name in
      "matrix-notify-$target") place=bin/matrix-notify ;;
      matrix-notify.js | matrix-notify/*) [ -z "$deno" ] || place=$name ;;
      install.sh) place=install.sh ;;
      share/*) place=$name ;;
    esac
    [ -n "$place" ] || continue
    get "$name" "$stage/$place"
    output=$({ printf '%s  %s\n' "$sum" "$place" >>"$stage/sums"; } 2>&1) || fail_because "Cannot write $stage/sums" "$output"
  done <"$stage/SHA256SUMS"
  output=$(cd "$stage" && if command -v sha256sum >/dev/null; then sha256sum -c sums; else shasum -a 256 -c sums; fi 2>&1) || {
    place=$(printf '%s\n' "$output" | sed -n '/: OK$/d; s/: [A-Z].*//p' | head -n 1)
    fail 65 "Cannot install ${place##*/} from $from: its checksum is not the one in SHA256SUMS" \
      "the file is damaged or was changed; get it again; nothing was changed"
  }
  output=$(chmod -R u=rwX,go=rX -- "$stage" 2>&1) || fail_because "Cannot write $stage" "$output"
  [ ! -f "$stage/bin/matrix-notify" ] || chmod 755 "$stage/bin/matrix-notify"
}

write_launcher() {
  make_directory "$stage/bin"
  output=$({
    {
      echo '#!/bin/sh'
      echo "# Starts matrix-notify. install.sh wrote this file."
      echo "deno=$(quote "$deno")"
      echo "program=$(quote "$stage/matrix-notify.js")"
      cat "$stage/matrix-notify/launcher.sh"
    } >"$stage/bin/matrix-notify" && chmod 755 "$stage/bin/matrix-notify"
  } 2>&1) || fail_because "Cannot write $stage/bin/matrix-notify" "$output"
}

# Deno parses each file once, and keeps the result in its cache. Without this step, the first start
# would parse the files, and would need more time and memory.
analyse_bundle() {
  DENO_NO_UPDATE_CHECK=1 "$deno" cache -q --no-config "$stage/matrix-notify/url.js" >/dev/null 2>&1 || true
}

# Decides about the link before anything changes.
check_sendmail() {
  [ -n "$sendmail" ] || return 0
  sendmail=$(absolute "$sendmail")
  case ${sendmail##*/} in
    sendmail) ;;
    *) fail 64 "Cannot create $sendmail: the name of the link must be sendmail" ;;
  esac
  is_there "$sendmail" && ! is_ours "$sendmail" || return 0
  [ -n "$replace" ] || fail 73 "Cannot create $sendmail: another program is there" \
    "--replace-sendmail keeps it as $sendmail.before-matrix-notify until --uninstall"
  ! is_there "$sendmail.before-matrix-notify" || fail 73 "Cannot keep $sendmail: $sendmail.before-matrix-notify exists"
}

# Writes the links, and makes the version the current one. `links` is written first, so that
# --uninstall finds the links after a crash.
make_links() {
  new=
  for file in $(cd "$stage" && find bin share -type f 2>/dev/null | sort); do
    if is_there "$prefix/$file" && ! is_ours "$prefix/$file"; then
      echo "matrix-notify: kept $prefix/$file: install.sh did not create it" >&2
    else
      new="$new $file"
      make_directory "$(dirname "$prefix/$file")"
    fi
  done
  [ -z "$sendmail" ] || make_directory "${sendmail%/*}"
  before=$(cat "$lib/links" 2>/dev/null)
  write_list links "$before
$(for file in $new; do printf '%s\n' "$prefix/$file"; done)
$sendmail"
  write_list directories "$(cat "$lib/directories" 2>/dev/null)
$made"
  for file in $new; do link "$lib/current/$file" "$prefix/$file"; done
  if [ -n "$sendmail" ]; then
    if is_there "$sendmail" && ! is_ours "$sendmail"; then
      output=$(mv -- "$sendmail" "$sendmail.before-matrix-notify" 2>&1) || fail_because "Cannot keep $sendmail" "$output"
    fi
    link "$bin" "$sendmail"
  fi
  switch_to "$stage"
  # Links to files that only the old version has.
  printf '%s\n' "$before" | while IFS= read -r file; do
    if is_ours "$file" && [ ! -e "$file" ]; then rm -f -- "$file"; fi
  done
}

# write_list NAME LINES: writes a file of $lib in one step, without empty and repeated lines
write_list() {
  output=$({ printf '%s\n' "$2" | sed '/^$/d' | sort -u >"$lib/$1.new" && mv -f "$lib/$1.new" "$lib/$1"; } 2>&1) ||
    { rm -f "$lib/$1.new"; fail_because "Cannot write $lib/$1" "$output"; }
}

# Keeps the version before this one, and versions that run: they load some of their files late.
remove_old_versions() {
  for version in "$lib"/[0-9]*; do
    [ "$version" != "$(readlink -- "$lib/current")" ] && [ "$version" != "$old" ] || continue
    [ -n "$(processes_of "$version/")" ] || rm -rf -- "$version"
  done
}

# Prints the ids of the processes that run the command `serve` of this installation.
serving_processes() {
  for process in $(processes_of "$lib/" | sort -u); do
    # shellcheck disable=SC2002 # The process can end before the file is opened.
    ! cat "/proc/$process/cmdline" 2>/dev/null | tr '\0' '\n' | grep -qx serve || echo "$process"
  done
}

# Restarts the service that ran the old version, as packages do. Names every other `serve`.
restart_serve() {
  unit=matrix-notify-serve.service
  manager=--system
  [ "$(id -u)" = 0 ] || manager=--user
  for process in $serving; do
    main=$(systemctl "$manager" show --property=MainPID --value "$unit" 2>/dev/null) || main=
    if [ "$process" != "$main" ]; then
      [ ! -d "/proc/$process" ] || name_serve "$process"
    elif output=$(systemctl "$manager" try-restart "$unit" 2>&1); then
      echo "restarted $unit"
    else
      echo "matrix-notify: Cannot restart $unit: $(printf '%s\n' "$output" | tail -n 1)" >&2
      echo "  hint: run: systemctl $manager status $unit" >&2
    fi
  done
}

# name_serve PROCESS: says how to restart a `serve` that still runs the old version
name_serve() {
  # shellcheck disable=SC2012,SC2046 # `stat` has other options on each system.
  set -- "$1" $(ls -ld -- "/proc/$1" 2>/dev/null)
  owner=${4:-root}
  case $(cat "/proc/$1/cgroup" 2>/dev/null) in
    */user@*/"$unit"*) how="as user $owner, run: systemctl --user restart $unit" ;;
    */"$unit"*) how="run: systemctl restart $unit" ;;
    *) how="run: kill $1; then start serve again" ;;
  esac
  echo "matrix-notify: Cannot restart serve: process $1 of user $owner still uses the old version" >&2
  echo "  hint: $how" >&2
}

# processes_of TEXT: prints the ids of the processes whose command line or program has this text
processes_of() {
  # shellcheck disable=SC2062 # It is no pattern.
  printf '%s\n' "$1" | grep -lsF -f - -- /proc/[0-9]*/cmdline 2>/dev/null | sed 's|^/proc/\([0-9]*\)/.*|\1|'
  # shellcheck disable=SC2010 # These names contain only digits.
  ls -l /proc/[0-9]*/exe 2>/dev/null | grep -F -- "-> $1" | sed 's|.* /proc/\([0-9]*\)/exe -> .*|\1|'
}

report() {
  case $was in
    "") echo "installed $is in $prefix: $how" ;;
    "$is") echo "installed $is in $prefix again: $how" ;;
    *) echo "installed $is in $prefix, instead of $was: $how" ;;
  esac
  [ -z "$sendmail" ] || echo "created $sendmail"
  [ ! -f "$lib/current/install.sh" ] || echo "to remove it, run: sh $(quote "$lib/current/install.sh") --uninstall"
  case :$PATH: in
    *":$prefix/bin:"*) ;;
    *) echo "to start it by its name, add it to PATH: export PATH=$(quote "$prefix/bin"):\$PATH" ;;
  esac
  echo "next: matrix-notify demo, or matrix-notify setup"
}

# --------------------------------------------------------------------------------------------------
# Removal

uninstall() {
  open_prefix
  if [ ! -f "$lib/links" ]; then
    echo "nothing is installed in $prefix"
    [ -z "$purge" ] || purge_data
    return
  fi
  remove_units
  # The background deliverer loads files late. The notifications stay in the queue.
  for process in $(processes_of "$lib/"); do
    ! grep -qs deliver-in-background "/proc/$process/cmdline" || kill "$process" 2>/dev/null
  done
  for process in $(serving_processes); do
    echo "matrix-notify: Cannot stop serve: process $process still runs without its files" >&2
    echo "  hint: run: kill $process" >&2
  done
  while IFS= read -r file; do
    ! is_ours "$file" || output=$(rm -f -- "$file" 2>&1) || fail_because "Cannot remove $file" "$output"
    restore_sendmail "$file"
  done <"$lib/links"
  directories=$(sort -r "$lib/directories")
  output=$(rm -rf -- "$lib" 2>&1) || fail_because "Cannot remove $lib" "$output"
  locked=
  remove_empty "$directories
"
  echo "removed matrix-notify from $prefix"
  if [ -n "$purge" ]; then purge_data; else name_data kept; fi
}

# Removes the systemd units if they start this program, and names the crontabs that do.
remove_units() {
  for unit in /etc/systemd/system/matrix-notify-flush.service \
    "${XDG_CONFIG_HOME:-${HOME-}/.config}/systemd/user/matrix-notify-flush.service"; do
    if [ -f "$unit" ] && grep -qF -e "$bin" -e "$lib/" "$unit" && [ -w "$unit" ]; then
      "$bin" service uninstall || echo "matrix-notify: $unit stays: remove it, with its timer" >&2
    fi
  done
  ! crontab -l 2>/dev/null | grep -qF "$bin" ||
    echo "matrix-notify: your crontab has lines with $bin: remove them with crontab -e" >&2
}

# Sets `data`: the directories of configuration and queue, one a line.
find_data() {
  if [ "$(id -u)" = 0 ]; then
    data="/etc/matrix-notify
/var/lib/matrix-notify"
  else
    data="${XDG_CONFIG_HOME:-$HOME/.config}/matrix-notify
${XDG_STATE_HOME:-$HOME/.local/state}/matrix-notify"
  fi
}

# name_data WORD
name_data() {
  find_data
  printf '%s\n' "$data" | while IFS= read -r directory; do
    [ ! -d "$directory" ] || echo "$1 $directory"
  done
}

purge_data() {
  name_data removed
  printf '%s\n' "$data" | while IFS= read -r directory; do rm -rf -- "$directory"; done
}

# --------------------------------------------------------------------------------------------------

main() {
  from='' deno='' sendmail='' replace='' insecure='' uninstall='' purge=''
  stage='' made='' fresh='' locked='' lib='' bin='' old='' created=''
  if [ "$(id -u)" = 0 ]; then prefix=/usr/local; else prefix=${HOME:+$HOME/.local}; fi
  # The copy in PREFIX/lib/matrix-notify removes its own installation.
  [ ! -f "${0%/*}/../links" ] || prefix=${0%/*}/../../..
  while [ $# -gt 0 ]; do
    case $1 in
      --from | --prefix | --deno | --sendmail)
        [ -n "${2-}" ] || fail 64 "Cannot use $1: its value is missing" "see: ./install.sh --help" ;;
    esac
    case $1 in
      --from) from=$2; shift ;;
      --prefix) prefix=$2; shift ;;
      --deno) deno=$2; shift ;;
      --sendmail) sendmail=$2; shift ;;
      --replace-sendmail) replace=1 ;;
      --insecure-http) insecure=1 ;;
      --uninstall) uninstall=1 ;;
      --purge) purge=1 ;;
      --help | -h) usage; exit 0 ;;
      *) fail 64 "Cannot use $1: there is no such option" "see: ./install.sh --help" ;;
    esac
    shift
  done
  [ -z "$purge" ] || [ -n "$uninstall" ] || fail 64 "Cannot use --purge: it needs --uninstall"
  trap clean_up EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  if [ -n "$uninstall" ]; then uninstall; else install; fi
}

main "$@"
