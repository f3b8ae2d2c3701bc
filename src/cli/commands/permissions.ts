/** `permissions`: prints the command line of Deno with exactly the permissions of a command. */

import { PERMISSION_TABLE } from "../../base/permission_table.ts";
import { type Command, type ContextFor, defineCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import { EXIT } from "../exit_codes.ts";

const OPTIONS = [
  { name: "no-background", summary: "leave out the permissions to start a background process" },
] as const;

export const permissions: Command = defineCommand({
  operands: "[COMMAND] [WORD]",
  options: OPTIONS,
  details: [
    "permissions prints a command line that runs COMMAND (send by default). The command line permits only the hosts, " +
    "files, programs and variables that the configuration of this host needs. docs/permissions.md lists the " +
    "permissions of every command. COMMAND can have two words, such as queue list.",
    "To start the background process, send needs the permission to run Deno or a shell. A program with this " +
    "permission can do everything that its user can do. With --no-background, send does not need this permission. A " +
    "systemd timer or cron can then deliver queued notifications with flush.",
  ],
  examples: ["matrix-notify permissions", "matrix-notify permissions flush --no-background"],
  run,
});

async function run(context: ContextFor<typeof OPTIONS>): Promise<number> {
  const { args, runtime, ui } = context;
  const name = args.operands.length === 0 ? "send" : args.operands.join(" ");
  const row = await findRow(name);
  const { openQueueOnly } = await import("../notifier.ts");
  await using notifier = await openQueueOnly(context);
  const { resolvePermissions, commonPermissions } = await import("../../notifier/background/permissions.ts");
  const { permissionFlags } = await import("../../runtime/permissions.ts");
  const needed = resolvePermissions(
    args.has("no-background") ? { ...row, run: row.run.filter((programs) => programs !== "background") } : row,
    await notifier.findAccess(),
  );
  const flags = permissionFlags([...needed, ...commonPermissions()]);
  const { quoteForShell } = await import("../../base/shell_word.ts");
  const { words } = await runtime.program();
  const { withPermissions } = await import("../../runtime/program.ts");
  ui.data([...withPermissions(words, flags), name].map((word) => word === name ? word : quoteForShell(word)).join(" "));
  for (const note of notes(row)) ui.tell(note);
  if (Deno.build.standalone) {
    ui.fail("A compiled program always has the permissions of its build", "run it from source to restrict it");
  }
  return EXIT.ok;
}

async function findRow(name: string) {
  if (Object.hasOwn(PERMISSION_TABLE, name)) return PERMISSION_TABLE[name];
  const { nearest } = await import("../../base/nearest.ts");
  const near = nearest(name, Object.keys(PERMISSION_TABLE));
  throw new UsageError(
    `Cannot print the permissions of "${name}": there is no such command`,
    near === undefined ? "see: matrix-notify --help" : `did you mean ${near}?`,
  );
}

function notes({ read, run }: typeof PERMISSION_TABLE[string]): readonly string[] {
  return [
    ...read.includes("given files")
      ? ["For an option with a file, such as --attach, add the file to --allow-read."]
      : [],
    ...run.includes("given command") ? ["You can limit --allow-run to the command that you run."] : [],
  ];
}
