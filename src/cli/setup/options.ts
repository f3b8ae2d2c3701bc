/** The options of `setup`. */

import type { ContextFor } from "../command.ts";
import { DELIVERY_OPTIONS, JSON_OPTION, type OptionSpec, SIGN_IN_OPTIONS } from "../options.ts";

/** The kinds of routers and scripts that `setup router` supports. */
export const ROUTER_KINDS = ["routeros", "netwatch", "openwrt", "opnsense"] as const;

/** A kind in {@linkcode ROUTER_KINDS}. */
export type RouterKind = typeof ROUTER_KINDS[number];

const YES_OPTION = {
  name: "yes",
  short: "y",
  summary: "do not ask questions; use defaults, and fail if a required option is missing",
} as const satisfies OptionSpec;

export const SETUP_OPTIONS = [
  { name: "user", value: "USER", summary: "account that sends the notifications: @bot:example.org" },
  ...SIGN_IN_OPTIONS,
  { name: "room", short: "r", value: "ROOM", summary: "send to this room: id, alias or @user:server" },
  { name: "create-room", value: "NAME", summary: "create a room with this name" },
  { name: "invite", value: "USER", repeats: true, summary: "with --create-room: invite this person" },
  { name: "direct", value: "USER", summary: "send to this person in a direct chat" },
  { name: "wait", value: "DURATION", summary: "maximum time to wait for the invite to the room (default 5m)" },
  { name: "channel", short: "c", value: "CHANNEL", summary: "name of the channel (default matrix)" },
  { name: "ca-file", value: "FILE", summary: "additional certificate authorities to trust (PEM)" },
  { name: "cert-file", value: "FILE", summary: "client certificate (PEM)" },
  { name: "key-file", value: "FILE", summary: "key of the client certificate (PEM)" },
  { name: "proxy", value: "URL", summary: "URL of a proxy that does not need a password" },
  { name: "proxy-file", value: "FILE", summary: "file with the URL of a proxy, if the proxy needs a password" },
  { name: "no-test", summary: "do not send a test message" },
  YES_OPTION,
  JSON_OPTION,
  ...DELIVERY_OPTIONS,
] as const satisfies readonly OptionSpec[];

export const ROUTER_OPTIONS = [
  { name: "for", value: "KIND", oneOf: ROUTER_KINDS, summary: "the script to print (default routeros)" },
  { name: "address", value: "ADDRESS", summary: "IP address or name of this host, as the router reaches it" },
  { name: "network", value: "NETWORK", repeats: true, summary: "IP address or network of the router" },
  { name: "port", value: "PORT", summary: "port of serve (default 8411)" },
  { name: "cert-file", value: "FILE", summary: "certificate chain of serve, for https (PEM)" },
  { name: "key-file", value: "FILE", summary: "private key of the certificate (PEM)" },
  YES_OPTION,
] as const satisfies readonly OptionSpec[];

/** The command context of `setup router`. */
export type RouterCommandContext = ContextFor<typeof ROUTER_OPTIONS>;

/** The command context of `setup`. */
export type SetupCommandContext = ContextFor<typeof SETUP_OPTIONS>;
