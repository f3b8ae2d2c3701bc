/** The list of all commands. The options, help and action of a command are in its own file. */

import type { CommandEntry } from "./command.ts";

/** The commands, in the order of the help. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "setup",
    summary: "Set up a Matrix channel and send a test message",
    load: async () => (await import("./commands/setup.ts")).setup,
  },
  {
    name: "setup router",
    summary: "Let a router send here, and print a script for the router",
    load: async () => (await import("./commands/setup.ts")).router,
  },
  {
    name: "send",
    summary: "Send a notification to all channels, or as the rules choose",
    load: async () => (await import("./commands/send.ts")).send,
  },
  {
    name: "run",
    summary: "Run a command and send its result",
    load: async () => (await import("./commands/run.ts")).run,
  },
  {
    name: "sendmail",
    summary: "Read a mail, like sendmail, and send it as a notification",
    load: async () => (await import("./commands/sendmail.ts")).sendmail,
  },
  {
    name: "serve",
    summary: "Receive notifications and deliver the queue until stopped",
    load: async () => (await import("./commands/serve.ts")).serve,
  },
  {
    name: "flush",
    summary: "Try to deliver all entries of the queue now",
    load: async () => (await import("./commands/flush.ts")).flush,
  },
  {
    name: "queue list",
    summary: "List the entries of the queue",
    load: async () => (await import("./commands/queue.ts")).list,
  },
  {
    name: "queue show",
    summary: "Show one entry in full",
    load: async () => (await import("./commands/queue.ts")).show,
  },
  {
    name: "queue retry",
    summary: "Retry entries now, including dead letters",
    load: async () => (await import("./commands/queue.ts")).retry,
  },
  {
    name: "queue drop",
    summary: "Remove entries permanently",
    load: async () => (await import("./commands/queue.ts")).drop,
  },
  {
    name: "queue export",
    summary: "Write the entries of the queue as JSON lines",
    load: async () => (await import("./commands/queue.ts")).exportEntries,
  },
  {
    name: "queue purge",
    summary: "Remove all entries permanently",
    load: async () => (await import("./commands/queue.ts")).purge,
  },
  {
    name: "status",
    summary: "Show the state of the queue",
    load: async () => (await import("./commands/status.ts")).status,
  },
  {
    name: "doctor",
    summary: "Find problems and print how to fix them",
    load: async () => (await import("./commands/doctor.ts")).doctor,
  },
  {
    name: "service install",
    summary: "Install a systemd timer that delivers the queue",
    load: async () => (await import("./commands/service.ts")).install,
  },
  {
    name: "service uninstall",
    summary: "Remove the systemd timer and its services",
    load: async () => (await import("./commands/service.ts")).uninstall,
  },
  {
    name: "service status",
    summary: "Show the state of the systemd timer",
    load: async () => (await import("./commands/service.ts")).status,
  },
  {
    name: "service alert",
    summary: "Send an alert about a systemd unit that failed",
    load: async () => (await import("./commands/service.ts")).alert,
  },
  {
    name: "route explain",
    summary: "Show where a notification would be sent, and why",
    load: async () => (await import("./commands/route.ts")).explain,
  },
  {
    name: "config check",
    summary: "Report every mistake in the configuration",
    load: async () => (await import("./commands/config.ts")).check,
  },
  {
    name: "config show",
    summary: "Show the configuration and the source of each value",
    load: async () => (await import("./commands/config.ts")).show,
  },
  {
    name: "config schema",
    summary: "Print the JSON schema of the configuration file",
    load: async () => (await import("./commands/config.ts")).schema,
  },
  {
    name: "login",
    summary: "Log in to a Matrix account",
    load: async () => (await import("./commands/login.ts")).login,
  },
  {
    name: "logout",
    summary: "Log out of a Matrix account and delete its tokens",
    load: async () => (await import("./commands/logout.ts")).logout,
  },
  {
    name: "whoami",
    summary: "Show the accounts and check their logins",
    load: async () => (await import("./commands/whoami.ts")).whoami,
  },
  {
    name: "join",
    summary: "Join a Matrix room",
    load: async () => (await import("./commands/join.ts")).join,
  },
  {
    name: "room create",
    summary: "Create a Matrix room and invite people",
    load: async () => (await import("./commands/room.ts")).create,
  },
  {
    name: "room list",
    summary: "List the Matrix rooms and invites of the account",
    load: async () => (await import("./commands/room.ts")).list,
  },
  {
    name: "permissions",
    summary: "Print the permissions of Deno that a command needs here",
    load: async () => (await import("./commands/permissions.ts")).permissions,
  },
  {
    name: "completions",
    summary: "Print a completion script for bash, zsh or fish",
    load: async () => (await import("./commands/completions.ts")).completions,
  },
  {
    name: "demo",
    summary: "Show an outage, a killed process and a later delivery",
    load: async () => (await import("./commands/demo.ts")).demo,
  },
];
