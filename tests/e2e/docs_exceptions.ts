/** What the test of the command lines in README.md and docs/ does not run as printed, and why. */

/** Languages of blocks without command lines, with what checks the block. */
export const OTHER_LANGUAGES: Readonly<Record<string, string>> = {
  json: "readme_test.ts validates the configuration with the schema",
  yaml: "a part of the configuration of another program; tests/clients/ starts Alertmanager with it",
  python: "tests/clients/docs_test.ts runs it with the package",
  ts: "readme_test.ts compares the block with docs/examples/, which importer_test.ts runs; import_test.ts runs url.md",
  text: "output, or a picture of the code: there is nothing to run",
};

/** Pages whose command lines other tests run, with these tests. */
export const PAGES_WITH_TESTS: Readonly<Record<string, string>> = {
  "docs/recipes.md": "tests/recipes/ runs each recipe with the other program",
};

/** Command lines, or first lines of blocks, that cannot run here: each pattern with a reason. */
export const EXCEPTIONS: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [/^matrix-notify setup$/, "asks questions; tests/cli/transcripts/setup.txt answers them"],
  [/^matrix-notify setup router core1$/, "asks questions; tests/cli/transcripts/setup_router.txt answers them"],
  [/^matrix-notify login @bot:example\.org$/, "asks for the password; tests/cli/transcripts/login.txt answers"],
  [/^matrix-notify service (install|uninstall|status)/, "needs systemd; tests/systemd/ runs it in a booted container"],
  [/^matrix-notify serve\b/, "runs until a signal stops it; the examples with curl start and stop it"],
  [/^npx --yes deno@/, "downloads Deno; .ci/run starts the same tasks"],
  [
    /^deno task (audit|faults|storm|bench|full|ok|fuzz|synapse)\b/,
    "takes minutes, or needs a registry; .ci/run has it",
  ],
  [/^deno run -A --config .*sweep\.ts/, "takes minutes; tests/faults/ imports the same code"],
  [/^deno task build/, "tests/scripts/ and tests/e2e/ build all packages"],
  [/^(\.\/install\.sh|sh .*\/install\.sh|cd dist && npm install)/, "tests/e2e/install_user_test.ts runs it as printed"],
  [/^apt-get install \.\//, "tests/scripts/deb_test.ts installs the package"],
  [/^deno (run|install) [\s\S]*HOST/, "needs an address; tests/e2e/ starts the bundle from a loopback URL"],
  [/^deno add jsr:/, "needs JSR"],
  [/^(go install .*)?actionlint/, "needs the Go module proxy"],
  [
    /^(sh -s[\s\S]*)?curl [\s\S]*192\.168\.88\.2/,
    "needs a token of a serve; tests/clients/docs_test.ts and tests/server/ run such lines",
  ],
  [/^(apprise|shoutrrr|matrix-commander) /, "tests/clients/ runs it with a serve of its own"],
  [/^uclient-fetch /, "OpenWrt has this program"],
  [/^docker /, "needs a container"],
  [/^(certbot|acme\.sh) /, "needs a certificate authority; tests/server/ changes the certificate in a reload"],
  [/^\[(Unit|Service)\]/, "a part of a unit; tests/systemd/ boots such units"],
];

/** Exit codes that the pages describe, for command lines that do not exit with 0 here. */
export const EXIT_CODES: readonly (readonly [pattern: RegExp, codes: readonly number[], reason: string])[] = [
  [/^matrix-notify status --check/, [1, 2], "a dead letter is a warning, a waiting entry can be critical"],
  [/^matrix-notify doctor/, [0, 1, 2], "depends on the host; docs/watching.md lists the codes"],
];

/** Words of the pages that stand for something of the reader, with what the test uses. */
export const PLACEHOLDERS: readonly (readonly [pattern: RegExp, value: string])[] = [
  [/--user @(bot|notifier):example\.org/g, "--user @bot:example.org --homeserver $HOMESERVER"],
  [/login @bot:example\.org/g, "login @bot:example.org --homeserver $HOMESERVER"],
  [/--password-file (FILE|\/root\/password)/g, "--password-file /etc/matrix-notify/password"],
  [/--token-file FILE/g, "--token-file /etc/matrix-notify/token"],
  [/'!(id|…|abc…)'/g, '"$ROOM"'],
  [/\b019ab3f2\b/g, "$ENTRY"],
  [/--alias alerts/g, "--alias others"],
  [/\/proc\/mdstat/g, "/proc/meminfo"],
];

/** What the reader has done before: each pattern of a command line with a command. */
export const PREPARATIONS: readonly (readonly [pattern: RegExp, command: string])[] = [
  [
    /^matrix-notify (logout|whoami)/,
    "matrix-notify login @bot:example.org --homeserver $HOMESERVER --password-file /etc/matrix-notify/password",
  ],
  [/^groupadd/, "groupdel matrix-notify"],
  [/^usermod/, "getent group matrix-notify || groupadd matrix-notify"],
  [/curl --unix-socket/, "start_serve"],
];
