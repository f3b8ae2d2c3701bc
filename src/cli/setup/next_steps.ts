/** What to do with a channel that works. */

import type { CommandContext } from "../command.ts";

/** Where things are. */
export interface Places {
  readonly config: string;
  readonly stateDir: string;
}

/** Lines for whoever has set it up: how scripts, cron, units and a router send, and how to look after it. */
export function nextSteps({ args, runtime }: CommandContext, { config, stateDir }: Places): readonly string[] {
  // cron looks for a program in few places, and sees neither this folder nor this environment.
  const program = Deno.build.standalone ? Deno.execPath() : "matrix-notify";
  const isElsewhere = (option: string, variable: string) => args.text(option) ?? runtime.env(variable);
  const places = [
    isElsewhere("config", "MATRIX_NOTIFY_CONFIG") && ` --config ${quoted(Deno.realPathSync(config))}`,
    isElsewhere("state-dir", "MATRIX_NOTIFY_STATE_DIR") && ` --state-dir ${quoted(Deno.realPathSync(stateDir))}`,
  ].filter((place) => place !== undefined).join("");
  const send = (subject: string, body: string) => `${program} send${places} ${subject} ${body}`;
  return [
    "",
    "What comes next:",
    `  in a script   ${send('"Backup failed"', '"No space left on /dev/sda1"')} --severity error`,
    `  in a crontab  0 3 * * * ${program} run${places} --only-on-failure -- /usr/local/bin/backup`,
    `                @reboot ${program} flush${places}`,
    `  in a unit     ExecStopPost=/bin/sh -c '[ "$SERVICE_RESULT" = success ] || ${
      send('"%n failed"', '"$SERVICE_RESULT"')
    }'`,
    `  on a router   /system/ssh-exec address=${runtime.hostname()} user=… command="${send("'Link down'", "ether1")}"`,
    `  to look       ${program} doctor${places}; for a monitoring system ${program} status --check${places}`,
  ];
}

function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
