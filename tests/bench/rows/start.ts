/** Rows for the cost of one `send`, from the start of its process to its end. */

import { inTurns, measure } from "../measure.ts";
import { costLine, type Line, type Row, type RowOptions } from "../row.ts";
import {
  ACCESS_TOKEN,
  type BenchWorld,
  binary,
  eventUrl,
  floor,
  program,
  type Server,
  SHIPPED,
  sourceProgram,
} from "../world.ts";
import { ROOM } from "../journals.ts";

const SEND = ["send", "Subject", "Body"];

const uuid = () => crypto.randomUUID();

/** Measures `send` and a smaller program in turns. */
async function compare(
  world: BenchWorld,
  server: Server,
  { isQuick }: RowOptions,
  ours: readonly string[],
  other: () => readonly string[],
) {
  const env = world.env(server, world.newDirectory("state"));
  const rounds = isQuick ? 3 : 21;
  // A command that ends at once does not store compiled code, so another command has to do it.
  await measure(program(...SEND), env);
  return await inTurns(rounds, () => measure(ours, env), () => measure(other(), env));
}

const put = (server: Server) => () => floor("put.ts", eventUrl(server, uuid()), ACCESS_TOKEN);

export const sendRows: Row = {
  name: "send",
  async run(world, options) {
    const { plain, tls } = world;
    const send = program(...SEND);
    const lines: Line[] = [];
    for (const [server, scheme] of [[plain, "http"], [tls, "https"]] as const) {
      const pairs = await compare(world, server, options, send, put(server));
      lines.push(costLine(`\`send\`, ${SHIPPED} / bare \`fetch\` PUT, ${scheme}`, "≤ 1.3, ≤ 10 MiB", pairs));
    }
    const mail = `${world.newDirectory("mail")}/config.json`;
    const email = { kind: "email", server: "smtp.example.org", from: "a@example.org", to: "b@example.org" };
    Deno.writeTextFileSync(mail, JSON.stringify({ channels: { email } }), { mode: 0o600 });
    const besideMail = program(...SEND, "--channel", "matrix", "--config", mail);
    lines.push(costLine(
      `\`send\`, ${SHIPPED}, with an \`email\` channel that is not used / bare \`fetch\` PUT, http`,
      "report only",
      await compare(world, plain, options, besideMail, put(plain)),
    ));
    const durable = world.newDirectory("durable");
    const floors = [
      [
        "a durable send of 25 lines",
        "report only",
        () => floor("durable_put.ts", durable, eventUrl(plain), ACCESS_TOKEN),
      ],
      ["curl with one jq", "≤ 1.5", () => floor("curl_one_jq.sh", eventUrl(plain, uuid()), ACCESS_TOKEN)],
      ["curl with three jq", "report only", () => floor("curl_three_jq.sh", plain.url, ROOM, ACCESS_TOKEN, uuid())],
    ] as const;
    for (const [name, goal, other] of floors) {
      lines.push(costLine(`\`send\`, ${SHIPPED} / ${name}`, goal, await compare(world, plain, options, send, other)));
    }
    const fromSource = await compare(world, plain, options, sourceProgram(...SEND), put(plain));
    lines.push(costLine("`send`, source / bare `fetch` PUT, http", "report only", fromSource));
    return lines;
  },
};

export const helpRows: Row = {
  name: "help",
  async run(world, options) {
    const lines: Line[] = [];
    for (const flag of ["--version", "--help"]) {
      const pairs = await compare(world, world.plain, options, program(flag), () => floor("hello.ts"));
      lines.push(costLine(`\`${flag}\`, ${SHIPPED} / Deno hello`, "≤ 1.3", pairs));
    }
    return lines;
  },
};

export const binaryRows: Row = {
  name: "binary",
  async run(world, options) {
    const what = "`send`, binary / compiled bare `fetch`";
    const send = binary(...SEND);
    if (send === undefined) return [{ what, goal: "≤ 1.4", note: "there is no binary in dist/" }];
    const output = `${world.directory}/put`;
    const path = new URL("../floors/put.ts", import.meta.url).pathname;
    await measure([Deno.execPath(), "compile", "-q", "-A", "--no-config", "--output", output, path]);
    const other = () => [output, eventUrl(world.plain, uuid()), ACCESS_TOKEN];
    return [costLine(what, "≤ 1.4", await compare(world, world.plain, options, send, other))];
  },
};
