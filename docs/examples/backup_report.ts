// Reports the exit code of a backup:
// deno run --allow-net --allow-read --allow-write --allow-env --allow-run --allow-sys backup_report.ts 1
import { HintedError, notify } from "../../mod.ts";

const code = Number(Deno.args[0]);
try {
  const outcomes = await notify(code === 0 ? "Backup done" : "Backup failed", {
    message: `The backup ended with exit code ${code}.`,
    severity: code === 0 ? "info" : "error",
    key: "backup",
    resolves: code === 0,
  });
  for (const outcome of outcomes) {
    const detail = outcome.state === "delivered" ? outcome.receipt : outcome.reason ?? "";
    console.log(`${outcome.channel}: ${outcome.state} ${detail}`);
  }
} catch (error) {
  if (!(error instanceof HintedError)) throw error;
  console.error(error.message + (error.hint ? `\nHint: ${error.hint}` : ""));
  Deno.exit(1);
}
