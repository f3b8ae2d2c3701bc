import { assertEquals } from "@std/assert";
import { parseSendmailArgs } from "../../src/cli/sendmail_args.ts";

function parse(line: string) {
  const { dotEnds, sender, refused } = parseSendmailArgs(line.split(" "));
  return [dotEnds, sender, refused?.problem];
}

Deno.test("parseSendmailArgs() reads what cron, smartd, PHP and git write", () => {
  assertEquals(parse("-FCronDaemon -i -B8BITMIME -oem root"), [false, "CronDaemon", undefined]);
  assertEquals(parse("-FCronDaemon -i -odi -oem -oi -t -f root"), [false, "CronDaemon", undefined]);
  assertEquals(parse("-t -i"), [false, undefined, undefined]);
  assertEquals(parse("-oi -t"), [false, undefined, undefined]);
  assertEquals(parse("-ti"), [false, undefined, undefined]);
  assertEquals(parse("-bm -f www@example.org -N failure -R hdrs -v root"), [true, "www@example.org", undefined]);
  assertEquals(parse("-r root -- -i"), [true, "root", undefined]);
});

Deno.test("parseSendmailArgs() takes a value for a value, and an unknown option for none", () => {
  assertEquals(parse("-N -i root"), [true, undefined, undefined]);
  assertEquals(parse("-O i -Z --unknown root"), [true, undefined, undefined]);
  assertEquals(parse("-F"), [true, undefined, undefined]);
});

Deno.test("parseSendmailArgs() tells what only a mail server does", () => {
  assertEquals(parse("-bs")[2], "Cannot speak SMTP on standard input");
  assertEquals(parse("-bp")[2], "Cannot list a mail queue");
  assertEquals(parse("-bd -q30m")[2], "Cannot run a mail queue");
  assertEquals(parse("-bd")[2], "Cannot be a mail server");
  assertEquals(parse("-bi")[2], "Cannot build a table of aliases");
});
