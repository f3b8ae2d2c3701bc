/** Runs the lines of `docs/serve.md` that send to `serve`, with the real programs. */

import { assertEquals } from "@std/assert";
import { commandsOf, readBlocks } from "../e2e/docs_blocks.ts";
import { clientSuite, installPythonClients } from "./install.ts";

let python = "";
const clientTest = await clientSuite(
  "the programs of docs/serve.md",
  async () => python = await installPythonClients(),
);

/**
 * The messages of all lines, in the order of the page. The lines for Matrix have a test of their
 * own.
 */
const MESSAGES = [
  "[jump] Disk full",
  "[jump] ❌ Disk full",
  "[jump] Report",
  "report.pdf",
  "[jump] ❌ Disk full\n\nsda1: 98 %",
  "[jump] Load\n\nSee the graph",
  "graph.png",
  "[jump] Load\n\nSee the graph",
  "graph.png",
  "[jump] 🚨 ⚠️ 💀 Unauthorized access\n\nRemote access to laptop detected",
  "[jump] File: graph.png",
  "graph.png",
  "[jump] ⚠️ Disk full\n\nsda1: 98 %",
  "[jump] ⚠️ Disk full\n\nsda1: 98 %",
  "[jump] my title\n\nmy message",
  "[jump] ❌ Disk full\n\nsda1: 98 %",
  "[jump] ❌ Disk full\n\nsda1: 98 %",
];

clientTest("the lines of docs/serve.md bring their messages to the room", async (server) => {
  const blocks = readBlocks("docs/serve.md").filter(({ text }) => text.includes("192.168.88.2:8411"));
  const steps = blocks.flatMap((block) => {
    if (block.language === "python") {
      return [`"$PYTHON" -c '${`import os; TOKEN = os.environ["TOKEN"]\n${block.text}`}'`];
    }
    return block.language === "sh" ? commandsOf(block).filter((command) => !/matrix/i.test(command)) : [];
  });
  const script = `set -e
    apprise() { "$PYTHON" "$(dirname "$PYTHON")/apprise" "$@"; }
    curl() { command curl -sSf "$@"; }
    printf graph > graph.png; printf report > report.pdf
    ${steps.join("\n")}`.replaceAll("192.168.88.2:8411", server.host);
  await server.run("sh", ["-c", script], { TOKEN: server.token, PYTHON: python });
  assertEquals(await server.arrived(), MESSAGES);
});
