/** Long texts like those of failing jobs, in which every line is different. */

import type { NotificationInput } from "../../src/notification/notification.ts";

/** A notification whose message has several lines. */
export type LongText = NotificationInput & { readonly message: string };

/** Creates the logs of twelve failed backups. Each has 200 lines. The error is in the last line. */
export function createLogs(): LongText[] {
  return Array.from({ length: 12 }, (_, at) => {
    const host = at + 1;
    const lines = Array.from(
      { length: 199 },
      (_, line) => `host${host} ${line + 1}: sent /srv/data/${host}/file${line}.db`,
    );
    return {
      subject: `Backup of host ${host} failed`,
      message: [...lines, `host${host} 200: rsync error: no space left on device ${host} (code 11)`].join("\n"),
      format: "code",
      severity: "error",
    };
  });
}

/** Creates five reports of 2,500 bytes. */
export function createReports(): LongText[] {
  return Array.from({ length: 5 }, (_, at) => {
    const lines = Array.from({ length: 50 }, (_, line) => `report ${at + 1}, line ${line + 1}: `.padEnd(49, "."));
    return { subject: `Report ${at + 1}`, message: lines.join("\n") };
  });
}

/** Returns the first line that a text lacks, or has in another order. */
export function findMissingLine(text: string, inputs: readonly LongText[]): string | undefined {
  let at = 0;
  for (const line of inputs.flatMap(({ message }) => message.split("\n"))) {
    const found = text.indexOf(line, at);
    if (found < 0) return line;
    at = found + line.length;
  }
}
