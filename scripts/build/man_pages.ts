/**
 * The man pages, from the definitions of the commands and from `docs/config.md`: the texts are
 * those of `--help` and of the documentation.
 *
 * - `matrix-notify.1` is the program.
 * - `matrix-notify-send.1` is a command, `matrix-notify-queue-list.1` a command of two words, and
 *   `matrix-notify-queue.1` lists the commands with this first word.
 * - `matrix-notify-config.json.5` is the configuration file.
 *
 * @module
 */

import { ensureDir } from "@std/fs";
import { dirname, join } from "@std/path";
import manifest from "../../deno.json" with { type: "json" };
import { CHANNEL_VARIABLES, PROXY_VARIABLES } from "../../src/base/variables.ts";
import type { Command, CommandEntry } from "../../src/cli/command.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
import { EXIT_MEANINGS, type ExitMeanings } from "../../src/cli/exit_codes.ts";
import { optionRow, PROGRAM_EXAMPLES, PROGRAM_TEXT, usageLine, visibleOptions } from "../../src/cli/help.ts";
import { GENERAL_OPTIONS, type OptionSpec } from "../../src/cli/options.ts";
import { configPage } from "../config_docs.ts";
import { block, bold, definition, escape, macro, markdownToRoff } from "./roff.ts";

const PROGRAM = "matrix-notify";

/** The name of the page about the configuration file. */
const CONFIG_PAGE = "matrix-notify-config.json";

/** Variables that are not settings of a channel, with their meanings. */
const OTHER_VARIABLES: readonly (readonly [names: readonly string[], meaning: string])[] = [
  [["MATRIX_NOTIFY_CONFIG"], "The configuration file, unless --config is given."],
  [["MATRIX_NOTIFY_STATE_DIR"], "The directory of the queue, unless --state-dir is given."],
  [["XDG_CONFIG_HOME", "XDG_STATE_HOME"], "The directories that contain the files of a user."],
  [
    ["CONFIGURATION_DIRECTORY", "STATE_DIRECTORY", "CREDENTIALS_DIRECTORY"],
    "The directories that systemd passes to a unit.",
  ],
  [[...PROXY_VARIABLES, "NO_PROXY", "no_proxy"], "The proxies for HTTP, as in curl(1)."],
  [["NO_COLOR"], "If set, the output has no colours."],
  [["MATRIX_NOTIFY_DEBUG"], "If set, an error that is a bug is printed with its origin in the code."],
];

/** The files, with their meanings. */
const FILES: readonly (readonly [path: string, meaning: string])[] = [
  ["~/.config/matrix-notify/config.json", "The configuration of a user."],
  ["/etc/matrix-notify/config.json", "The configuration of root, and of users without a configuration of their own."],
  ["~/.local/state/matrix-notify/", "The queue, attachments and logins of a user."],
  ["/var/lib/matrix-notify/", "The queue, attachments and logins of root."],
];

/** Options of {@linkcode writeManPages}. */
export interface ManPageOptions {
  /** The date on the pages. @default `SOURCE_DATE_EPOCH`, otherwise today */
  readonly date?: Date;
}

/**
 * Writes all man pages into a directory as `/usr/share/man` has them, without compression.
 *
 * @returns the paths of the files, relative to the directory: `man1/matrix-notify.1`, …
 */
export async function writeManPages(
  directory: string,
  { date = buildDate() }: ManPageOptions = {},
): Promise<readonly string[]> {
  const pages = await manPages(date.toISOString().slice(0, "2026-01-01".length));
  const files: string[] = [];
  for (const [name, text] of pages) {
    const file = `man${name.at(-1)}/${name}`;
    await ensureDir(dirname(join(directory, file)));
    await Deno.writeTextFile(join(directory, file), text);
    files.push(file);
  }
  return files;
}

function buildDate(): Date {
  const seconds = Deno.env.get("SOURCE_DATE_EPOCH");
  return seconds === undefined ? new Date() : new Date(Number(seconds) * 1000);
}

/** Generates the texts of all pages, by file name. */
async function manPages(date: string): Promise<ReadonlyMap<string, string>> {
  const head = (name: string, section: number) =>
    `.TH "${name.toUpperCase()}" "${section}" "${date}" "${PROGRAM} ${manifest.version}" "matrix-notify manual"\n.nh\n.ad l`;
  const pages = new Map([[`${PROGRAM}.1`, [head(PROGRAM, 1), programPage()].join("\n")]]);
  for (const [first, members] of Map.groupBy(COMMANDS, ({ name }) => name.split(" ")[0])) {
    if (members[0].name !== first) {
      pages.set(`${pageName(first)}.1`, [head(pageName(first), 1), familyPage(first, members)].join("\n"));
    }
  }
  for (const entry of COMMANDS) {
    const page = pageName(entry.name);
    pages.set(`${page}.1`, [head(page, 1), commandPage(entry, await entry.load())].join("\n"));
  }
  pages.set(`${CONFIG_PAGE}.5`, [head(CONFIG_PAGE, 5), await configFilePage()].join("\n"));
  return pages;
}

function pageName(command: string): string {
  return `${PROGRAM}-${command.replace(" ", "-")}`;
}

function programPage(): string {
  return [
    nameSection(PROGRAM, "send notifications to Matrix rooms and other services, through a queue on disk"),
    synopsis("matrix-notify COMMAND [OPTIONS]"),
    macro("SH", "DESCRIPTION"),
    escape(PROGRAM_TEXT),
    macro("PP"),
    escape("matrix-notify COMMAND --help prints the help of a command. matrix-notify --version prints the version."),
    macro("SH", "COMMANDS"),
    ...COMMANDS.map(({ name, summary }) => definition(crossReference(pageName(name)), escape(`${summary}.`))),
    optionSection("OPTIONS OF EVERY COMMAND", GENERAL_OPTIONS),
    exitSection(EXIT_MEANINGS),
    macro("SH", "ENVIRONMENT"),
    ...Object.entries(CHANNEL_VARIABLES).flatMap(([channel, keys]) =>
      Object.entries(keys).map(([key, variable]) =>
        definition(bold(variable), escape(`Sets ${key} of the channel ${channel}.`))
      )
    ),
    ...OTHER_VARIABLES.map(([names, meaning]) => definition(names.map(bold).join(", "), escape(meaning))),
    macro("SH", "FILES"),
    ...FILES.map(([path, meaning]) => definition(`\\fI${escape(path)}\\fR`, escape(meaning))),
    exampleSection(PROGRAM_EXAMPLES),
    seeAlso([pageName("setup"), pageName("send"), pageName("run"), pageName("doctor"), CONFIG_PAGE]),
  ].join("\n");
}

function familyPage(first: string, members: readonly CommandEntry[]): string {
  return [
    nameSection(pageName(first), `commands of ${PROGRAM}: ${members.map(({ name }) => name).join(", ")}`),
    synopsis(`matrix-notify ${first} COMMAND [OPTIONS]`),
    macro("SH", "COMMANDS"),
    ...members.map(({ name, summary }) => definition(crossReference(pageName(name)), escape(`${summary}.`))),
    seeAlso([PROGRAM]),
  ].join("\n");
}

function commandPage({ name, summary }: CommandEntry, command: Command): string {
  const { details = [], exitCodes, examples } = command;
  const first = name.split(" ")[0];
  return [
    nameSection(pageName(name), summary),
    synopsis(usageLine(name, command)),
    macro("SH", "DESCRIPTION"),
    ...details.length === 0 ? [escape(`${summary}.`)] : [details.map(escape).join(`\n${macro("PP")}\n`)],
    optionSection("OPTIONS", [...visibleOptions(command), ...GENERAL_OPTIONS]),
    exitSection(exitCodes?.meanings ?? EXIT_MEANINGS),
    ...exitCodes === undefined ? [] : [macro("PP"), `Other codes are in ${crossReference(PROGRAM)}.`],
    macro("SH", "ENVIRONMENT"),
    `${crossReference(PROGRAM)} lists the environment variables.`,
    macro("SH", "FILES"),
    `${crossReference(PROGRAM)} lists the files.`,
    exampleSection(examples),
    seeAlso([PROGRAM, ...first === name ? [] : [pageName(first)], CONFIG_PAGE]),
  ].join("\n");
}

async function configFilePage(): Promise<string> {
  const page = (await configPage()).replace(/^<!--.*?-->\s*# Configuration\s*/s, "");
  return [
    nameSection(CONFIG_PAGE, "configuration file of matrix-notify"),
    macro("SH", "DESCRIPTION"),
    markdownToRoff(page),
    macro("SH", "FILES"),
    ...FILES.filter(([path]) => path.endsWith(".json")).map(([path, meaning]) =>
      definition(`\\fI${escape(path)}\\fR`, escape(meaning))
    ),
    seeAlso([PROGRAM, pageName("config")]),
  ].join("\n");
}

function nameSection(page: string, summary: string): string {
  return [macro("SH", "NAME"), `${escape(page)} \\- ${escape(summary)}`].join("\n");
}

/** The usage line: words in capitals are placeholders. */
function synopsis(usage: string): string {
  const words = usage.split(" ").map((word) =>
    /[A-Z]/.test(word)
      ? word.replace(/[A-Z]+|[^A-Z]+/g, (part) => /[A-Z]/.test(part) ? `\\fI${part}\\fR` : escape(part))
      : bold(word)
  );
  return [macro("SH", "SYNOPSIS"), words.join(" ")].join("\n");
}

function optionSection(title: string, options: readonly OptionSpec[]): string {
  return [
    macro("SH", title),
    ...options.map((option) => {
      const [form, summary] = optionRow(option);
      const { value } = option;
      const words = form.trim().split(" ").map((word) =>
        word === value ? `\\fI${escape(word)}\\fR` : bold(word.replace(/,$/, "")) + (word.endsWith(",") ? "," : "")
      );
      return definition(words.join(" "), escape(summary));
    }),
  ].join("\n");
}

function exitSection(meanings: ExitMeanings): string {
  return [
    macro("SH", "EXIT STATUS"),
    ...meanings.map(([code, meaning]) => definition(bold(String(code)), escape(meaning))),
  ].join("\n");
}

function exampleSection(examples: readonly string[]): string {
  return [macro("SH", "EXAMPLES"), examples.map(block).join(`\n${macro("PP")}\n`)].join("\n");
}

function seeAlso(pages: readonly string[]): string {
  return `${[macro("SH", "SEE ALSO"), pages.toSorted().map(crossReference).join(",\n")].join("\n")}\n`;
}

function crossReference(page: string): string {
  return `${bold(page)}(${page === CONFIG_PAGE ? 5 : 1})`;
}
