// Answers requests, and reports each error of a handler:
// deno run --allow-net --allow-read --allow-write --allow-env --allow-sys error_server.ts 8080
import { Notifier } from "../../mod.ts";

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, () => stop.abort());

await using notifier = await Notifier.open({ onWarning: console.error });

async function report(error: unknown): Promise<void> {
  try {
    await notifier.notify({ subject: "A request failed", message: String(error), severity: "error" });
  } catch (problem) {
    console.error(problem);
  }
}

function handle(request: Request): Response {
  const { pathname } = new URL(request.url);
  if (pathname === "/") return new Response("Hello\n");
  throw new Error(`There is no page ${pathname}`);
}

const server = Deno.serve({
  port: Number(Deno.args[0]),
  signal: stop.signal,
  onError(error) {
    report(error);
    return new Response("Internal error\n", { status: 500 });
  },
}, handle);
const timer = setInterval(() => notifier.flush({ waitMs: 0 }).catch(console.error), 60_000);
await server.finished;
clearInterval(timer);
