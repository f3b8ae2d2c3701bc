/** `serve`: delivers until it is stopped, and receives notifications of other programs. */

import { formatIsoTime } from "../../base/time.ts";
import { type Command, type ContextFor, defineCommand } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { INSECURE_HTTP_OPTION } from "../options.ts";

const OPTIONS = [INSECURE_HTTP_OPTION] as const;

export const serve: Command = defineCommand({
  operands: "",
  options: OPTIONS,
  details: [
    "serve delivers the queue, and receives notifications from other users and hosts. serve opens a local socket or " +
    "an HTTP server only if the configuration contains settings for it. serve prints its log on standard error.",
    "Users of this host who cannot read the configuration send through the socket /run/matrix-notify/socket, if " +
    "they are members of the group matrix-notify. The commands send, run and sendmail find the socket without an " +
    "option.",
    "After SIGHUP, serve reads the configuration again. If the configuration has a mistake, serve prints the " +
    "mistake and keeps the old configuration. SIGTERM and SIGINT stop serve within 10 seconds. Accepted " +
    "notifications are on disk, so none is lost.",
    "Only one serve process can use a queue. Under systemd, use Type=notify and NotifyAccess=all.",
  ],
  examples: [
    "matrix-notify serve",
    "curl --unix-socket /run/matrix-notify/socket -d 'subject=Disk full' \\\n  http://localhost/send",
  ],
  run,
});

async function run({ args, runtime, ui }: ContextFor<typeof OPTIONS>): Promise<number> {
  const [{ serve }, { NotifierCore }] = await Promise.all([
    import("../../server/serve.ts"),
    import("../../notifier/core.ts"),
  ]);
  const log = (text: string) => ui.note(`${formatIsoTime(runtime.now())} ${text}`);
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(signal, () => stop.abort());
  await serve({
    ...{ runtime, log, stop: stop.signal },
    open: (options) =>
      NotifierCore.open({
        ...options,
        runtime,
        configFile: args.text("config"),
        stateDir: args.text("state-dir"),
        insecureHttp: args.has("insecure-http"),
        // The process delivers itself, so it starts no background deliverer.
        role: "deliverer",
      }),
    onReload: (reload) => Deno.addSignalListener("SIGHUP", reload),
  });
  return EXIT.ok;
}
