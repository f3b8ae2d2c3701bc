import { assertEquals } from "@std/assert";
import { main } from "../../../src/cli/main.ts";
import { LoopbackTelegram } from "../../../src/testing/mod.ts";
import { fakeRuntime } from "../../fakes/runtime.ts";

Deno.test("send() prints an outcome for each destination of a channel, with the reason of a delay", async () => {
  await using telegram = await LoopbackTelegram.start({ chats: ["1001"] });
  const folder = await Deno.makeTempDir();
  const channel = { server: telegram.url, token: telegram.token, chat: [1001, -5] };
  Deno.writeTextFileSync(`${folder}/config.json`, JSON.stringify({ channels: { telegram: channel } }), { mode: 0o600 });
  const send = async (subject: string) => {
    using runtime = fakeRuntime({ env: { MATRIX_NOTIFY_STATE_DIR: `${folder}/state` }, realIds: true });
    await main(["send", subject, "", "--config", `${folder}/config.json`, "--no-background"], runtime);
    return runtime.out().replace(/[-0-9a-f]{36}/g, "ID").replace(/; next try at .*/g, "");
  };
  const { host } = new URL(telegram.url);
  const hint = "check the number of the chat; send a message to the bot, or add the bot to the group again";
  const queued = `telegram -5: queued ID: ${host} answered 400: Bad Request: chat not found (${hint})\n`;
  assertEquals(await send("One"), `telegram 1001: delivered 1\n${queued}`);
  assertEquals(await send("Two"), `telegram 1001: delivered 2\n${queued}`);
  assertEquals(telegram.requests.filter(({ status }) => status === 400).length, 2, "formatted and plain, once");
  await Deno.remove(folder, { recursive: true });
});
