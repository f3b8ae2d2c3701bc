/**
 * The scripts with which routers send to `serve`. The templates of the scripts are in
 * `scripts/routeros/`, `scripts/openwrt/` and `scripts/opnsense/`. `@URL@`, `@TOKEN@` and similar
 * words in a template are replaced with the values for a router.
 *
 * @module
 */

import { quoteForShell } from "../../base/shell_word.ts";
import type { RouterKind } from "./options.ts";
import hotplug from "../../../scripts/openwrt/hotplug-iface.sh" with { type: "text" };
import initScript from "../../../scripts/openwrt/init.sh" with { type: "text" };
import sendScript from "../../../scripts/openwrt/matrix-notify-send.sh" with { type: "text" };
import alertScript from "../../../scripts/opnsense/matrix-notify-alert.sh" with { type: "text" };
import netwatch from "../../../scripts/routeros/netwatch.rsc" with { type: "text" };
import routerosModule from "../../../scripts/routeros/notification-matrix-notify.rsc" with { type: "text" };

/** The values in the scripts of one router. */
export interface RouterValues {
  /** The address of `serve` with its path: `http://192.168.88.2:8411/notify`. */
  readonly url: string;
  readonly token: string;
}

/** For each kind of router, the function that returns the text to paste into the router. */
export const ROUTER_SCRIPTS: Readonly<Record<RouterKind, (values: RouterValues) => string>> = {
  routeros: (values) => pasteModule(renderRouterOs(routerosModule, values)),
  netwatch: pasteNetwatch,
  openwrt: (values) =>
    [
      installFile("/usr/bin/matrix-notify-send", renderShell(sendScript, values)),
      installFile("/etc/hotplug.d/iface/90-matrix-notify", hotplug),
      installFile("/etc/init.d/matrix-notify", initScript),
      "/etc/init.d/matrix-notify enable",
      'matrix-notify-send "Test message" "message=This router sends through matrix-notify."',
    ].join("\n"),
  opnsense: (values) =>
    [
      installFile("/usr/local/bin/matrix-notify-alert", renderShell(alertScript, values)),
      'matrix-notify-alert "Test message" "This router sends through matrix-notify."',
    ].join("\n"),
};

const MODULE_NAME = '"mod/notification-matrix-notify"';

/** The commands that store the module in the router, run it, and send a test message. */
function pasteModule(source: string): string {
  return [
    `/system/script/remove [ find where name=${MODULE_NAME} ]`,
    `/system/script/add name=${MODULE_NAME} source=${quoteLines(source)}`,
    // After a restart, the collection github.com/eworm-de/routeros-scripts runs the module. On a
    // router without this collection, only this scheduler runs the module.
    '/system/scheduler/remove [ find where name="matrix-notify" ]',
    `/system/scheduler/add name="matrix-notify" start-time=startup on-event=${
      quoteLines(`/system/script/run ${MODULE_NAME};`)
    }`,
    `/system/script/run ${MODULE_NAME}`,
    ':global SendMatrixNotify; $SendMatrixNotify "Test message" "This router sends through matrix-notify.";',
  ].join("\n");
}

/**
 * The command that adds a netwatch (a check of a host). One script of the netwatch reports that the
 * host is down. The other script reports that the host is up again.
 */
function pasteNetwatch(values: RouterValues): string {
  const source = netwatch.replace(/^(?:#.*\n)+/, "");
  const script = (fields: string) => quoteLines(renderRouterOs(source, { ...values, fields }).trimEnd());
  return [
    '/tool/netwatch/add name="uplink" host=192.0.2.1 type=icmp interval=30s \\',
    `  down-script=${script("subject=Uplink+down&severity=error&key=uplink")} \\`,
    `  up-script=${script("subject=Uplink+up&key=uplink&resolve=true")}`,
  ].join("\n");
}

function renderRouterOs(source: string, { url, token, fields = "" }: RouterValues & { readonly fields?: string }) {
  return render(source, {
    URL: escapeRouterOs(url),
    TOKEN: escapeRouterOs(token),
    FIELDS: fields,
    CHECK: url.startsWith("https:") ? "yes-without-crl" : "no",
  });
}

function renderShell(source: string, { url, token }: RouterValues): string {
  return render(source, { URL: quoteForShell(url), TOKEN: quoteForShell(token) });
}

function render(source: string, values: Readonly<Record<string, string>>): string {
  return source.replace(/@([A-Z]+)@/g, (word, name: string) => Object.hasOwn(values, name) ? values[name] : word);
}

/**
 * Escapes a text for a string of RouterOS. Also escapes `?`, because this character opens the help
 * in a terminal of RouterOS 6.
 */
function escapeRouterOs(text: string): string {
  return text.replace(/[\\"$]/g, "\\$&").replaceAll("?", "\\3F");
}

/**
 * Quotes a text with several lines in the format of the RouterOS command `/export`. Each line ends
 * with a backslash. The next line begins with blanks and `\n`. RouterOS skips the blanks.
 */
function quoteLines(text: string): string {
  return `"${text.split("\n").map(escapeRouterOs).join("\\\n    \\n")}"`;
}

/** The shell command that writes an executable file. */
function installFile(path: string, text: string): string {
  return `mkdir -p ${path.replace(/\/[^/]*$/, "")}\ncat >${path} <<'END'\n${text}END\nchmod 700 ${path}`;
}
