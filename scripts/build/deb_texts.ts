/**
 * The texts of the Debian package that are not files of the program: the control file, the
 * changelog and the licences.
 *
 * @module
 */

import { fromFileUrl, join } from "@std/path";
import manifest from "../../deno.json" with { type: "json" };
import type { Lock } from "../dependency_docs.ts";

const ROOT = fromFileUrl(new URL("../..", import.meta.url));

/** The maintainer. The project has no mail address; `.invalid` says so (RFC 2606). */
const MAINTAINER = "The matrix-notify authors <authors@matrix-notify.invalid>";

/** The facts of one package. */
export interface Control {
  /** Debian's name of the processor: `amd64`. */
  readonly architecture: string;
  readonly installedKib: number;
}

/** Writes the control file (deb-control(5)). */
export function controlFile({ architecture, installedKib }: Control): string {
  return `Package: matrix-notify
Version: ${manifest.version}
Architecture: ${architecture}
Maintainer: ${MAINTAINER}
Installed-Size: ${installedKib}
Depends: libc6 (>= 2.27), libgcc-s1 | libgcc1, adduser, init-system-helpers (>= 1.52)
Recommends: ca-certificates
Section: net
Priority: optional
${
    manifest.repository === ""
      ? ""
      : `Homepage: ${manifest.repository}\n`
  }Description: sends alerts to Matrix rooms through a queue on disk
 matrix-notify sends alerts from scripts, cron jobs and services to Matrix
 rooms, and to ntfy, Gotify, Telegram, Slack, email, webhooks and programs.
 If the network or the homeserver is down, alerts wait in a queue on disk.
 matrix-notify delivers them later, once and in order.
`;
}

/** Writes the changelog in the format of Debian, with the sections of `CHANGELOG.md`. */
export async function debianChangelog(epoch: number): Promise<string> {
  const text = await Deno.readTextFile(join(ROOT, "CHANGELOG.md"));
  const [, section] = text.split(`## Version ${manifest.version}\n`);
  if (section === undefined) throw new Error(`Cannot write the changelog: CHANGELOG.md has no ${manifest.version}`);
  const items = section.split(/^## /m)[0].split(/^- /m).slice(1)
    .map((item) => wrap(item.split("\n\n")[0].trim()).join("\n    "))
    .map((item) => `  * ${item}`);
  const date = new Date(epoch * 1000).toUTCString().replace("GMT", "+0000");
  return `matrix-notify (${manifest.version}) unstable; urgency=medium\n\n${
    items.join("\n")
  }\n\n -- ${MAINTAINER}  ${date}\n`;
}

/** Wraps a text into lines of the width that lintian expects. */
function wrap(text: string): readonly string[] {
  return text.replaceAll(/\s+/g, " ").match(/\S.{0,73}(?=\s|$)|\S+/g) ?? [];
}

/**
 * Collects the licences of the program, of the npm packages in the bundle and of Deno.
 *
 * @param runtime the path of the Deno in the package; undefined in a package with a binary
 */
export async function copyrightFile(runtime: string | undefined): Promise<string> {
  const section = (title: string, text: string) => `${"-".repeat(78)}\n${title}\n\n${text.trim()}\n`;
  const lock: Lock = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.lock")));
  const packages = await Promise.all(
    Object.keys(lock.npm).toSorted().map(async (key) => section(key, await packageLicence(key))),
  );
  return [
    `matrix-notify\n\n${(await Deno.readTextFile(join(ROOT, "LICENSE"))).trim()}\n`,
    "The program contains these npm packages:\n",
    ...packages,
    runtime === undefined
      ? "The binary contains the runtime of Deno, version 2.9.6, which has this licence:\n"
      : "/usr/lib/matrix-notify/deno is Deno. It has this licence:\n",
    section("Deno (V8 and the libraries in it are listed at https://github.com/denoland/deno)", DENO_LICENCE),
  ].join("\n");
}

/** Reads the licence of a package that the bundler installed: `entities@8.1.0`. */
async function packageLicence(key: string): Promise<string> {
  const name = key.slice(0, key.lastIndexOf("@"));
  const folder = join(ROOT, ".cache/bundle/node_modules/.deno", key.replaceAll("/", "+"), "node_modules", name);
  for await (const { name } of Deno.readDir(folder)) {
    if (/^licen[cs]e/i.test(name)) return await Deno.readTextFile(join(folder, name));
  }
  throw new Error(`Cannot find the licence of ${key}: ${folder} has no such file`);
}

const DENO_LICENCE = `Copyright 2018-2026 the Deno authors

The licence is the MIT License, whose conditions stand above.`;
