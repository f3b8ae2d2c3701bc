/**
 * Runs the command lines of README.md and docs/ as root on a host of their own: a mount namespace
 * with the program in `/usr/local/bin`, a configuration, a queue, and a loopback homeserver.
 */

import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { buildBundle, BUNDLE } from "../../scripts/build/bundle_files.ts";
import { PROGRAM_FLAGS } from "../../src/base/permission_table.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
import { GENERAL_OPTIONS } from "../../src/cli/options.ts";
import { LoopbackHomeserver } from "../../src/testing/mod.ts";
import { type CodeBlock, commandsOf, PAGES, readBlocks, readInlineCommands } from "./docs_blocks.ts";
import {
  EXCEPTIONS,
  EXIT_CODES,
  OTHER_LANGUAGES,
  PAGES_WITH_TESTS,
  PLACEHOLDERS,
  PREPARATIONS,
} from "./docs_exceptions.ts";
import { needsRoot } from "./host.ts";

/** The pages without tests of their own. */
const CHECKED_PAGES = PAGES.filter((page) => !Object.hasOwn(PAGES_WITH_TESTS, page));

/** Languages of blocks with command lines. */
const COMMAND_LANGUAGES = ["sh", "console", "crontab"];

/** Prepares the host. `fresh` restores the queue: an entry that waits, and a dead letter. */
const HOST = String.raw`
  set -e
  mkdir "$FOLDER/etc" "$FOLDER/local" "$FOLDER/local.bin" "$FOLDER/sbin" "$FOLDER/usr.sbin" "$FOLDER/out"
  cp -a /etc/. "$FOLDER/etc"; mount --bind "$FOLDER/etc" /etc; rm -rf /etc/matrix-notify
  mount -t tmpfs none /var/lib; mount -t tmpfs none /home; mount -t tmpfs none /var/cache
  mount -t tmpfs none /run; mount -t tmpfs none /opt; mkdir /opt/matrix-notify
  mount --bind "$ROOT" /opt/matrix-notify
  mirror() { # Replaces the directory $1 by $3, with links to what is there.
    mount --bind "$1" "$2"
    ln -s "$2"/* "$3"
    mount --bind "$3" "$1"
  }
  mirror /usr/local/bin "$FOLDER/local" "$FOLDER/local.bin"
  mirror /usr/sbin "$FOLDER/usr.sbin" "$FOLDER/sbin"
  program() { rm -f "/usr/local/bin/$1"; printf '#!/bin/sh\n%s\n' "$2" > "/usr/local/bin/$1"; chmod 755 "/usr/local/bin/$1"; }
  program matrix-notify "case \$0 in */sendmail) set -- sendmail \"\$@\" ;; esac; exec timeout -k 5 60 $PROGRAM \"\$@\""
  for name in backup restic send-sms apt-get; do program "$name" 'echo done'; done
  mkdir -m 750 /etc/matrix-notify
  (umask 077
    printf '%s' "$CONFIG" > /etc/matrix-notify/config.json
    printf '%s' "$TOKEN" > /etc/matrix-notify/token
    printf '%s' "$PASSWORD" > /etc/matrix-notify/password)
  cp -a /etc/matrix-notify "$FOLDER/config"
  for name in alice nut; do id -u "$name" >/dev/null 2>&1 || useradd --no-create-home "$name"; done
  getent group matrix-notify >/dev/null || groupadd matrix-notify
  mkdir -p /home/root; export HOME=/home/root
  cd "$FOLDER/out"
  fresh() {
    rm -rf /var/lib/matrix-notify /usr/sbin/sendmail "$FOLDER/out/"*
    : > graph.png; : > top.txt
    cp -a "$FOLDER/state" /var/lib/matrix-notify
    cp -a "$FOLDER/config/." /etc/matrix-notify
  }
  serve=
  start_serve() {
    [ -z "$serve" ] || return 0
    matrix-notify serve & serve=$!
    until [ -S /run/matrix-notify/socket ]; do sleep 0.1; kill -0 "$serve" || { serve=; return 1; }; done
  }
  stop_serve() { [ -z "$serve" ] || { kill "$serve"; wait "$serve"; rm -f /run/matrix-notify/socket; }; }
  matrix-notify send "Disk full" --no-background --state-dir "$FOLDER/state" >dead 2>&1 || true
  matrix-notify send "Backup failed" --wait 0 --no-background --state-dir "$FOLDER/state" >waiting
  ENTRY=$(matrix-notify queue list --json --state-dir "$FOLDER/state" | jq -r 'select(.state != "dead").id')
  set +e
`;

interface Step {
  readonly place: string;
  readonly command: string;
}

Deno.test({ name: "README.md and docs/ show command lines that work", ...needsRoot }, async () => {
  const blocks = CHECKED_PAGES.flatMap(readBlocks).filter(({ language }) => COMMAND_LANGUAGES.includes(language));
  const steps: Step[] = [];
  const scripts = blocks.map((block) => {
    const lines = commandsOf(block).filter((command) => !isException(command)).map((command) => {
      const at = steps.push({ place: `${block.page}:${block.line}`, command }) - 1;
      const before = PREPARATIONS.filter(([pattern]) => pattern.test(command)).map(([, line]) =>
        `${line} >&2 </dev/null`
      );
      const real = PLACEHOLDERS.reduce((text, [pattern, value]) => text.replace(pattern, () => value), command);
      const run = `eval ${quote(real)} >"$FOLDER/${at}" 2>&1 </dev/null; echo "${at} $?" >>"$FOLDER/codes"`;
      return [...before, run].join("\n");
    });
    return `(fresh\n${lines.join("\n")}\nstop_serve)`;
  });
  const problems: string[] = [];
  for (const { step, code, output } of await runOnHost(scripts.join("\n"), steps)) {
    const [, allowed] = EXIT_CODES.find(([pattern]) => pattern.test(step.command)) ?? [undefined, [0]];
    if (code !== undefined && allowed.includes(code)) continue;
    problems.push(`${step.place}: ${step.command}: exit ${code}: ${output.trim()}`);
  }
  assertEquals(problems, []);
});

/** Runs a script on the host. Returns the exit code and the output of each step. */
async function runOnHost(script: string, steps: readonly Step[]) {
  const start = Date.now();
  // A homeserver permits few logins in a minute, so its clock is fast.
  const now = () => start + (Date.now() - start) * 1000;
  await using homeserver = await LoopbackHomeserver.start({ serverName: "example.org", now, tokenLifetimeMs: 1e12 });
  const { userId, accessToken, password } = homeserver.addUser("bot");
  homeserver.addUser("alice");
  const room = homeserver.createRoom({ members: [userId], alias: "#alerts:example.org" });
  homeserver.createRoom({ members: [homeserver.addUser("carol").userId], public: true, alias: "#open:example.org" });
  homeserver.fault("bad-json", { times: 1 });
  const folder = await Deno.makeTempDir({ prefix: "docs-" });
  try {
    await buildBundle(`${folder}/bundle`);
    const program = [Deno.execPath(), "run", "-q", "--no-prompt", "--no-config", ...PROGRAM_FLAGS];
    const { stderr } = await new Deno.Command("unshare", {
      args: ["--mount", "sh", "-c", HOST + script],
      env: {
        FOLDER: folder,
        ROOT: fromFileUrl(new URL("../../", import.meta.url)),
        PROGRAM: [...program, `${folder}/bundle/${BUNDLE}`].join(" "),
        HOMESERVER: homeserver.url,
        TOKEN: accessToken,
        PASSWORD: password,
        ROOM: room,
        CONFIG: JSON.stringify({
          channels: { matrix: { homeserver: homeserver.url, accessTokenFile: "token", room } },
          serve: { sockets: { socket: {} } },
        }),
        PATH: "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        DENO_DIR: `${folder}/deno`,
        NO_COLOR: "1",
      },
      clearEnv: true,
      signal: AbortSignal.timeout(400_000),
    }).output();
    const results = await Deno.readTextFile(`${folder}/codes`).catch(() => "");
    const codes = new Map(
      results.trim().split("\n").map((line) => {
        const [at, code] = line.split(" ");
        return [Number(at), Number(code)];
      }),
    );
    assert(results !== "", new TextDecoder().decode(stderr));
    return await Promise.all(steps.map(async (step, at) => ({
      ...{ step, code: codes.get(at) },
      output: await Deno.readTextFile(`${folder}/${at}`).catch(() => ""),
    })));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("README.md and docs/ name the language of every code block", () => {
  const known = [...COMMAND_LANGUAGES, ...Object.keys(OTHER_LANGUAGES)];
  const unknown = CHECKED_PAGES.flatMap(readBlocks).filter((block) =>
    !known.includes(block.language) && !isException(firstLine(block))
  );
  assertEquals(unknown.map(({ page, line, language }) => `${page}:${line}: ${language}`), []);
});

Deno.test("docs_exceptions.ts lists only what the pages contain", () => {
  const blocks = PAGES.flatMap(readBlocks);
  const lines = blocks.flatMap((block) => [firstLine(block), ...commandsOf(block)]);
  const patterns = [...EXCEPTIONS, ...EXIT_CODES, ...PLACEHOLDERS, ...PREPARATIONS].map(([pattern]) => pattern);
  assertEquals(patterns.filter((pattern) => !lines.some((line) => line.search(pattern) >= 0)), []);
  assertEquals(Object.keys(PAGES_WITH_TESTS).filter((page) => !PAGES.includes(page)), []);
  assertEquals(Object.keys(OTHER_LANGUAGES).filter((name) => !blocks.some(({ language }) => language === name)), []);
});

Deno.test("README.md and docs/ name commands and options that exist", async () => {
  const problems: string[] = [];
  for (const page of PAGES) {
    for (const command of readInlineCommands(page)) {
      const words = command.split(" ").slice(1);
      if (/^(-|help$|[A-Z…])/.test(words[0])) continue;
      const entry = COMMANDS.find(({ name }) => name === words[0] || name === words.slice(0, 2).join(" "));
      const isFamily = COMMANDS.some(({ name }) => name.startsWith(`${words[0]} `)) && !/^[a-z]/.test(words[1] ?? "");
      if (entry === undefined && !isFamily) problems.push(`${page}: ${command}`);
      if (entry === undefined) continue;
      const options = [...(await entry.load()).options, ...GENERAL_OPTIONS].map(({ name }) => `--${name}`);
      const own = words.slice(0, words.includes("--") ? words.indexOf("--") : undefined);
      const given = own.filter((word) => /^--[a-z]/.test(word)).map((word) => word.split("=")[0]);
      for (const option of given) if (!options.includes(option)) problems.push(`${page}: ${command}: ${option}`);
    }
  }
  assertEquals(problems, []);
});

Deno.test("commandsOf() joins lines, and leaves out comments and output", () => {
  assertEquals(commandsOf({ language: "sh", text: "# a\na \\\n  b ||\n  c\n\nd | e\n" }), [
    "a \\\n  b ||\n  c",
    "d | e",
  ]);
  assertEquals(commandsOf({ language: "console", text: "$ a\noutput\n$ # b\n$ c\n" }), ["a", "c"]);
  assertEquals(commandsOf({ language: "crontab", text: "@reboot a\n*/1 * * * * b 5\\%\n" }), ["a", "b 5%"]);
});

function firstLine({ text }: CodeBlock): string {
  return text.split("\n")[0];
}

function isException(text: string): boolean {
  return EXCEPTIONS.some(([pattern]) => pattern.test(text));
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
