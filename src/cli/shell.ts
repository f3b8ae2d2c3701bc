/** Command lines for crontabs. */

import { quoteForShell } from "../base/shell_word.ts";

/**
 * Escapes a command line for a crontab. Without a backslash, a percent sign would end the command.
 */
export function quoteForCrontab(command: string): string {
  return command.replaceAll("%", "\\%");
}

/** The command that a crontab runs. */
export interface CronJob {
  readonly program: readonly string[];
  /** The arguments that select the configuration and the queue. */
  readonly places: readonly string[];
}

/** Formats the lines of a crontab that deliver the queue without systemd. */
export function crontabLines({ program, places }: CronJob): readonly string[] {
  const command = quoteForCrontab([...program, "flush", "--timer", ...places].map(quoteForShell).join(" "));
  // Without the redirection, cron would send a mail about the same mistake every minute.
  return [`@reboot ${command}`, `*/1 * * * * ${command} >/dev/null 2>&1`];
}
